// Newline-delimited JSON, the framing of a stream: one document a line. Pure; bytes in, lines out.
import { LinkError } from '../errors.ts'

const newline = 0x0a
const carriageReturn = 0x0d

/**
 * Cuts a stream of bytes into lines. Gives the same lines for every split of the bytes, since a line is decoded only when it
 * is whole: the byte 0x0A is never a part of another character in UTF-8 (RFC 3629 §3).
 */
export class LineDecoder {
  readonly #maximumLineBytes: number
  readonly #utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  #pieces: Uint8Array[] = []
  #pendingBytes = 0

  /** A longer line is a `LinkError` of cause 'protocol', as is one that is no UTF-8. */
  constructor(maximumLineBytes: number) {
    this.#maximumLineBytes = maximumLineBytes
  }

  /** Bytes of a line that is not whole yet. */
  get pendingBytes(): number {
    return this.#pendingBytes
  }

  /** The lines that this chunk completes; empty lines are left out. The chunk must not change afterwards. */
  push(chunk: Uint8Array): string[] {
    const lines: string[] = []
    let from = 0
    for (let end = chunk.indexOf(newline, from); end >= 0; end = chunk.indexOf(newline, from)) {
      this.#keep(chunk.subarray(from, end))
      const line = this.#take()
      if (line !== '') lines.push(line)
      from = end + 1
    }
    if (from < chunk.length) this.#keep(chunk.subarray(from))
    return lines
  }

  #keep(piece: Uint8Array): void {
    this.#pendingBytes += piece.length
    if (this.#pendingBytes > this.#maximumLineBytes) {
      throw new LinkError('protocol', `The server sent a line of more than ${this.#maximumLineBytes} bytes.`)
    }
    if (piece.length > 0) this.#pieces.push(piece)
  }

  #take(): string {
    const [only] = this.#pieces
    const bytes =
      this.#pieces.length === 1 && only !== undefined ? only : joined(this.#pieces, this.#pendingBytes)
    this.#pieces = []
    this.#pendingBytes = 0
    const end = bytes[bytes.length - 1] === carriageReturn ? bytes.length - 1 : bytes.length
    try {
      return this.#utf8.decode(bytes.subarray(0, end))
    } catch (error) {
      throw new LinkError('protocol', 'The server sent a line that is not valid UTF-8.', { error })
    }
  }
}

function joined(pieces: readonly Uint8Array[], bytes: number): Uint8Array {
  const whole = new Uint8Array(bytes)
  let at = 0
  for (const piece of pieces) {
    whole.set(piece, at)
    at += piece.length
  }
  return whole
}
