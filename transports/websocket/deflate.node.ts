// permessage-deflate (RFC 7692) on node:zlib: the options, what is agreed on for a connection, and its streams.
import type { Role } from './protocol/connection.ts'
import {
  acceptDeflate,
  checkDeflate,
  type DeflateParameters,
  maxWindowBits,
  noPreferences,
  offerDeflate,
  requireWindowBits,
} from './protocol/deflate.ts'
import { UsageError } from './protocol/errors.ts'
import type { Compression, FlateStream } from './protocol/flate.ts'
import type { AcceptableHandshake, Offers } from './protocol/handshake.ts'
import { compressor, decompressor, giveZlib, takeZlib, type ZlibKind, type ZlibStream } from './zlib.node.ts'
import { zlibTurns } from './zlib-turns.node.ts'

/** How to compress. The four parameters are what this side asks for; by default it leaves all of them to the peer. */
export interface DeflateOptions extends Partial<DeflateParameters> {
  /** Messages with fewer payload bytes are sent as they are (default 1,024, as `ws` has it). */
  readonly thresholdBytes?: number
  /** 1 is fast, 9 is small (default 6, zlib's own). */
  readonly level?: number
  /** 1–9: a compressor holds 2^(memLevel + 9) bytes besides 2^(windowBits + 2) (default 8, zlib's own: 256 KiB in all). */
  readonly memLevel?: number
  /**
   * How many directions of connections may have a context of their own, in all of the process (default 256: 64 MiB if all
   * compress). When they are used up, new connections get compression without context takeover, which shares streams.
   */
  readonly maxContexts?: number
}

export const deflateDefaults: Required<DeflateOptions> = {
  ...noPreferences,
  thresholdBytes: 1024,
  level: 6,
  memLevel: 8,
  maxContexts: 256,
}
/** What a piece costs at least, whatever its length: 1 µs. */
const pieceCost = 128
const inflatedBytesPerCost = 16

/** Directions that have a context of their own. */
let contexts = 0

/** The extension as it is in force on a connection. */
export interface DeflateInForce {
  /** As it stands in the server's answer. */
  readonly text: string
  readonly compression: Compression
}

/** One application's way to compress, for all of its connections. */
export class Deflate {
  readonly #options: Required<DeflateOptions>

  /** @throws UsageError for options that can't be */
  constructor(options: DeflateOptions) {
    this.#options = { ...deflateDefaults, ...options }
    const { level, memLevel, serverMaxWindowBits, clientMaxWindowBits } = this.#options
    requireWindowBits('serverMaxWindowBits', serverMaxWindowBits)
    requireWindowBits('clientMaxWindowBits', clientMaxWindowBits)
    requireRange('level', level, 0, 9)
    requireRange('memLevel', memLevel, 1, 9)
    // Says at once, not at the first message, if this Node can't.
    giveZlib(takeZlib(decompressor(maxWindowBits)))
  }

  /** As a server: takes the first offer that it can take, or none. */
  accept({ offeredExtensions }: Offers | AcceptableHandshake): DeflateInForce | null {
    if (offeredExtensions.length === 0) return null
    const agreement = acceptDeflate(offeredExtensions, this.#preferences())
    if (agreement === null) return null
    return { text: agreement.text, compression: this.#open('server', agreement.parameters) }
  }

  /** As a client: what to offer, and what to make of the answer. */
  offer(): DeflateOffer {
    const preferences = this.#preferences()
    return {
      text: offerDeflate(preferences),
      check: (answer) => {
        const parameters = checkDeflate(answer, preferences)
        if (parameters === null || typeof parameters === 'string') return parameters
        return { text: answer, compression: this.#open('client', parameters) }
      },
    }
  }

  #preferences(): DeflateParameters {
    if (contexts < this.#options.maxContexts) return this.#options
    return { ...this.#options, serverNoContextTakeover: true, clientNoContextTakeover: true }
  }

  #open(role: Role, parameters: DeflateParameters): Compression {
    const server = { bits: parameters.serverMaxWindowBits, keep: !parameters.serverNoContextTakeover }
    const client = { bits: parameters.clientMaxWindowBits, keep: !parameters.clientNoContextTakeover }
    const [sending, receiving] = role === 'server' ? [server, client] : [client, server]
    const { thresholdBytes, level, memLevel } = this.#options
    return {
      deflater: new ConnectionStream(compressor(sending.bits, level, memLevel), sending.keep),
      inflater: new ConnectionStream(decompressor(receiving.bits), receiving.keep),
      thresholdBytes,
      sendingWindowBits: sending.bits,
    }
  }
}

/** What a client offers. */
export interface DeflateOffer {
  readonly text: string
  /** @returns what is in force, null for nothing, or in words why the connection must fail */
  check(answer: string): DeflateInForce | null | string
}

function requireRange(name: string, value: number, lowest: number, highest: number): void {
  if (!Number.isInteger(value) || value < lowest || value > highest) {
    throw new UsageError(`${name} is a whole number from ${lowest} to ${highest}, not ${value}`)
  }
}

/**
 * One direction of one connection. It has a zlib stream only from its first compressed message on; without context takeover,
 * only within a message.
 */
class ConnectionStream implements FlateStream {
  readonly #kind: ZlibKind
  readonly #keepsContext: boolean
  #zlib: ZlibStream | null = null
  #closed = false

  constructor(kind: ZlibKind, keepsContext: boolean) {
    this.#kind = kind
    this.#keepsContext = keepsContext
    if (keepsContext) contexts++
  }

  get pending(): boolean {
    return this.#zlib?.pending ?? false
  }

  push(bytes: Uint8Array, flush: boolean): void {
    if (this.#closed) return
    this.#zlib ??= takeZlib(this.#kind)
    this.#zlib.push(bytes, flush)
  }

  pull(maxBytes?: number): Uint8Array | 'not now' | 'corrupt' {
    const zlib = this.#zlib
    if (zlib === null || !zlibTurns.isOpen) return 'not now'
    const piece = zlib.pull(maxBytes)
    const cost = this.#kind.compress ? zlib.usedBytes : piece.length / inflatedBytesPerCost
    zlibTurns.spend(Math.max(cost, pieceCost))
    return piece
  }

  endMessage(): void {
    if (!this.#keepsContext) this.#giveBack()
  }

  forgetContext(): void {
    this.#zlib?.reset()
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    if (this.#keepsContext) contexts--
    this.#giveBack()
  }

  #giveBack(): void {
    if (this.#zlib !== null) giveZlib(this.#zlib)
    this.#zlib = null
  }
}
