// Receiving compressed messages (RFC 7692 §7.2.2): their payload goes through here on its way into a message.
import { CloseCode } from './close-code.ts'
import { ProtocolError } from './errors.ts'
import { blockTail, type FlateStream } from './flate.ts'
import type { MessageBuilder } from './message.ts'
import type { Primitives } from './primitives.ts'

export class Inflation {
  readonly #stream: FlateStream
  #tailIsDue = false
  /** Compressed payload bytes of the message that is being received. */
  receivedBytes = 0

  constructor(stream: FlateStream) {
    this.#stream = stream
  }

  /** Takes the next piece of a message's payload; `advance` follows. @param last whether the message ends with it */
  push(piece: Uint8Array, last: boolean): void {
    this.receivedBytes += piece.length
    this.#tailIsDue = last
    if (piece.length > 0) this.#stream.push(piece, true)
  }

  /**
   * Moves what has been pushed into `message`.
   *
   * @returns true when all of it is there, false when the stream has to wait for its turn, or what is wrong with it
   */
  advance(message: MessageBuilder, maxMessageBytes: number, primitives: Primitives): boolean | ProtocolError {
    const stream = this.#stream
    for (;;) {
      while (stream.pending) {
        // Up to the limit and no further: of the faults in a message the first one counts, however it has arrived (R14).
        const piece = stream.pull(maxMessageBytes - message.payloadBytes)
        if (piece === 'not now') return false
        if (piece === 'corrupt') return corruption(message)
        // A bomb: the rest of it is never inflated (R22).
        if (message.payloadBytes + piece.length > maxMessageBytes) {
          return new ProtocolError(CloseCode.messageTooBig, 'a message is too big when it is inflated')
        }
        // RFC 7692 §6.2, RFC 6455 §8.1: it is the inflated text that must be UTF-8.
        if (!message.append(piece, 0, piece.length, false, false, primitives)) return corruption(message)
      }
      if (!this.#tailIsDue) return true
      // RFC 7692 §7.2.2: append what the sender has left out.
      this.#tailIsDue = false
      stream.push(blockTail, true)
    }
  }

  /** The message is complete. */
  endMessage(): void {
    this.receivedBytes = 0
    this.#stream.endMessage()
  }

  close(): void {
    this.#stream.close()
  }
}

/** In one form of words, because what stands before something corrupt in the same piece isn't known. */
function corruption(message: MessageBuilder): ProtocolError {
  const what = message.text ? 'a compressed text is corrupt or not UTF-8' : 'a compressed message is corrupt'
  return new ProtocolError(CloseCode.invalidData, what)
}
