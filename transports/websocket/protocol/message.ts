// A message, and how it is put together from the pieces in which it arrives.
import type { Primitives } from './primitives.ts'
import { advanceUtf8, utf8Accept, utf8Reject } from './utf8.ts'

/** A whole message. */
export class Message {
  readonly kind = 'message'
  /** Text, valid UTF-8; otherwise binary. */
  readonly text: boolean
  /**
   * The payload, in order, to look at or to pass on at once: it may lie where the next bytes are read to. Big messages keep
   * the pieces that they came in, so that passing one on copies little.
   */
  readonly parts: readonly Uint8Array[]
  readonly payloadBytes: number
  readonly #borrowed: boolean

  /** @param borrowed whether `parts` are the connection's only until it takes more bytes */
  constructor(text: boolean, parts: readonly Uint8Array[], payloadBytes: number, borrowed: boolean) {
    this.text = text
    this.parts = parts
    this.payloadBytes = payloadBytes
    this.#borrowed = borrowed
  }

  /** The payload in one piece, to keep. To be called before the connection takes more bytes. */
  bytes(): Uint8Array {
    const first = this.parts[0]
    return first !== undefined && this.parts.length === 1 && !this.#borrowed
      ? first
      : joinBytes(this.parts, this.payloadBytes)
  }
}

/** Copies `parts` behind one another. */
export function joinBytes(parts: readonly Uint8Array[], totalBytes: number): Uint8Array<ArrayBuffer> {
  const joined = new Uint8Array(totalBytes)
  let offset = 0
  for (const part of parts) {
    joined.set(part, offset)
    offset += part.length
  }
  return joined
}

/** A kept piece holds on to the whole chunk that it came in: so keep big ones only, and copy the others. */
const keptFromBytes = 2048
const smallestBlockBytes = 256
const largestBlockBytes = 64 * 1024

/** Collects the pieces of one message. What it holds follows what has arrived, never what a header declares. */
export class MessageBuilder {
  readonly text: boolean
  /** Whether its frames hold it compressed. */
  readonly compressed: boolean
  payloadBytes = 0
  fragments = 1
  controlFrames = 0
  readonly #parts: Uint8Array[] = []
  #block: Uint8Array | null = null
  #blockBytes = 0
  #utf8 = utf8Accept

  constructor(text: boolean, compressed: boolean) {
    this.text = text
    this.compressed = compressed
  }

  /**
   * Takes the unmasked piece of `chunk` from `start` to `end`.
   *
   * @param ascii whether the piece is known to be ASCII
   * @param borrowed whether `chunk` will be used again by whoever gave it
   * @returns false at the first byte that is wrong UTF-8 in a text (RFC 6455 §8.1)
   */
  append(
    chunk: Uint8Array,
    start: number,
    end: number,
    ascii: boolean,
    borrowed: boolean,
    primitives: Primitives,
  ): boolean {
    if (this.text && !(ascii && this.#utf8 === utf8Accept)) {
      this.#utf8 = advanceUtf8(this.#utf8, chunk, start, end, primitives.isUtf8)
      if (this.#utf8 === utf8Reject) return false
    }
    const pieceBytes = end - start
    if (pieceBytes === 0) return true
    this.payloadBytes += pieceBytes
    if (!borrowed && pieceBytes >= keptFromBytes && pieceBytes * 2 >= chunk.buffer.byteLength) {
      this.#sealBlock()
      this.#parts.push(chunk.subarray(start, end))
    } else {
      this.#copy(chunk, start, end, primitives)
    }
    return true
  }

  /** The message, or null for a text that ends within a character (RFC 6455 §8.1). */
  finish(): Message | null {
    if (this.#utf8 !== utf8Accept) return null
    this.#sealBlock()
    return new Message(this.text, this.#parts, this.payloadBytes, false)
  }

  #copy(chunk: Uint8Array, start: number, end: number, primitives: Primitives): void {
    const pieceBytes = end - start
    let block = this.#block
    if (block === null || block.length - this.#blockBytes < pieceBytes) {
      this.#sealBlock()
      // Blocks double, so that many small pieces cost few blocks and few pieces cost little.
      const doubled = Math.min(Math.max(this.payloadBytes, smallestBlockBytes), largestBlockBytes)
      block = primitives.allocate(Math.max(doubled, pieceBytes))
      this.#block = block
    }
    block.set(chunk.subarray(start, end), this.#blockBytes)
    this.#blockBytes += pieceBytes
  }

  #sealBlock(): void {
    if (this.#block === null) return
    this.#parts.push(this.#block.subarray(0, this.#blockBytes))
    this.#block = null
    this.#blockBytes = 0
  }
}
