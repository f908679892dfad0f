// The conformance suite's own opening handshake (RFC 6455 §4): just enough HTTP to write a head and to read one.
import { createHash } from 'node:crypto'
import type { Socket } from 'node:net'

const guid = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'
const maxHeadBytes = 64 * 1024

export interface Head {
  readonly startLine: string
  /** Values of fields of the same name are joined with a comma. */
  readonly fields: ReadonlyMap<string, string>
  /** What came behind it. */
  readonly rest: Uint8Array
}

/** The proof that a key has been read (§4.2.2). */
export function proofOf(key: string): string {
  return createHash('sha1')
    .update(key + guid)
    .digest('base64')
}

/** A head's bytes, with the empty line at its end. */
export function headBytes(lines: readonly string[]): Uint8Array {
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1')
}

/** Writes what opens a connection, in one write or in small ones. */
export async function writeOpening(
  socket: Socket,
  bytes: Uint8Array,
  chopBytes = bytes.length,
): Promise<void> {
  socket.setNoDelay(true)
  for (let at = 0; at < bytes.length; at += chopBytes) {
    socket.write(bytes.subarray(at, at + chopBytes))
    if (chopBytes < bytes.length) await new Promise((resolve) => setImmediate(resolve))
  }
}

/** Reads a head and leaves the socket paused. @returns the head, or in words why there is none */
export function readHead(socket: Socket, withinMs: number): Promise<Head | string> {
  return new Promise((resolve) => {
    let bytes = Buffer.alloc(0)
    const settle = (result: Head | string): void => {
      clearTimeout(timer)
      socket.pause().off('data', onData).off('end', onEnd).off('error', onError)
      // Until the next one listens.
      socket.on('error', ignore)
      resolve(result)
    }
    const onData = (chunk: Buffer): void => {
      bytes = Buffer.concat([bytes, chunk])
      const end = bytes.indexOf('\r\n\r\n')
      if (end >= 0) settle(parse(bytes.toString('latin1', 0, end), bytes.subarray(end + 4)))
      else if (bytes.length > maxHeadBytes) settle('a head without an end')
    }
    const onEnd = (): void => settle('the connection ended before the handshake was done')
    const onError = (error: Error): void => settle(`no connection: ${error.message}`)
    const timer = setTimeout(() => settle(`no handshake within ${withinMs} ms`), withinMs)
    socket.on('data', onData).on('end', onEnd).on('error', onError)
  })
}

function parse(head: string, rest: Uint8Array): Head {
  const [startLine = '', ...lines] = head.split('\r\n')
  const fields = new Map<string, string>()
  for (const line of lines) {
    const [, name = '', value = ''] = /^([^:]+):(.*)$/.exec(line) ?? []
    const key = name.toLowerCase()
    const before = fields.get(key)
    fields.set(key, before === undefined ? value.trim() : `${before}, ${value.trim()}`)
  }
  return { startLine, fields, rest }
}

/** An error always leads to an end, which is what counts. */
function ignore(): undefined {
  return undefined
}
