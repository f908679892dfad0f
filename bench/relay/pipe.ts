// One direction of a relayed connection: reads one socket, waits as the profile and the acts say, writes the other.
import type { Socket } from 'node:net'
import type { Random } from '../random.ts'
import { Holding, type HoldingRule, joinedRule } from './holding.ts'
import { DelayLine, SerialLine, sliceBytes } from './line.ts'
import type { Profile } from './profile.ts'
import { nextWriteBytes } from './rechunk.ts'

/** Below this a timer is too coarse: the event loop is turned until the moment has come. */
const finestTimerMs = 2

export interface PipeSettings {
  readonly delayMs: number
  readonly jitterMs: number
  /** Null: no limit; 0: nothing is read. */
  readonly bytesPerSecond: number | null
  readonly bufferBytes: number
  readonly proxy: Profile['proxy']
  readonly chunks: Profile['chunks']
}

export interface PipeOptions {
  readonly source: Socket
  readonly random: Random
  readonly settings: PipeSettings
  /** The first byte is taken as received then at the earliest: the handshake's round trip. */
  readonly notBeforeMs: number
  /** So many bytes were written, `lateMs` after they should have been; null where the receiver made them wait. */
  onForwarded(bytes: number, lateMs: number | null): void
  /** The source was reset, and all before that has been forwarded. */
  onReset(): void
  /** The source ended or was reset by its peer, seen at once. */
  onLeft(): void
}

interface Piece {
  readonly kind: 'bytes' | 'end' | 'reset'
  readonly bytes: Uint8Array
  readonly dueMs: number
  written: number
}

const nothing = new Uint8Array(0)

export class Pipe {
  readonly #options: PipeOptions
  readonly #source: Socket
  #sink: Socket | null = null
  #settings: PipeSettings
  readonly #delay: DelayLine
  readonly #line = new SerialLine()
  readonly #holding = new Holding()
  #queue: Piece[] = []
  #queuedBytes = 0
  #swallowedBytes = 0
  #stalledUntilMs = Number.NEGATIVE_INFINITY
  /** Nothing leaves sooner, as a stall or the receiver held it up until then. */
  #blockedUntilMs = Number.NEGATIVE_INFINITY
  #isDraining = false
  #mode: 'forward' | 'swallow' | 'closed' = 'forward'
  #timer: NodeJS.Timeout | undefined
  #immediate: NodeJS.Immediate | undefined

  constructor(options: PipeOptions) {
    this.#options = options
    this.#source = options.source
    this.#settings = options.settings
    this.#delay = new DelayLine(options.random)
    this.#source.on('data', (chunk: Buffer) => this.#receive(chunk))
    this.#source.on('end', () => this.#ended('end'))
    this.#source.on('error', () => this.#ended('reset'))
    this.#balance()
  }

  /** Read and not forwarded. */
  get heldBytes(): number {
    return this.#queuedBytes + this.#holding.bytes + this.#swallowedBytes
  }

  /** From now on there is somebody to write to. */
  connect(sink: Socket): void {
    this.#sink = sink
    sink.on('drain', () => {
      this.#isDraining = false
      this.#blockedUntilMs = performance.now()
      this.#pump()
    })
    this.#pump()
  }

  configure(settings: PipeSettings): void {
    if (settings.bytesPerSecond !== this.#settings.bytesPerSecond) this.#line.clear()
    this.#settings = settings
    const held = this.#rule() === null && this.#mode === 'forward' ? this.#holding.take() : null
    if (held !== null) this.#enqueue('bytes', held)
    this.#pump()
    this.#balance()
  }

  stallUntil(timeMs: number): void {
    this.#stalledUntilMs = Math.max(this.#stalledUntilMs, timeMs)
    this.#blockedUntilMs = Math.max(this.#blockedUntilMs, this.#stalledUntilMs)
    this.#pump()
  }

  endStall(): void {
    this.#stalledUntilMs = Number.NEGATIVE_INFINITY
    this.#blockedUntilMs = performance.now()
    this.#pump()
  }

  /** Forwards nothing any more: swallows a buffer's worth and then does not read. */
  swallow(): void {
    this.#swallowedBytes = this.#queuedBytes + this.#holding.bytes
    this.#drop()
    if (this.#mode === 'forward') this.#mode = 'swallow'
    this.#balance()
  }

  /** Forgets what it holds and forwards nothing; the source is read to its end, so that an orderly end can end. */
  close(): void {
    this.#drop()
    this.#mode = 'closed'
    this.#source.resume()
  }

  #drop(): void {
    this.#cancelWait()
    this.#queue = []
    this.#queuedBytes = 0
    this.#holding.take()
  }

  #receive(chunk: Buffer): void {
    if (this.#mode === 'closed') return
    if (this.#mode === 'swallow') {
      this.#swallowedBytes += chunk.byteLength
      this.#balance()
      return
    }
    const rule = this.#rule()
    if (rule === null) {
      this.#enqueue('bytes', chunk)
    } else {
      const enough = this.#holding.push(chunk, performance.now(), rule)
      if (enough !== null) this.#enqueue('bytes', enough)
    }
    this.#balance()
    this.#pump()
  }

  #ended(kind: 'end' | 'reset'): void {
    this.#options.onLeft()
    if (this.#mode !== 'forward') return
    const last = this.#holding.take()
    if (last !== null) this.#enqueue('bytes', last)
    this.#enqueue(kind, nothing)
    this.#pump()
  }

  #enqueue(kind: Piece['kind'], bytes: Uint8Array): void {
    const { delayMs, jitterMs } = this.#settings
    const receivedMs = Math.max(performance.now(), this.#options.notBeforeMs)
    this.#queue.push({ kind, bytes, dueMs: this.#delay.dueMs(receivedMs, delayMs, jitterMs), written: 0 })
    this.#queuedBytes += bytes.byteLength
  }

  #rule(): HoldingRule | null {
    const { proxy, chunks } = this.#settings
    if (proxy !== null) return { ...proxy, quietMs: Number.POSITIVE_INFINITY }
    return chunks === 'joined' ? joinedRule : null
  }

  /** Reads on, or pushes back, as there is room or not. */
  #balance(): void {
    if (this.#mode === 'closed' || this.#source.destroyed) return
    const { bytesPerSecond, bufferBytes } = this.#settings
    const hasRoom = this.heldBytes < bufferBytes && bytesPerSecond !== 0
    if (!hasRoom) this.#source.pause()
    else if (this.heldBytes <= bufferBytes / 2) this.#source.resume()
  }

  /** Forwards what is due, and waits for what comes next. */
  #pump(): void {
    this.#cancelWait()
    if (this.#mode !== 'forward' || this.#sink === null) return
    const waitMs = this.#forwardDue()
    if (waitMs !== null) this.#wait(waitMs)
  }

  /** Gives how long to wait for more; null: there is nothing, or somebody else goes on. */
  #forwardDue(): number | null {
    while (!this.#isDraining && this.#mode === 'forward') {
      const nowMs = performance.now()
      if (nowMs < this.#stalledUntilMs) return this.#stalledUntilMs - nowMs
      const releaseMs = this.#releaseHeld(nowMs)
      const piece = this.#queue[0]
      const waitMs = piece === undefined ? null : this.#forward(piece, nowMs)
      if (waitMs === 0) continue
      if (waitMs === null || releaseMs === null) return waitMs ?? releaseMs
      return Math.min(waitMs, releaseMs)
    }
    return null
  }

  /** Lets go of what was held long enough; gives how long the rest is to be held. */
  #releaseHeld(nowMs: number): number | null {
    const rule = this.#rule()
    const dueMs = rule === null ? null : this.#holding.dueMs(rule)
    if (dueMs === null) return null
    if (dueMs > nowMs) return dueMs - nowMs
    const held = this.#holding.take()
    if (held !== null) this.#enqueue('bytes', held)
    return null
  }

  /** Forwards one write of a piece if it is time; gives how long to wait otherwise. Null: somebody else goes on. */
  #forward(piece: Piece, nowMs: number): number | null {
    const { bytesPerSecond, chunks } = this.#settings
    if (bytesPerSecond === 0) return null
    if (piece.dueMs > nowMs) return piece.dueMs - nowMs
    if (piece.kind !== 'bytes') {
      this.#queue.shift()
      if (piece.kind === 'end') this.#sink?.end()
      else this.#options.onReset()
      return 0
    }
    const length = Math.min(
      nextWriteBytes(chunks, piece.written, piece.bytes.byteLength),
      sliceBytes(bytesPerSecond),
    )
    const readyMs = Math.max(piece.dueMs, this.#blockedUntilMs)
    const finishMs = this.#line.finishMs(readyMs, length, bytesPerSecond)
    if (finishMs > nowMs) return finishMs - nowMs
    this.#line.occupy(finishMs)
    this.#write(piece, length, piece.dueMs >= this.#blockedUntilMs ? nowMs - finishMs : null)
    // A turn of the event loop between two single bytes, or the receiver would find them in one read.
    return length < piece.bytes.byteLength && chunks === 'bytewise' ? Number.MIN_VALUE : 0
  }

  #write(piece: Piece, length: number, lateMs: number | null): void {
    const sink = this.#sink
    if (sink === null || !sink.writable) {
      this.#drop()
      return
    }
    const bytes = piece.bytes.subarray(piece.written, piece.written + length)
    const isFirst = piece.written === 0
    piece.written += length
    this.#queuedBytes -= length
    if (piece.written === piece.bytes.byteLength) this.#queue.shift()
    this.#isDraining = !sink.write(bytes)
    this.#options.onForwarded(length, isFirst ? lateMs : null)
    this.#balance()
  }

  #wait(ms: number): void {
    if (ms < finestTimerMs) this.#immediate = setImmediate(() => this.#pump())
    else this.#timer = setTimeout(() => this.#pump(), Math.max(1, Math.floor(ms - 1)))
  }

  #cancelWait(): void {
    clearTimeout(this.#timer)
    clearImmediate(this.#immediate)
  }
}
