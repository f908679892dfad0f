// The fuzzer's own permessage-deflate (RFC 7692 §7.2) on zlib's documented calls: each message by itself, with the window of those before.
import { constants, deflateRawSync, inflateRawSync } from 'node:zlib'
import { inflatePlainly } from '../plain-inflate.ts'
import type { Role } from './case.ts'
import { join } from './frames.ts'
import type { Agreement } from './negotiation.ts'

const tail = Uint8Array.of(0, 0, 0xff, 0xff)
/** RFC 7692 §7.2.3.6 */
const emptyMessage = Uint8Array.of(0)
/** zlib has no smaller window for raw data; from one of 512 bytes it refers back by 250 at most, so it serves for 256, too. */
const smallestZlibBits = 9
const maxMessageBytes = 256 * 1024 * 1024
/** Messages of which every reference is looked at, for each connection: it's slow. */
const maxPlainlyInflatedBytes = 2 * 1024 * 1024

/** One direction: what it may refer back to. */
class Window {
  readonly bits: number
  readonly #keeps: boolean
  history: Uint8Array = new Uint8Array(0)

  constructor(bits: number, keeps: boolean) {
    this.bits = bits
    this.#keeps = keeps
  }

  add(message: Uint8Array): void {
    if (!this.#keeps) return
    const bytes = 2 ** this.bits
    const all = message.length >= bytes ? message : join(this.history, message)
    this.history = all.slice(Math.max(0, all.length - bytes))
  }
}

export class Flate {
  readonly #sending: Window
  readonly #receiving: Window
  #plainlyLeftBytes = maxPlainlyInflatedBytes

  /** @param peer whom the fuzzer talks to */
  constructor(agreement: Agreement, peer: Role) {
    const server = new Window(agreement.serverWindowBits, agreement.serverKeepsContext)
    const client = new Window(agreement.clientWindowBits, agreement.clientKeepsContext)
    this.#sending = peer === 'server' ? client : server
    this.#receiving = peer === 'server' ? server : client
  }

  deflate(message: Uint8Array): Uint8Array {
    if (message.length === 0) return emptyMessage
    const { history, bits } = this.#sending
    const compressed = deflateRawSync(message, {
      windowBits: Math.max(bits, smallestZlibBits),
      level: 1,
      finishFlush: constants.Z_SYNC_FLUSH,
      ...(history.length > 0 ? { dictionary: history } : {}),
    })
    this.#sending.add(message)
    return compressed.subarray(0, compressed.length - tail.length)
  }

  /** @returns the message, or in words what is wrong with it */
  inflate(compressed: Uint8Array): Uint8Array | string {
    const { history, bits } = this.#receiving
    const whole = join(compressed, tail)
    let message: Uint8Array
    try {
      message = inflateRawSync(whole, {
        finishFlush: constants.Z_SYNC_FLUSH,
        maxOutputLength: maxMessageBytes,
        ...(history.length > 0 ? { dictionary: history } : {}),
      })
    } catch (error) {
      return `a message that zlib doesn't inflate with the agreed context: ${error instanceof Error ? error.message : String(error)}`
    }
    const fault = this.#windowFault(whole, message, bits)
    if (fault !== null) return fault
    this.#receiving.add(message)
    return message
  }

  /** RFC 7692 §7.1.2: no reference goes back by more than the window. */
  #windowFault(compressed: Uint8Array, message: Uint8Array, bits: number): string | null {
    if (bits === 15 || this.#plainlyLeftBytes < message.length) return null
    this.#plainlyLeftBytes -= message.length
    const plainly = inflatePlainly(compressed, message.length, this.#receiving.history)
    if (plainly.farthestBytes > 2 ** bits) {
      return `a reference of ${plainly.farthestBytes} bytes back in a window of ${2 ** bits}`
    }
    return !plainly.corrupt && Buffer.compare(plainly.output, message) === 0
      ? null
      : 'a message that two inflaters read differently'
  }
}
