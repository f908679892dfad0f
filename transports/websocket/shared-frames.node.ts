// Messages for many sockets at once: each form that one of them takes is made when it is first asked for, and only once.
import { type DeflateOptions, deflateDefaults } from './deflate.node.ts'
import { blockTail, compressedBit, keepPiece } from './protocol/flate.ts'
import { finalBit, Opcode, prebuiltFrame } from './protocol/frame.ts'
import { compressor, giveZlib, takeZlib, type ZlibStream } from './zlib.node.ts'

export interface SharedMessage {
  readonly kind: 'text' | 'binary'
  /** For text, valid UTF-8. */
  readonly payload: Uint8Array
}

/** Send it with `socket.writeShared`. */
export class SharedFrames {
  readonly #messages: readonly SharedMessage[]
  readonly #options: Required<DeflateOptions>
  /** By the window; null for what isn't compressed. */
  readonly #forms = new Map<number | null, Uint8Array>()

  /** @param options of these, threshold, level and memLevel count */
  constructor(messages: readonly SharedMessage[], options: DeflateOptions = {}) {
    this.#messages = messages
    this.#options = { ...deflateDefaults, ...options }
  }

  /**
   * All the messages as server frames.
   *
   * @param windowBits how far compressed ones may refer back; null: nothing may be compressed
   */
  bytes(windowBits: number | null): Uint8Array {
    const made = this.#forms.get(windowBits)
    if (made !== undefined) return made
    const bytes = this.#make(windowBits)
    this.#forms.set(windowBits, bytes)
    return bytes
  }

  #make(windowBits: number | null): Uint8Array {
    const { thresholdBytes, level, memLevel } = this.#options
    const zlib = windowBits === null ? null : takeZlib(compressor(windowBits, level, memLevel))
    const frames = this.#messages.map(({ kind, payload }) => {
      const first = finalBit | Opcode[kind]
      if (zlib === null || payload.length < thresholdBytes || payload.length === 0) {
        return prebuiltFrame(first, payload, Buffer.allocUnsafe)
      }
      return prebuiltFrame(first | compressedBit, compressAlone(zlib, payload), Buffer.allocUnsafe)
    })
    if (zlib !== null) giveZlib(zlib)
    const [first] = frames
    return first !== undefined && frames.length === 1 ? first : Buffer.concat(frames)
  }
}

/** Compresses a message without reference to any other: it can be read whatever the reader's window holds (RFC 7692 §7.2.1). */
function compressAlone(zlib: ZlibStream, payload: Uint8Array): Uint8Array {
  const pieces: Uint8Array[] = []
  zlib.reset()
  zlib.push(payload, true)
  while (zlib.pending) {
    const piece = zlib.pull()
    if (piece === 'corrupt') throw new Error('a compressor never finds its input corrupt')
    pieces.push(zlib.pending || pieces.length > 0 ? keepPiece(piece) : piece)
  }
  const [first] = pieces
  const whole = first !== undefined && pieces.length === 1 ? first : Buffer.concat(pieces)
  return whole.subarray(0, whole.length - blockTail.length)
}
