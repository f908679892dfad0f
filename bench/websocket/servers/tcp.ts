// The floor: sockets that take frames apart in the plainest way, join those of a tick, and write once. No rule is checked.
import { createHash } from 'node:crypto'
import { createServer } from 'node:http'
import type { Duplex } from 'node:stream'
import { bareMode, sayUrl } from './ready.ts'

const mode = bareMode()
const members = new Set<Duplex>()
let burst: Buffer[] = []

const server = createServer()
server.on('upgrade', (request, socket) => {
  const key = `${request.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`
  const lines = [
    'HTTP/1.1 101 Switching Protocols',
    'Upgrade: websocket',
    'Connection: Upgrade',
    `Sec-WebSocket-Accept: ${createHash('sha1').update(key).digest('base64')}`,
  ]
  if ('setNoDelay' in socket && typeof socket.setNoDelay === 'function') socket.setNoDelay(true)
  socket.write(`${lines.join('\r\n')}\r\n\r\n`)
  members.add(socket)
  socket.on('close', () => members.delete(socket))
  socket.on('error', () => socket.destroy())
  let rest: Buffer = Buffer.alloc(0)
  socket.on('data', (chunk: Buffer) => {
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    const frames: Buffer[] = []
    rest = bytes.subarray(takeFrames(bytes, frames))
    if (frames.length === 0) return
    if (mode === 'echo') socket.write(joined(frames))
    else {
      if (burst.length === 0) setImmediate(sendBurst)
      burst.push(...frames)
    }
  })
})

function sendBurst(): void {
  const shared = joined(burst)
  burst = []
  for (const member of members) member.write(shared)
}

function joined(frames: readonly Buffer[]): Buffer {
  return frames.length === 1 ? (frames[0] as Buffer) : Buffer.concat(frames)
}

/** Turns whole client frames into server frames; gives how many bytes they took. */
function takeFrames(bytes: Buffer, frames: Buffer[]): number {
  let at = 0
  while (bytes.length - at >= 6) {
    let payloadBytes = (bytes[at + 1] as number) & 127
    let headerBytes = 2
    if (payloadBytes === 126) {
      payloadBytes = bytes.readUInt16BE(at + 2)
      headerBytes = 4
    } else if (payloadBytes === 127) {
      if (bytes.length - at < 14) break
      payloadBytes = bytes.readUInt32BE(at + 6)
      headerBytes = 10
    }
    const mask = at + headerBytes
    const payload = mask + 4
    if (bytes.length - payload < payloadBytes) break
    const frame = Buffer.allocUnsafe(headerBytes + payloadBytes)
    bytes.copy(frame, 0, at, mask)
    frame[1] = (frame[1] as number) & 127
    for (let index = 0; index < payloadBytes; index++) {
      frame[headerBytes + index] = (bytes[payload + index] as number) ^ (bytes[mask + (index & 3)] as number)
    }
    frames.push(frame)
    at = payload + payloadBytes
  }
  return at
}

server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 }, () => sayUrl(server.address()))
