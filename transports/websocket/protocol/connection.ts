// One WebSocket connection after its handshake (RFC 6455 §5–§7), as a state machine without I/O, for both roles.
//
// The loop around it is always the same: `receive` bytes, pull events with `next` until it returns null, write what
// `takeOutput` gives, end the writing side when `shouldEnd` says so, and start a timer when `closeExpected` does.
import { CloseCode, type CloseFrame, encodeClose } from './close-code.ts'
import { Deflation } from './deflation.ts'
import { type ProtocolError, UsageError } from './errors.ts'
import type { Compression } from './flate.ts'
import { finalBit, maxControlPayloadBytes, Opcode } from './frame.ts'
import { Inflation } from './inflation.ts'
import type { Limits } from './limits.ts'
import { joinBytes } from './message.ts'
import { type FrameArena, Outbox } from './output.ts'
import type { Primitives } from './primitives.ts'
import { type ReceivedEvent, Receiver, type ReceiverRules } from './receiver.ts'

export type Role = 'client' | 'server'

/** What all connections of one kind share; make it once with `connectionSettings`. */
export interface ConnectionSettings extends ReceiverRules {
  readonly role: Role
  readonly arena: FrameArena
}

/** How a connection has ended, as RFC 6455 §7.1.4–§7.1.6 define it. */
export interface Outcome {
  /** The code of the peer's close frame; 1005 if it had none, 1006 if there was no such frame. */
  readonly code: number
  readonly reason: string
  /** Both sides have said goodbye. */
  readonly wasClean: boolean
  /** What this side failed the connection for, if it did. */
  readonly failure: ProtocolError | null
}

/** Settings for `role`; the arena is where outgoing frames are written, one for the whole process. */
export function connectionSettings(
  role: Role,
  limits: Limits,
  primitives: Primitives,
  arena: FrameArena,
): ConnectionSettings {
  return { role, limits, primitives, arena, expectMasked: role === 'server' }
}

const noBytes = new Uint8Array(0)
const noParts: readonly Uint8Array[] = []

export class Connection {
  readonly #settings: ConnectionSettings
  readonly #receiver: Receiver
  readonly #outbox: Outbox
  readonly #deflation: Deflation | null
  #sentClose = false
  #receivedClose: CloseFrame | null = null
  #failure: ProtocolError | null = null
  #receivedEnd = false
  #sendingFragments = false

  /** @param compression permessage-deflate (RFC 7692), if that has been negotiated; the connection's own from now on */
  constructor(settings: ConnectionSettings, compression: Compression | null = null) {
    this.#settings = settings
    this.#outbox = new Outbox(settings.arena)
    if (compression === null) {
      this.#receiver = new Receiver(settings, null)
      this.#deflation = null
    } else {
      this.#receiver = new Receiver(settings, new Inflation(compression.inflater))
      this.#deflation = new Deflation(compression, this.#outbox, settings.role === 'client')
    }
  }

  /** Whether messages may still be sent: no close frame has gone either way, and nothing has failed. */
  get isOpen(): boolean {
    return !this.#sentClose && !this.#receivedEnd
  }

  /** Whether a call of `next` may find something. */
  get hasInput(): boolean {
    return this.#receiver.hasInput
  }

  /** Bytes that wait in `takeOutput`. */
  get outputBytes(): number {
    return this.#outbox.waitingBytes
  }

  /** Whether to end the writing side once the output is written. */
  get shouldEnd(): boolean {
    if (this.deflatingBytes > 0) return false
    if (this.#receivedEnd) return true
    // RFC 6455 §7.1.1: the server closes the TCP connection first, so that the waiting state is its own.
    const finished = this.#receivedClose !== null || this.#failure !== null
    return this.#settings.role === 'server' && this.#sentClose && finished
  }

  /** Whether the end of the connection is near: if it doesn't come within a time, it should be cut. */
  get closeExpected(): boolean {
    return (this.#sentClose && this.deflatingBytes === 0) || this.#receivedEnd
  }

  /** Payload bytes that wait to be compressed, or behind such; they come into the output by `deflate`. */
  get deflatingBytes(): number {
    return this.#deflation === null ? 0 : this.#deflation.waitingBytes
  }

  /** Whether there is more to inflate than this turn had room for; `next` goes on with it. */
  get isInflating(): boolean {
    return this.#receiver.isInflating
  }

  /** The window (RFC 7692 §7.1.2) within which shared frames may be compressed for this connection; null: they may not be. */
  get sharedWindowBits(): number | null {
    return this.#deflation === null ? null : this.#deflation.windowBits
  }

  /**
   * Takes bytes from the peer, which are unmasked in place. They belong to the connection from now on, unless they are borrowed.
   *
   * @param borrowed whether their place will be used again once `next` has returned null or `keepInput` was called; until
   *   then the payloads of messages may lie in it
   */
  receive(chunk: Uint8Array, borrowed = false): void {
    this.#receiver.push(chunk, borrowed)
  }

  /** Copies what is left of borrowed bytes, to go on with it later. */
  keepInput(): void {
    this.#receiver.keep()
  }

  /** The peer has ended its writing side, or the connection is lost. Nothing can be received any more. */
  receiveEnd(): void {
    this.#receivedEnd = true
    this.#receiver.discard()
  }

  /** Goes on compressing what was sent, as far as this turn has room for. */
  deflate(): void {
    this.#deflation?.advance()
  }

  /** The connection is gone: frees what it holds outside of the heap, and drops what waits. */
  release(): void {
    this.receiveEnd()
    this.#deflation?.close()
  }

  /**
   * The next event, or null when it takes more bytes. Pings and closes have been answered when it returns them; a fault of
   * the peer comes as `failure`, its close frame stands in the output, and all later input is dropped.
   */
  next(): ReceivedEvent | null {
    const event = this.#receiver.next()
    if (event === null) return null
    switch (event.kind) {
      case 'message':
      case 'pong':
        return event
      case 'ping':
        // RFC 6455 §5.5.2: answered at once, unless a close frame has gone. §5.5.3: with the same payload.
        if (!this.#sentClose) this.#addControl(Opcode.pong, event.payload)
        return event
      case 'close':
        this.#receivedClose = { code: event.code, reason: event.reason }
        // RFC 6455 §5.5.1: a close frame is answered with one, typically with the code that was received.
        this.#sendClose(event.code === CloseCode.noCode ? null : event.code, '')
        return event
      case 'failure':
        this.#fail(event.error)
        return event
      default:
        return event satisfies never
    }
  }

  /**
   * Sends a whole message in one frame. A server's long payload isn't copied: leave it alone until it is written.
   *
   * @param parts the payload, in order; for text it must be valid UTF-8 as a whole
   * @param borrowed copies it in any case, as its place will be used again: that of a message that was received so, say
   * @throws UsageError after a close, or between the fragments of another message
   */
  send(kind: 'text' | 'binary', parts: readonly Uint8Array[], borrowed = false): void {
    this.#requireOpen()
    // RFC 6455 §5.4: fragments of different messages are never interleaved.
    if (this.#sendingFragments) throw new UsageError('a fragmented message has not ended yet')
    this.#addData(finalBit | Opcode[kind], parts, borrowed)
  }

  /**
   * Sends one fragment of a message (RFC 6455 §5.4). The first one says the kind for all.
   *
   * @param last whether the message ends with it
   */
  sendFragment(kind: 'text' | 'binary', payload: Uint8Array, last: boolean): void {
    this.#requireOpen()
    const opcode = this.#sendingFragments ? Opcode.continuation : Opcode[kind]
    this.#sendingFragments = !last
    this.#addData(last ? finalBit | opcode : opcode, [payload], false)
  }

  /**
   * Sends bytes that are whole, final, unmasked data frames already, as `serverFrame` makes them. They are shared.
   *
   * @param compressed whether they hold messages that are compressed, each by itself and within `sharedWindowBits`
   * @throws UsageError on a client, whose frames are masked one by one
   */
  sendFrames(frames: Uint8Array, compressed = false): void {
    this.#requireOpen()
    if (this.#settings.role === 'client') throw new UsageError('only a server sends prebuilt frames')
    if (this.#sendingFragments) throw new UsageError('a fragmented message has not ended yet')
    if (this.#deflation === null) this.#outbox.addPrebuilt(frames)
    else this.#deflation.addPrebuilt(frames, compressed)
  }

  /**
   * Whether such frames may go to the wire without passing through here, because nothing waits before them; if so, they count
   * as sent.
   */
  passFrames(compressed: boolean): boolean {
    if (this.#settings.role === 'client' || !this.isOpen || this.#sendingFragments) return false
    if (this.#outbox.waitingBytes > 0) return false
    return this.#deflation === null || this.#deflation.passPrebuilt(compressed)
  }

  /** Sends a ping with up to 125 bytes (RFC 6455 §5.5.2). */
  ping(payload: Uint8Array = noBytes): void {
    this.#requireOpen()
    this.#addControl(Opcode.ping, payload)
  }

  /** Sends a pong that nobody asked for: a heartbeat in one direction (RFC 6455 §5.5.3). */
  pong(payload: Uint8Array = noBytes): void {
    this.#requireOpen()
    this.#addControl(Opcode.pong, payload)
  }

  /**
   * Begins the closing handshake (RFC 6455 §7.1.2). Closing again does nothing.
   *
   * @param code 1000–1003, 1007–1014, 3000–4999, or null for a close frame without a code
   * @param reason up to 123 bytes of UTF-8
   * @throws UsageError for a code or reason that may not be sent
   */
  close(code: number | null = CloseCode.normal, reason = ''): void {
    const payload = encodeClose(code, reason)
    if (this.isOpen) this.#addClose(payload)
  }

  /** Everything that is to be written, in order; it counts as written. */
  takeOutput(): readonly Uint8Array[] {
    return this.#outbox.take()
  }

  /** What `takeOutput` gave last is written, and nothing refers to it any more: its place may be used again. */
  reclaimOutput(): void {
    this.#outbox.reclaim()
  }

  /** How it ended; asked for when the connection below is gone. */
  outcome(): Outcome {
    const received = this.#receivedClose
    return {
      code: received?.code ?? CloseCode.abnormal,
      reason: received?.reason ?? '',
      wasClean: received !== null && this.#sentClose,
      failure: this.#failure,
    }
  }

  /** RFC 6455 §7.1.7: says why, then stops listening, which is a state of the receiver. */
  #fail(error: ProtocolError): void {
    this.#failure = error
    this.#sendClose(error.closeCode, error.message)
  }

  #sendClose(code: number | null, reason: string): void {
    if (this.isOpen) this.#addClose(encodeClose(code, reason))
  }

  #addClose(payload: Uint8Array): void {
    // Unlike a ping, it must not overtake what was sent before it.
    if (this.#deflation === null) this.#addControl(Opcode.close, payload)
    else this.#deflation.add(finalBit | Opcode.close, [payload], payload.length)
    this.#sentClose = true
  }

  #requireOpen(): void {
    if (!this.isOpen) throw new UsageError('the connection is closing')
  }

  #addData(first: number, parts: readonly Uint8Array[], borrowed: boolean): void {
    let payloadBytes = 0
    for (const part of parts) payloadBytes += part.length
    if (this.#deflation === null) {
      this.#outbox.addFrame(first, parts, payloadBytes, this.#settings.role === 'client', borrowed)
    } else {
      // It may have to wait until it is compressed.
      this.#deflation.add(first, borrowed ? [joinBytes(parts, payloadBytes)] : parts, payloadBytes)
    }
  }

  #addControl(opcode: number, payload: Uint8Array): void {
    if (payload.length > maxControlPayloadBytes) {
      throw new UsageError(`a control frame has at most ${maxControlPayloadBytes} bytes`)
    }
    const parts = payload.length === 0 ? noParts : [payload]
    this.#outbox.addFrame(finalBit | opcode, parts, payload.length, this.#settings.role === 'client')
  }
}
