// Bytes in, events out: the receiving half of a connection, a decoder that is pulled and keeps its place between chunks.
import { CloseCode, type CloseFrame, decodeClose } from './close-code.ts'
import { ProtocolError } from './errors.ts'
import { compressedBit, overheadBytes } from './flate.ts'
import { controlBit, decodeHeader, emptyHeader, headerFault, maxHeaderBytes, Opcode } from './frame.ts'
import type { Inflation } from './inflation.ts'
import type { Limits } from './limits.ts'
import { advanceMaskKey } from './mask.ts'
import { joinBytes, Message, MessageBuilder } from './message.ts'
import type { Primitives } from './primitives.ts'
import { isWholeUtf8 } from './utf8.ts'

/** What was received. After `close` or `failure` comes nothing more. */
export type ReceivedEvent =
  | Message
  | { readonly kind: 'ping' | 'pong'; readonly payload: Uint8Array }
  | ({ readonly kind: 'close' } & CloseFrame)
  | { readonly kind: 'failure'; readonly error: ProtocolError }

/** How to receive: shared by all connections of one kind. */
export interface ReceiverRules {
  readonly limits: Limits
  readonly primitives: Primitives
  /** Whether the peer must mask its frames: true for a server (RFC 6455 §5.1). */
  readonly expectMasked: boolean
}

const noBytes = new Uint8Array(0)
/** No frame is being read. */
const betweenFrames = -1
/** Filled and read within one call: no connection needs one of its own. */
const header = emptyHeader()

export class Receiver {
  readonly #rules: ReceiverRules
  #chunk: Uint8Array = noBytes
  #offset = 0
  /** Whether `#chunk` is this receiver's only until `push` is called again, or `keep`. */
  #borrowed = false
  /** The frame that is being read: what is still to come of its payload, and how to read it. */
  #remainingBytes = betweenFrames
  #opcode = 0
  #final = false
  #maskKey = 0
  /** A header or a control payload of which a part has arrived. */
  #partial: Uint8Array | null = null
  #partialBytes = 0
  #message: MessageBuilder | null = null
  #discarding = false
  readonly #inflation: Inflation | null
  #inflating = false

  /** @param inflation where compressed messages go through; null unless that has been negotiated */
  constructor(rules: ReceiverRules, inflation: Inflation | null) {
    this.#rules = rules
    this.#inflation = inflation
  }

  /** Whether a call of `next` may find something. */
  get hasInput(): boolean {
    return this.#offset < this.#chunk.length || this.#inflating
  }

  /** Whether `next` has returned null only because others must have their turn with the decompressor. */
  get isInflating(): boolean {
    return this.#inflating
  }

  /**
   * Takes a chunk; its bytes are unmasked in place. Best given when `next` has returned null.
   *
   * @param borrowed whether its bytes will be used again: `next` is then to be called until it returns null, or `keep`
   */
  push(chunk: Uint8Array, borrowed: boolean): void {
    if (this.#discarding) return
    if (this.#offset < this.#chunk.length) {
      const rest = this.#chunk.subarray(this.#offset)
      this.#chunk = joinBytes([rest, chunk], rest.length + chunk.length)
      this.#borrowed = false
    } else {
      this.#chunk = chunk
      this.#borrowed = borrowed
    }
    this.#offset = 0
  }

  /** Copies what is left of a chunk that was borrowed. */
  keep(): void {
    if (!this.#borrowed) return
    this.#chunk = this.#own(this.#chunk.subarray(this.#offset))
    this.#offset = 0
    this.#borrowed = false
  }

  /** From now on whatever arrives is dropped (RFC 6455 §7.1.7: stop processing data from the peer). */
  discard(): void {
    this.#discarding = true
    this.#message = null
    this.#partial = null
    this.#inflating = false
    this.#inflation?.close()
    this.#release()
  }

  /** The next event, or null when it takes more bytes. */
  next(): ReceivedEvent | null {
    if (this.#inflating) {
      const event = this.#inflate()
      if (event !== null || this.#inflating) return event
    }
    while (!this.#discarding) {
      if (this.#remainingBytes === betweenFrames) {
        if (this.#offset === this.#chunk.length) break
        if (!this.#readHeader()) break
        const fault = this.#checkHeader()
        if (fault !== null) return this.#fail(fault)
      }
      const available = this.#chunk.length - this.#offset
      if (available === 0 && this.#remainingBytes > 0) break
      const pieceBytes = Math.min(available, this.#remainingBytes)
      const event =
        (this.#opcode & controlBit) === 0 ? this.#readData(pieceBytes) : this.#readControl(pieceBytes)
      if (event !== null || this.#inflating) return event
    }
    this.#release()
    return null
  }

  /** Forgets the chunk, so that an idle connection holds none. */
  #release(): void {
    this.#chunk = noBytes
    this.#offset = 0
  }

  #own(bytes: Uint8Array): Uint8Array {
    const copy = this.#rules.primitives.allocate(bytes.length)
    copy.set(bytes)
    return copy
  }

  #fail(error: ProtocolError): ReceivedEvent {
    this.discard()
    return { kind: 'failure', error }
  }

  /** Decodes the header at the current place, or what is there of it, into `header`; false: more bytes are needed. */
  #readHeader(): boolean {
    const chunk = this.#chunk
    if (this.#partial === null) {
      const headerBytes = decodeHeader(chunk, this.#offset, chunk.length, header)
      if (headerBytes > 0) {
        this.#offset += headerBytes
        return true
      }
      this.#partial = new Uint8Array(maxHeaderBytes)
      this.#partialBytes = 0
    }
    // A header that is split over chunks: at most 13 bytes of it have come before.
    const partial = this.#partial
    while (this.#offset < chunk.length) {
      partial[this.#partialBytes++] = chunk[this.#offset++] as number
      if (decodeHeader(partial, 0, this.#partialBytes, header) > 0) {
        this.#partial = null
        return true
      }
    }
    return false
  }

  /** Judges `header` against the rules and the message that it belongs to; then its payload may be read. */
  #checkHeader(): ProtocolError | null {
    const { limits, expectMasked } = this.#rules
    const inflation = this.#inflation
    // RFC 7692 §6: without the extension, RSV1 is as reserved as the others.
    const fault = headerFault(header, expectMasked, inflation === null ? 0 : compressedBit)
    if (fault !== null) return new ProtocolError(CloseCode.protocolError, fault)
    const { opcode, payloadBytes } = header
    let message = this.#message
    if ((opcode & controlBit) !== 0) {
      if (message !== null && ++message.controlFrames > limits.maxControlFramesPerMessage) {
        return new ProtocolError(CloseCode.policyViolation, 'too many control frames within a message')
      }
    } else {
      // RFC 6455 §5.4: a continuation continues something; anything else begins a message, one at a time.
      if (opcode === Opcode.continuation && message === null) {
        return new ProtocolError(CloseCode.protocolError, 'a continuation without a message')
      }
      if (opcode !== Opcode.continuation && message !== null) {
        return new ProtocolError(CloseCode.protocolError, 'a new message within a fragmented one')
      }
      const compressed = message === null ? header.reserved !== 0 : message.compressed
      if (this.#isTooBig(payloadBytes, compressed)) {
        return new ProtocolError(CloseCode.messageTooBig, 'a message is too big')
      }
      if (message !== null && ++message.fragments > limits.maxFragments) {
        return new ProtocolError(CloseCode.policyViolation, 'a message has too many fragments')
      }
      const wholeHere = header.final && payloadBytes <= this.#chunk.length - this.#offset
      if (message === null && (compressed || !wholeHere)) {
        message = new MessageBuilder(opcode === Opcode.text, compressed)
        this.#message = message
      }
    }
    this.#opcode = opcode
    this.#final = header.final
    this.#maskKey = header.maskKey
    this.#remainingBytes = payloadBytes
    return null
  }

  #isTooBig(payloadBytes: number, compressed: boolean): boolean {
    const { maxFrameBytes, maxMessageBytes } = this.#rules.limits
    const inflation = this.#inflation
    if (compressed && inflation !== null) {
      // What is in it is counted as it comes out.
      return (
        payloadBytes > maxFrameBytes + overheadBytes(maxFrameBytes) ||
        payloadBytes + inflation.receivedBytes > maxMessageBytes + overheadBytes(maxMessageBytes)
      )
    }
    const messageBytes = (this.#message === null ? 0 : this.#message.payloadBytes) + payloadBytes
    return payloadBytes > maxFrameBytes || messageBytes > maxMessageBytes
  }

  #readData(pieceBytes: number): ReceivedEvent | null {
    const { expectMasked, primitives } = this.#rules
    const chunk = this.#chunk
    const start = this.#offset
    const end = start + pieceBytes
    const seen = expectMasked ? primitives.applyMask(chunk, start, end, this.#maskKey) : 1
    this.#offset = end
    this.#remainingBytes -= pieceBytes
    const message = this.#message
    if (message === null) {
      // The usual case: a whole message in one frame in one chunk. Nothing is copied.
      this.#remainingBytes = betweenFrames
      const payload = chunk.subarray(start, end)
      const text = this.#opcode === Opcode.text
      if (text && seen !== 0 && !isWholeUtf8(payload, primitives.isUtf8)) return this.#failUtf8()
      return new Message(text, [payload], pieceBytes, this.#borrowed)
    }
    if (this.#remainingBytes > 0) this.#maskKey = advanceMaskKey(this.#maskKey, pieceBytes)
    if (message.compressed) {
      const piece = chunk.subarray(start, end)
      // It may have to wait for its turn.
      this.#inflation?.push(
        this.#borrowed ? this.#own(piece) : piece,
        this.#final && this.#remainingBytes === 0,
      )
      return this.#inflate()
    }
    if (!message.append(chunk, start, end, seen === 0, this.#borrowed, primitives)) return this.#failUtf8()
    return this.#endPiece(message)
  }

  /** Inflates what has been pushed, until that is done or others must have their turn. */
  #inflate(): ReceivedEvent | null {
    const message = this.#message
    const inflation = this.#inflation
    if (message === null || inflation === null) return null
    const { limits, primitives } = this.#rules
    const done = inflation.advance(message, limits.maxMessageBytes, primitives)
    if (done instanceof ProtocolError) return this.#fail(done)
    this.#inflating = !done
    return done ? this.#endPiece(message) : null
  }

  /** After a piece of a message: its end, if the piece was the last. */
  #endPiece(message: MessageBuilder): ReceivedEvent | null {
    if (this.#remainingBytes > 0) return null
    this.#remainingBytes = betweenFrames
    if (!this.#final) return null
    this.#message = null
    if (message.compressed) this.#inflation?.endMessage()
    return message.finish() ?? this.#failUtf8()
  }

  #failUtf8(): ReceivedEvent {
    // RFC 6455 §8.1
    return this.#fail(new ProtocolError(CloseCode.invalidData, 'a text is not UTF-8'))
  }

  #readControl(pieceBytes: number): ReceivedEvent | null {
    const { expectMasked, primitives } = this.#rules
    const chunk = this.#chunk
    const start = this.#offset
    const end = start + pieceBytes
    if (expectMasked) primitives.applyMask(chunk, start, end, this.#maskKey)
    this.#offset = end
    this.#remainingBytes -= pieceBytes
    let payload = chunk.subarray(start, end)
    if (this.#remainingBytes > 0 || this.#partial !== null) {
      this.#partial ??= new Uint8Array(pieceBytes + this.#remainingBytes)
      this.#partial.set(payload, this.#partial.length - this.#remainingBytes - pieceBytes)
      if (this.#remainingBytes > 0) {
        this.#maskKey = advanceMaskKey(this.#maskKey, pieceBytes)
        return null
      }
      payload = this.#partial
      this.#partial = null
    }
    this.#remainingBytes = betweenFrames
    if (this.#opcode !== Opcode.close) {
      return {
        kind: this.#opcode === Opcode.ping ? 'ping' : 'pong',
        payload: this.#borrowed ? this.#own(payload) : payload,
      }
    }
    const close = decodeClose(payload, primitives.isUtf8)
    if (close instanceof ProtocolError) return this.#fail(close)
    // RFC 6455 §5.5.1: nothing follows a close frame.
    this.discard()
    return { kind: 'close', code: close.code, reason: close.reason }
  }
}
