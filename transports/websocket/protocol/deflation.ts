// Sending compressed messages (RFC 7692 §7.2.1), in order, though a message may have to wait until it is compressed.

import { blockTail, type Compression, compressedBit, type FlateStream, keepPiece } from './flate.ts'
import { finalBit, Opcode } from './frame.ts'
import { joinBytes } from './message.ts'
import { copiedUpToBytes, type Outbox } from './output.ts'

/** A frame that is to be sent; `first` is its first byte. */
interface Waiting {
  readonly first: number
  readonly parts: readonly Uint8Array[]
  readonly payloadBytes: number
  readonly compress: boolean
}

/** In the place of a first byte: the bytes are whole frames already. */
const prebuilt = -1
const emptyMessage = [Uint8Array.of(0x00)]

export class Deflation {
  readonly #stream: FlateStream
  readonly #thresholdBytes: number
  readonly #outbox: Outbox
  readonly #masked: boolean
  /** The window that prebuilt frames may use. */
  readonly windowBits: number
  /** What can't be written yet: a message that is being compressed, and all that was sent after it. */
  #waiting: Waiting[] = []
  /** Payload bytes of it. */
  waitingBytes = 0
  /** Of the message that is being compressed: how many of its parts the stream has got, and what came of them. */
  #partsPushed = 0
  #pieces: Uint8Array[] = []

  constructor(compression: Compression, outbox: Outbox, masked: boolean) {
    this.#stream = compression.deflater
    this.#thresholdBytes = compression.thresholdBytes
    this.windowBits = compression.sendingWindowBits
    this.#outbox = outbox
    this.#masked = masked
  }

  /** Whether something waits for `advance`. */
  get isWaiting(): boolean {
    return this.#waiting.length > 0
  }

  /** Sends a frame, compressed if it is a whole message that is long enough; or keeps it in its place behind what waits. */
  add(first: number, parts: readonly Uint8Array[], payloadBytes: number): void {
    const isMessage = first === (finalBit | Opcode.text) || first === (finalBit | Opcode.binary)
    const compress = isMessage && payloadBytes >= this.#thresholdBytes
    this.#add({ first, parts, payloadBytes, compress })
  }

  /** @param compressed whether they hold compressed messages, made without knowledge of this connection */
  addPrebuilt(frames: Uint8Array, compressed: boolean): void {
    if (this.#waiting.length === 0) this.#writePrebuilt(frames, compressed)
    else this.#add({ first: prebuilt, parts: [frames], payloadBytes: frames.length, compress: compressed })
  }

  /** Whether prebuilt frames may go past this, because nothing waits; if so, the stream takes note of it. */
  passPrebuilt(compressed: boolean): boolean {
    if (this.#waiting.length > 0) return false
    if (compressed) this.#stream.forgetContext()
    return true
  }

  /** Goes on with what waits, as far as the stream may. */
  advance(): void {
    let done = 0
    for (const waiting of this.#waiting) {
      if (!this.#write(waiting)) break
      this.waitingBytes -= waiting.payloadBytes
      done++
    }
    if (done > 0) this.#waiting.splice(0, done)
  }

  /** Frees the stream and drops what waits. */
  close(): void {
    this.#stream.close()
    this.#waiting = []
    this.waitingBytes = 0
    this.#pieces = []
  }

  #add(frame: Waiting): void {
    if (this.#waiting.length === 0 && this.#write(frame)) return
    this.#waiting.push(frame)
    this.waitingBytes += frame.payloadBytes
  }

  /** @returns false when it has to wait */
  #write(frame: Waiting): boolean {
    const { first, parts, payloadBytes, compress } = frame
    if (first === prebuilt) {
      this.#writePrebuilt(parts[0] as Uint8Array, compress)
    } else if (!compress) {
      this.#outbox.addFrame(first, parts, payloadBytes, this.#masked)
      // RFC 6455 §5.5.1: nothing follows a close frame.
      if (first === (finalBit | Opcode.close)) this.#stream.close()
    } else if (payloadBytes === 0) {
      // RFC 7692 §7.2.3.6. A compressor has nothing to say when it is flushed twice.
      this.#outbox.addFrame(first | compressedBit, emptyMessage, 1, this.#masked)
    } else {
      return this.#compress(first, parts)
    }
    return true
  }

  #writePrebuilt(frames: Uint8Array, compressed: boolean): void {
    this.#outbox.addPrebuilt(frames)
    // The peer's window has moved on, and this side's has not: what follows must not refer to before.
    if (compressed) this.#stream.forgetContext()
  }

  #compress(first: number, parts: readonly Uint8Array[]): boolean {
    const stream = this.#stream
    for (;;) {
      while (stream.pending) {
        const piece = stream.pull()
        if (typeof piece === 'string') {
          if (piece === 'corrupt') throw new Error('a compressor never finds its input corrupt')
          return false
        }
        const isAll = this.#pieces.length === 0 && !stream.pending && this.#partsPushed === parts.length
        this.#pieces.push(isAll ? piece : keepPiece(piece))
      }
      if (this.#partsPushed === parts.length) break
      const part = parts[this.#partsPushed++] as Uint8Array
      stream.push(part, this.#partsPushed === parts.length)
    }
    this.#addCompressed(first | compressedBit)
    this.#partsPushed = 0
    this.#pieces = []
    stream.endMessage()
    return true
  }

  /** RFC 7692 §7.2.1: the message in one frame, without the four bytes at its end. */
  #addCompressed(first: number): void {
    let totalBytes = -blockTail.length
    for (const piece of this.#pieces) totalBytes += piece.length
    const [only] = this.#pieces
    if (only !== undefined && this.#pieces.length === 1) {
      // The outbox copies what is short, and all that it masks; the rest would be overwritten by the next piece.
      const body = only.subarray(0, totalBytes)
      const copied = this.#masked || totalBytes <= copiedUpToBytes
      this.#outbox.addFrame(first, [copied ? body : keepPiece(body)], totalBytes, this.#masked)
    } else {
      const joined = joinBytes(this.#pieces, totalBytes + blockTail.length)
      this.#outbox.addFrame(first, [joined.subarray(0, totalBytes)], totalBytes, this.#masked)
    }
  }
}
