// What a connection of ours makes of chunks, with everything checked that holds whatever the peer sends.
import { Connection, connectionSettings, type Role } from '../protocol/connection.ts'
import { applyMask } from '../protocol/mask.ts'
import { FrameArena } from '../protocol/output.ts'
import type { Primitives } from '../protocol/primitives.ts'
import type { ReceivedEvent } from '../protocol/receiver.ts'
import { concat } from '../protocol/testing.ts'
import type { IsUtf8 } from '../protocol/utf8.ts'
import { toHex } from './bytes.ts'
import { fuzzLimits } from './limits.ts'
import { fingerprint } from './random.ts'

/** One event in words: `text 5 48656c6c6f`, `close 1000 0`, `failure 1002`. Long payloads are told by length and fingerprint. */
export type Seen = string

export interface Heard {
  readonly events: readonly Seen[]
  /** What was written, in hex, and how it ended. The same for every way to cut the trace. */
  readonly end: string
}

/** Something that must never happen. */
export class Violation extends Error {
  override readonly name = 'Violation'
}

/** Makes a connection; a test of the fuzzer puts a faulty one in. */
export type Connect = (settings: ConstructorParameters<typeof Connection>[0]) => Connection

export interface ListenOptions {
  readonly role: Role
  readonly isUtf8: IsUtf8 | null
  /** How many chunks are pushed before events are pulled. */
  readonly pushes: number
  readonly connect: Connect
}

/** Making a buffer for every byte would take most of the time. */
const pooledUpToBytes = 64
const wholeInWordsUpToBytes = 24
/** What may be allocated beside what has arrived: the smallest block of a message. */
const allocationBytes = 256

/** One for all, as in a process: a block for each connection would take most of the time. */
const arena = new FrameArena({
  isUtf8: null,
  applyMask,
  randomMaskKey: () => 0x0403_0201,
  allocate: (bytes) => new Uint8Array(bytes),
})

/** Feeds copies of the chunks to a new connection and pulls all events. Throws a Violation. */
export function listen(chunks: readonly Uint8Array[], options: ListenOptions): Heard {
  const { role, isUtf8, pushes, connect } = options
  let receivedBytes = 0
  let pushedBytes = 0
  const primitives: Primitives = {
    isUtf8,
    applyMask,
    randomMaskKey: () => 0x0403_0201,
    allocate(bytes) {
      // A declared length never allocates by itself (R17).
      if (bytes > 2 * receivedBytes + allocationBytes) {
        throw new Violation(`${bytes} bytes were allocated when ${receivedBytes} had arrived`)
      }
      return new Uint8Array(bytes)
    },
  }
  const connection = connect(connectionSettings(role, fuzzLimits, primitives, arena))
  const events: Seen[] = []
  const output: string[] = []
  let ended = false
  let index = 0
  for (const chunk of copies(chunks)) {
    index++
    receivedBytes += chunk.length
    connection.receive(chunk)
    pushedBytes += chunk.length
    if (index % pushes === 0 || index === chunks.length) {
      ended = pull(connection, events, pushedBytes, ended)
      pushedBytes = 0
    }
    for (const part of connection.takeOutput()) output.push(toHex(part))
  }
  const { shouldEnd, isOpen } = connection
  if (isOpen === ended) throw new Violation(`isOpen is ${isOpen} after ${ended ? 'an' : 'no'} end`)
  connection.receiveEnd()
  if (connection.next() !== null) throw new Violation('an event came after the end of the connection')
  const { code, wasClean, failure } = connection.outcome()
  const end = `${output.join('')} ${shouldEnd} ${code} ${wasClean} ${failure?.closeCode ?? 'fine'}`
  return { events, end }
}

/** All events that are there; whether the connection's end has been among them. */
function pull(connection: Connection, events: Seen[], bytes: number, endedBefore: boolean): boolean {
  let ended = endedBefore
  // Each event but a failure takes at least the two bytes of a header, of which all but one may have come before.
  for (let left = bytes + 2; left >= 0; left--) {
    const event = connection.next()
    if (event === null) return ended
    if (ended) throw new Violation(`${event.kind} came after the end`)
    ended = event.kind === 'close' || event.kind === 'failure'
    events.push(inWords(event))
  }
  throw new Violation('there are more events than bytes')
}

function inWords(event: ReceivedEvent): Seen {
  switch (event.kind) {
    case 'message':
      return describePayload(event.text ? 'text' : 'binary', event.bytes())
    case 'ping':
    case 'pong':
      return describePayload(event.kind, event.payload)
    case 'close':
      return describePayload(`close ${event.code}`, new TextEncoder().encode(event.reason))
    case 'failure':
      return `failure ${event.error.closeCode}`
  }
}

/** An event's name with its payload. */
export function describePayload(name: string, payload: Uint8Array): Seen {
  if (payload.length <= wholeInWordsUpToBytes) return `${name} ${payload.length} ${toHex(payload)}`.trimEnd()
  return `${name} ${payload.length} ${toHex(payload.subarray(0, 8))}…#${fingerprint(payload).toString(16)}`
}

/** Chunks that the connection may unmask in place: long ones in buffers of their own, short ones side by side in one, as from a pool. */
function* copies(chunks: readonly Uint8Array[]): Generator<Uint8Array> {
  const pool = concat(...chunks)
  let offset = 0
  for (const chunk of chunks) {
    const end = offset + chunk.length
    // Words lie at every alignment: where the chunk happens to begin.
    if (chunk.length <= pooledUpToBytes) yield pool.subarray(offset, end)
    else yield pool.slice(offset - (offset & 3), end).subarray(offset & 3)
    offset = end
  }
}

/** The connection that is meant. */
export const connectOurs: Connect = (settings) => new Connection(settings)
