// For tests: an echo server that commits one fault on purpose. Built from the fuzzer's own parts, so none of ours is in it.
import { createServer, type Server, type Socket } from 'node:net'
import { deflateRawSync } from 'node:zlib'
import type { Event } from './case.ts'
import { binary, close, closePayload, continuation, encodeFrames, type Frame, pong, text } from './frames.ts'
import { headBytes, proofOf, readHead } from './head.node.ts'
import { FrameReader } from './reader.ts'

export type Fault =
  | 'none'
  | 'never answers'
  | 'drops TCP'
  | 'never ends TCP'
  | 'speaks after its close'
  | 'answers 1001'
  | 'closes by itself'
  | 'changes a byte'
  | 'masks'
  | 'marks the second fragment as compressed'
  | 'refers beyond the window'
  | 'accepts what was not offered'
  | 'declines compression'

const longest = 100_000

/** A message that refers back by 1,000 bytes, in a window of 512. */
function tooFarBack(): Uint8Array {
  const message = new Uint8Array(2000)
  for (let at = 0; at < 1000; at++) message[at] = message[at + 1000] = (at * at * 31) >> 5
  const compressed = deflateRawSync(message, { finishFlush: 2 })
  return compressed.subarray(0, compressed.length - 4)
}

async function serve(socket: Socket, fault: Fault): Promise<void> {
  const head = await readHead(socket, 5000)
  if (typeof head === 'string') return
  const offered =
    (head.fields.has('sec-websocket-extensions') && fault !== 'declines compression') ||
    fault === 'accepts what was not offered'
  const answer = `permessage-deflate${fault === 'refers beyond the window' ? '; server_max_window_bits=9' : ''}`
  socket.write(
    headBytes([
      'HTTP/1.1 101 Switching Protocols',
      'Upgrade: websocket',
      'Connection: Upgrade',
      `Sec-WebSocket-Accept: ${proofOf(head.fields.get('sec-websocket-key') ?? '')}`,
      ...(offered ? [`Sec-WebSocket-Extensions: ${answer}`] : []),
    ]),
  )
  const write = (...frames: readonly Frame[]): void => {
    if (fault === 'never answers' || !socket.writable) return
    socket.write(encodeFrames(frames, fault === 'masks' ? () => new Uint8Array(4) : null))
  }
  // It doesn't look into what is compressed.
  const reader = new FrameReader(true, offered ? () => new Uint8Array(0) : null, {
    event: (event) => echo(event, fault, write),
    closed(code) {
      if (fault === 'never answers') return
      if (fault === 'closes by itself') {
        socket.end()
        return
      }
      if (fault === 'drops TCP') {
        socket.destroy()
        return
      }
      const said = fault === 'answers 1001' ? 1001 : code
      write({ opcode: close, payload: said === null ? new Uint8Array(0) : closePayload(said) })
      if (fault === 'speaks after its close') write({ opcode: text })
      if (fault !== 'never ends TCP') socket.end()
    },
    wrong() {
      if (fault === 'never answers') return
      write({ opcode: close, payload: closePayload(fault === 'answers 1001' ? 1001 : 1002) })
      if (fault !== 'never ends TCP') socket.end()
    },
    afterClose: () => undefined,
  })
  socket.on('data', (chunk: Buffer) => reader.push(chunk))
  reader.push(head.rest)
  socket.resume()
}

function echo(event: Event, fault: Fault, write: (...frames: readonly Frame[]) => void): void {
  if (event.kind === 'mark' || event.kind === 'pong') return
  const opcode = event.kind === 'ping' ? pong : event.kind === 'text' ? text : binary
  const payload = event.payload.slice(0, longest)
  if (fault === 'closes by itself') write({ opcode: close, payload: closePayload(1000) })
  else if (fault === 'marks the second fragment as compressed')
    write({ opcode, payload, final: false }, { opcode: continuation, reserved: 4 })
  else if (fault === 'refers beyond the window') write({ opcode, reserved: 4, payload: tooFarBack() })
  else if (fault === 'changes a byte' && payload.length > 0)
    write({ opcode, payload: payload.map((byte, at) => (at === payload.length - 1 ? byte ^ 1 : byte)) })
  else write({ opcode, payload })
}

/** A server that isn't listening yet. */
export function createFaultyServer(fault: Fault): Server {
  return createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => socket.destroy())
    serve(socket, fault).catch(() => socket.destroy())
  })
}
