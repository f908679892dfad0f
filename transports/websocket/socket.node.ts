// The pump between a Duplex (TCP, TLS, an HTTP/2 stream) and protocol/connection.ts, for both roles.
//
// Thousands of these sit idle in a server, so one holds no closure, no emitter and no timer of its own: the listeners and the
// handler are shared by all, and what is sent outside of a read is written by one pass over the sockets that have something.
import type { Duplex } from 'node:stream'
import type { DeflateInForce } from './deflate.node.ts'
import { cut, type DuplexEvents, listenTo, writeParts } from './duplex.node.ts'
import { type Flushable, flushSoon } from './flush-queue.node.ts'
import { Connection } from './protocol/connection.ts'
import { copiedUpToBytes } from './protocol/output.ts'
import type { ReceivedEvent } from './protocol/receiver.ts'
import { isInReadBuffer } from './read-buffer.node.ts'
import type { SharedFrames } from './shared-frames.node.ts'
import type { SocketSettings } from './socket-handler.ts'
import { type TurnTaker, zlibTurns } from './zlib-turns.node.ts'

/** With so much waiting, a sender is told to wait, though it is not yet known whether the wire takes it. */
const highWaterBytes = 64 * 1024

/** The bits of `#flags`. */
const reading = 1
const scheduled = 2
const blocked = 4
const owesDrained = 8
const pausedByApplication = 16
const pausedByReplies = 32
const ended = 64
const closedBit = 128
const endReceived = 256
const compressing = 512
const waitsForTurn = 1024
const pausedByInflation = 2048
const writesAtOnce = 4096
const paused = pausedByApplication | pausedByReplies | pausedByInflation

export class MessageSocket<Context> implements DuplexEvents, Flushable, TurnTaker {
  readonly duplex: Duplex
  readonly settings: SocketSettings<Context>
  readonly subprotocol: string | null
  /** The extensions in force, as they stand in the handshake; '' for none. */
  readonly extensions: string
  /** The application's own. */
  context: Context
  /** Set by every byte that arrives; whoever watches over idle sockets resets it. */
  heard = true
  /** When the last pong arrived, by the settings' clock; 0 before the first. */
  lastPongMs = 0
  readonly #connection: Connection
  #flags = 0
  #closeTimer: unknown = null
  #error: Error | null = null

  /**
   * Takes over a duplex whose handshake is done.
   *
   * @param head bytes that came behind the handshake (R20); decoded after this call, as all others
   * @param deflate compression as it has been agreed on, or null
   */
  constructor(
    duplex: Duplex,
    settings: SocketSettings<Context>,
    context: Context,
    subprotocol: string | null,
    head: Uint8Array,
    deflate: DeflateInForce | null = null,
  ) {
    this.duplex = duplex
    this.settings = settings
    this.context = context
    this.subprotocol = subprotocol
    this.extensions = deflate === null ? '' : deflate.text
    this.#connection = new Connection(settings.connection, deflate === null ? null : deflate.compression)
    if (deflate !== null) this.#flags |= compressing
    if (head.length > 0) {
      duplex.pause()
      duplex.unshift(head)
    }
    if (listenTo(duplex, this)) this.#flags |= writesAtOnce
    if (head.length > 0) duplex.resume()
    // A duplex that has died meanwhile says nothing more.
    if (duplex.closed) process.nextTick(() => this.onClose())
  }

  /** Whether messages can be sent: neither side has begun to close. */
  get isOpen(): boolean {
    return this.#connection.isOpen && !this.duplex.destroyed
  }

  /** Bytes that were sent here and that the system has not taken yet. */
  get bufferedBytes(): number {
    const connection = this.#connection
    return connection.outputBytes + connection.deflatingBytes + this.duplex.writableLength
  }

  /**
   * Sends a message: a string as text, bytes as binary. More than 2 KiB of bytes aren't copied by a server: leave them alone.
   *
   * @returns whether to go on; after false, which also means taken, wait for `drained`. On a socket that isn't open any more
   *   the message is dropped and the answer is false: `closed` follows or has come.
   */
  send(data: string | Uint8Array): boolean {
    return typeof data === 'string'
      ? this.sendParts('text', [Buffer.from(data)])
      : this.sendParts('binary', [data])
  }

  /** Sends a message whose payload lies in pieces, as a received one's does; text must be valid UTF-8. Returns as `send`. */
  sendParts(kind: 'text' | 'binary', parts: readonly Uint8Array[]): boolean {
    if (!this.isOpen) return false
    this.#connection.send(kind, parts, this.#isBorrowed(parts))
    return this.#sent()
  }

  /** Sends whole frames that `serverFrame` has made; the bytes are shared between sockets. Returns as `send`. */
  sendFrames(frames: Uint8Array): boolean {
    if (!this.isOpen) return false
    this.#connection.sendFrames(frames)
    return this.#sent()
  }

  /**
   * Sends messages in the form that this socket takes, compressed if that is in force here, and writes them now: what a
   * broadcast calls for each of its members. Where nothing waits before them, which is usual, they go straight to the wire: a
   * delivery of one short message then costs 6 % less. Returns as `send`.
   */
  writeShared(frames: SharedFrames): boolean {
    if (!this.isOpen) return false
    const connection = this.#connection
    const windowBits = connection.sharedWindowBits
    const bytes = frames.bytes(windowBits)
    if (connection.passFrames(windowBits !== null)) {
      if (this.duplex.write(bytes)) return true
      this.#flags |= blocked | owesDrained
      return false
    }
    connection.sendFrames(bytes, windowBits !== null)
    this.flush()
    if ((this.#flags & blocked) === 0 && connection.deflatingBytes < highWaterBytes) return true
    this.#flags |= owesDrained
    return false
  }

  ping(payload?: Uint8Array): void {
    if (!this.isOpen) return
    this.#connection.ping(payload)
    this.#schedule()
  }

  /**
   * Reads no more until `resume`: what the peer sends waits with it, once the buffers between are full. A TCP socket doesn't learn
   * either that the peer has gone, until it is resumed or written to.
   */
  pause(): void {
    if (!this.isOpen) return
    this.#flags |= pausedByApplication
    this.duplex.pause()
  }

  resume(): void {
    this.#unpause(pausedByApplication)
  }

  /**
   * Begins the closing handshake; doing it again does nothing. What was sent before still goes out.
   *
   * @throws UsageError for a code or reason that may not be sent
   */
  close(code: number | null = 1000, reason = ''): void {
    this.#connection.close(code, reason)
    // The peer's close frame must be seen.
    this.#unpause(pausedByApplication | pausedByReplies)
    this.#schedule()
  }

  /** Cuts the connection without a word. */
  terminate(): void {
    this.#connection.release()
    cut(this.duplex)
  }

  /** Writes now what has been sent; otherwise that happens at the end of the tick. */
  flush(): void {
    const connection = this.#connection
    const { duplex } = this
    const totalBytes = connection.outputBytes
    const parts = connection.takeOutput()
    if (duplex.destroyed || (this.#flags & ended) !== 0) return
    if (parts.length > 0) {
      if (!writeParts(duplex, parts, totalBytes)) this.#flags |= blocked
      // Frames lie in the same place again and again, which then is in the processor's cache.
      else if ((this.#flags & writesAtOnce) !== 0 && duplex.writableLength === 0) connection.reclaimOutput()
    }
    if (connection.shouldEnd) {
      this.#flags |= ended
      duplex.end()
    }
    if (connection.closeExpected) this.#startCloseTimer()
    if ((this.#flags & compressing) !== 0) this.#waitForTurn()
    if ((this.#flags & (blocked | owesDrained)) === owesDrained) this.#reportDrained()
  }

  // What the duplex reports. Only for its listeners, as all that begins with `on`.

  onData(chunk: Uint8Array, borrowed: boolean): void {
    this.heard = true
    this.#connection.receive(chunk, borrowed)
    try {
      if ((this.#flags & paused) === 0) this.#read()
    } finally {
      // Also when a handler throws: the next read overwrites what is borrowed.
      if (this.#connection.hasInput) this.#connection.keepInput()
    }
  }

  onEnd(): void {
    this.#flags |= endReceived
    this.#read()
  }

  onDrain(): void {
    this.#flags &= ~blocked
    this.#unpause(pausedByReplies)
    if ((this.#flags & owesDrained) !== 0) this.#reportDrained()
  }

  onError(error: Error): void {
    this.#error ??= error
  }

  /** The end of the tick that `#schedule` has asked for. */
  onFlush(): void {
    this.#flags &= ~scheduled
    this.flush()
  }

  /** The turn that `#waitForTurn` has asked for. */
  onTurn(): void {
    this.#flags &= ~(waitsForTurn | pausedByInflation)
    this.#connection.deflate()
    if ((this.#flags & paused) === 0) MessageSocket.#readOn(this as MessageSocket<unknown>)
    else this.flush()
  }

  onClose(): void {
    if ((this.#flags & closedBit) !== 0) return
    this.#flags |= closedBit
    this.#connection.release()
    if (this.#closeTimer !== null) this.settings.clock.clearTimeout(this.#closeTimer)
    this.settings.handler.closed(this, { ...this.#connection.outcome(), error: this.#error })
  }

  /** Hands up what the connection finds in its input, then writes all that came of it at once. */
  #read(): void {
    const connection = this.#connection
    let threw = true
    this.#flags |= reading
    try {
      while ((this.#flags & paused) === 0) {
        const event = connection.next()
        if (event === null) break
        this.#dispatch(event)
      }
      if ((this.#flags & endReceived) !== 0 && !connection.hasInput) connection.receiveEnd()
      threw = false
    } finally {
      this.#flags &= ~reading
      // What came behind the message that a handler can't take is there already: nothing else would lead to it.
      if (threw) process.nextTick(MessageSocket.#readOn, this)
      this.flush()
    }
  }

  #dispatch(event: ReceivedEvent): void {
    const { handler, clock } = this.settings
    switch (event.kind) {
      case 'message':
        if (this.isOpen) handler.message(this, event)
        break
      case 'ping':
        // A peer that asks and doesn't read must not make the answers pile up here.
        if ((this.#flags & blocked) !== 0) {
          this.#flags |= pausedByReplies
          this.duplex.pause()
        }
        break
      case 'pong':
        this.lastPongMs = clock.now()
        handler.ponged?.(this, event.payload)
        break
      case 'close':
      case 'failure':
        break
      default:
        event satisfies never
    }
  }

  /** Whether what is sent lies where the next read goes, and would not be copied before that. */
  #isBorrowed(parts: readonly Uint8Array[]): boolean {
    let payloadBytes = 0
    for (const part of parts) payloadBytes += part.length
    if (payloadBytes <= copiedUpToBytes && (this.#flags & compressing) === 0) return false
    return parts.some(isInReadBuffer)
  }

  /** What every send ends with. */
  #sent(): boolean {
    this.#schedule()
    const { outputBytes, deflatingBytes } = this.#connection
    if ((this.#flags & blocked) === 0 && outputBytes + deflatingBytes < highWaterBytes) return true
    this.#flags |= owesDrained
    return false
  }

  #schedule(): void {
    if ((this.#flags & (reading | scheduled)) !== 0) return
    this.#flags |= scheduled
    flushSoon(this)
  }

  /** If there is more to compress or to inflate than this turn has room for: reads no more until the next one. */
  #waitForTurn(): void {
    const { isInflating, deflatingBytes } = this.#connection
    // While others want no more either, it would come in vain, turn for turn; whoever resumes goes on with it.
    const inflates = isInflating && (this.#flags & (pausedByApplication | pausedByReplies)) === 0
    if (inflates) {
      this.#flags |= pausedByInflation
      this.duplex.pause()
    }
    if ((!inflates && deflatingBytes === 0) || (this.#flags & waitsForTurn) !== 0) return
    this.#flags |= waitsForTurn
    zlibTurns.wait(this)
  }

  #reportDrained(): void {
    if (this.#connection.deflatingBytes >= highWaterBytes) return
    this.#flags &= ~owesDrained
    if (this.isOpen) this.settings.handler.drained?.(this)
  }

  #unpause(reason: number): void {
    if ((this.#flags & reason) === 0) return
    this.#flags &= ~reason
    // Within a read, its loop goes on by itself; else later, so that nobody gets a message while he asks for it.
    if ((this.#flags & paused) === 0) process.nextTick(MessageSocket.#readOn, this)
  }

  static #readOn(this: void, socket: MessageSocket<unknown>): void {
    if ((socket.#flags & (paused | closedBit)) !== 0) return
    socket.#read()
    if ((socket.#flags & paused) === 0) socket.duplex.resume()
  }

  #startCloseTimer(): void {
    if (this.#closeTimer !== null) return
    const { clock, closeTimeoutMs } = this.settings
    this.#closeTimer = clock.setTimeout(() => cut(this.duplex), closeTimeoutMs)
  }
}
