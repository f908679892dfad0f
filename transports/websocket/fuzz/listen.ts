// What a connection of ours makes of chunks, with everything checked that holds whatever the peer sends.
import { Connection, connectionSettings, type Role } from '../protocol/connection.ts'
import type { Compression } from '../protocol/flate.ts'
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
export type Connect = (
  settings: ConstructorParameters<typeof Connection>[0],
  compression: Compression | null,
) => Connection

/** Compression that is watched from below. */
export interface WatchedCompression {
  readonly compression: Compression
  /** What has come out of the decompressor, in all. */
  inflatedBytes(): number
  /** Lets the others have their turn, and opens a new one. */
  nextTurn(): Promise<void>
}

export interface ListenOptions {
  readonly role: Role
  readonly isUtf8: IsUtf8 | null
  /** How many chunks are pushed before events are pulled. From two on, more are pushed while a message is inflated. */
  readonly pushes: number
  /** Whether the chunks' place is used again as soon as the connection has had its time with them. */
  readonly borrowed: boolean
  readonly connect: Connect
  /** Null: nothing is compressed. */
  readonly compression: WatchedCompression | null
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

/** With which a message turns out to be too big (R22). */
const beyondLimitBytes = 1
/** Neither ASCII nor the start of a character. */
const overwritten = 0xbf
/** A turn inflates at least a byte, and each byte comes from a few bits. */
const maxTurns = 100_000

/** Feeds copies of the chunks to a new connection and pulls all events. Throws a Violation. */
export async function listen(chunks: readonly Uint8Array[], options: ListenOptions): Promise<Heard> {
  const { pushes, compression } = options
  const listening = new Listening(options)
  try {
    let index = 0
    for (const chunk of copies(chunks)) {
      index++
      const pulls = index % pushes === 0 || index === chunks.length
      listening.receive(chunk, pulls)
      if (!pulls) continue
      // Now and then what arrives next doesn't wait until there was a turn.
      if (pushes > 1 && index !== chunks.length) continue
      for (let turns = 0; listening.isInflating; turns++) {
        if (turns === maxTurns) throw new Violation('it inflates without an end')
        await compression?.nextTurn()
        listening.pull()
      }
    }
    return listening.end()
  } finally {
    listening.release()
  }
}

/** One connection, and what it has said so far. */
class Listening {
  readonly #connection: Connection
  readonly #borrowed: boolean
  readonly #inflatedBytes: () => number
  readonly #events: Seen[] = []
  readonly #output: string[] = []
  #receivedBytes = 0
  #ended = false
  /** What had been inflated when the last message was complete. */
  #inflatedBefore = 0

  constructor({ role, isUtf8, borrowed, connect, compression }: ListenOptions) {
    this.#borrowed = borrowed
    this.#inflatedBytes = () => compression?.inflatedBytes() ?? 0
    const primitives: Primitives = {
      isUtf8,
      applyMask,
      randomMaskKey: () => 0x0403_0201,
      allocate: (bytes) => {
        // A declared length never allocates by itself (R17).
        const thereBytes = Math.max(this.#receivedBytes, this.#inflatedBytes())
        if (bytes > 2 * thereBytes + allocationBytes)
          throw new Violation(`${bytes} bytes were allocated when ${thereBytes} were there`)
        return new Uint8Array(bytes)
      },
    }
    const settings = connectionSettings(role, fuzzLimits, primitives, arena)
    this.#connection = connect(settings, compression?.compression ?? null)
  }

  get isInflating(): boolean {
    return this.#connection.isInflating
  }

  receive(chunk: Uint8Array, pulls: boolean): void {
    this.#receivedBytes += chunk.length
    this.#connection.receive(chunk, this.#borrowed)
    if (pulls) this.pull()
    if (!this.#borrowed) return
    if (this.#connection.hasInput) this.#connection.keepInput()
    chunk.fill(overwritten)
  }

  /** All events that are there. */
  pull(): void {
    for (;;) {
      const event = this.#connection.next()
      const inflatedBytes = this.#inflatedBytes() - this.#inflatedBefore
      if (inflatedBytes > fuzzLimits.maxMessageBytes + beyondLimitBytes)
        throw new Violation(`${inflatedBytes} bytes of a message were inflated`)
      if (event === null) break
      if (event.kind === 'message') this.#inflatedBefore = this.#inflatedBytes()
      if (this.#ended) throw new Violation(`${event.kind} came after the end`)
      this.#ended = event.kind === 'close' || event.kind === 'failure'
      this.#events.push(inWords(event))
      // Each event but a failure takes at least the two bytes of a header.
      if (this.#events.length > this.#receivedBytes + 1)
        throw new Violation('there are more events than bytes')
    }
    for (const part of this.#connection.takeOutput()) this.#output.push(toHex(part))
  }

  end(): Heard {
    const connection = this.#connection
    const { shouldEnd, isOpen } = connection
    if (isOpen === this.#ended)
      throw new Violation(`isOpen is ${isOpen} after ${this.#ended ? 'an' : 'no'} end`)
    connection.receiveEnd()
    if (connection.next() !== null) throw new Violation('an event came after the end of the connection')
    const { code, wasClean, failure } = connection.outcome()
    const end = `${this.#output.join('')} ${shouldEnd} ${code} ${wasClean} ${failure?.closeCode ?? 'fine'}`
    return { events: this.#events, end }
  }

  release(): void {
    this.#connection.release()
  }
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
export const connectOurs: Connect = (settings, compression) => new Connection(settings, compression)
