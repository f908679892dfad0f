// WebSocket for load alone: prebuilt client frames and a reader that only finds where messages begin. Not a client: it checks nothing.
import net from 'node:net'

/** A fixed mask: a load generator has no cache between it and the server to protect (RFC 6455 §5.3). */
const mask = [0x11, 0x22, 0x33, 0x44] as const

/** One masked text frame. */
export function textFrame(payload: string): Buffer {
  const length = Buffer.byteLength(payload)
  const headerBytes = length < 126 ? 6 : 8
  if (length > 65_535) throw new RangeError('A load frame has at most 65,535 bytes.')
  const frame = Buffer.allocUnsafe(headerBytes + length)
  frame[0] = 0x81
  if (length < 126) frame[1] = 0x80 | length
  else {
    frame[1] = 0x80 | 126
    frame.writeUInt16BE(length, 2)
  }
  for (let index = 0; index < 4; index++) frame[headerBytes - 4 + index] = mask[index] ?? 0
  frame.write(payload, headerBytes, 'utf8')
  for (let index = 0; index < length; index++) {
    frame[headerBytes + index] = (frame[headerBytes + index] ?? 0) ^ (mask[index & 3] ?? 0)
  }
  return frame
}

/** Opens a WebSocket and calls `frame` with each unmasked frame's bytes and the place of its payload. */
export function openRaw(
  url: string,
  frame: (bytes: Buffer, from: number, to: number) => void,
  failed: (error: Error) => void,
): Promise<net.Socket> {
  const { hostname, port, host, pathname, search } = new URL(url)
  return new Promise((resolve) => {
    const socket = net.connect({ port: Number(port), host: hostname, noDelay: true })
    let rest: Buffer = Buffer.alloc(0)
    let open = false
    socket.on('error', failed)
    socket.on('close', () => failed(new Error('The server closed a WebSocket during the load.')))
    socket.on('connect', () => {
      const lines = [
        `GET ${pathname}${search} HTTP/1.1`,
        `Host: ${host}`,
        'Upgrade: websocket',
        'Connection: Upgrade',
        'Sec-WebSocket-Version: 13',
        'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
        'Sec-WebSocket-Protocol: json',
      ]
      socket.write(`${lines.join('\r\n')}\r\n\r\n`)
    })
    socket.on('data', (chunk: Buffer) => {
      rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
      if (!open) {
        const end = rest.indexOf('\r\n\r\n')
        if (end < 0) return
        const status = rest.toString('latin1', 0, 12)
        if (status !== 'HTTP/1.1 101') return failed(new Error(`A WebSocket was answered with "${status}".`))
        open = true
        rest = rest.subarray(end + 4)
        resolve(socket)
      }
      rest = rest.subarray(scan(rest, frame))
    })
  })
}

/** Finds whole frames; gives how many bytes they took. */
function scan(bytes: Buffer, frame: (bytes: Buffer, from: number, to: number) => void): number {
  let at = 0
  while (bytes.length - at >= 2) {
    let length = (bytes[at + 1] ?? 0) & 127
    let from = at + 2
    if (length === 126) {
      if (bytes.length - at < 4) break
      length = bytes.readUInt16BE(at + 2)
      from = at + 4
    } else if (length === 127) {
      if (bytes.length - at < 10) break
      length = bytes.readUInt32BE(at + 6)
      from = at + 10
    }
    if (bytes.length - from < length) break
    // Text alone: pings need no answer within the seconds that a load lasts.
    if ((bytes[at] ?? 0) === 0x81) frame(bytes, from, from + length)
    at = from + length
  }
  return at
}
