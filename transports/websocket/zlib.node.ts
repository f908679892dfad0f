// Raw DEFLATE (RFC 1951) on node:zlib, a piece at a time, and the streams that nobody uses at the moment.
import zlib, { type DeflateRaw, type InflateRaw } from 'node:zlib'
import { blockTail } from './protocol/flate.ts'

const { Z_NO_FLUSH, Z_SYNC_FLUSH } = zlib.constants

/** What a compressor is given at a time: 0.3 ms. */
const inputBytes = 32 * 1024
/** What comes out at a time, at most. */
const outputBytes = 64 * 1024
/** As small as zlib allows: Node's own buffer for a stream is never used here. */
const unusedChunkBytes = 64
const smallestWindowBits = 9
/** Of one kind. As all work is done in one thread, more are needed only for messages that arrive in pieces. */
const maxIdle = 4

/**
 * The part of Node's streams that does the work. It isn't documented, but has been the same since Node 9, and npm's own
 * minizlib reaches into the same place: the documented ways to it take a new stream for each message (16 µs for 1 KiB, and no context
 * takeover), or the thread pool (55 µs), where this takes 3–5 µs.
 */
interface ZlibHandle {
  writeSync(
    flush: number,
    input: Uint8Array,
    inputOffset: number,
    inputBytes: number,
    output: Uint8Array,
    outputOffset: number,
    outputBytes: number,
  ): void
  reset(): void
}

interface ZlibInternals {
  readonly _handle: ZlibHandle | null
  /** After a write: the bytes of output that are left, and those of input. */
  readonly _writeState: Uint32Array
}

/** What makes one stream like another. */
export interface ZlibKind {
  readonly compress: boolean
  /** 9–15. */
  readonly windowBits: number
  readonly level: number
  readonly memLevel: number
}

/**
 * zlib has no window of 256 bytes for raw data, but with one of 512 it refers back by 250 bytes at most: 262 fewer than the
 * window has. So a peer that can hold 256 only (RFC 7692 §7.1.2: 8 bits) can read it.
 */
export function compressor(windowBits: number, level: number, memLevel: number): ZlibKind {
  return { compress: true, windowBits: Math.max(windowBits, smallestWindowBits), level, memLevel }
}

export function decompressor(windowBits: number): ZlibKind {
  return { compress: false, windowBits: Math.max(windowBits, smallestWindowBits), level: 0, memLevel: 0 }
}

const noBytes = new Uint8Array(0)
/** For all streams: no piece is looked at after the next one is made. */
let output = Buffer.allocUnsafeSlow(outputBytes)
let openStreams = 0
const idle = new Map<string, ZlibStream[]>()

/** How many streams there are, those that wait for use included. */
export function zlibStreams(): { readonly open: number; readonly idle: number } {
  let idleStreams = 0
  for (const streams of idle.values()) idleStreams += streams.length
  return { open: openStreams, idle: idleStreams }
}

/** A stream that starts from nothing; it goes back with `giveZlib`. */
export function takeZlib(kind: ZlibKind): ZlibStream {
  return idle.get(keyOf(kind))?.pop() ?? new ZlibStream(kind)
}

/** Takes a stream back for whoever needs the next of its kind, or frees it. */
export function giveZlib(stream: ZlibStream): void {
  const key = keyOf(stream.kind)
  const streams = idle.get(key) ?? []
  if (stream.isBroken || streams.length === maxIdle) {
    stream.close()
    return
  }
  stream.reset()
  streams.push(stream)
  idle.set(key, streams)
}

function keyOf({ compress, windowBits, level, memLevel }: ZlibKind): string {
  return `${compress ? 'deflate' : 'inflate'} ${windowBits} ${level} ${memLevel}`
}

export class ZlibStream {
  readonly kind: ZlibKind
  readonly #stream: DeflateRaw | InflateRaw
  readonly #handle: ZlibHandle
  readonly #state: Uint32Array
  #input: Uint8Array = noBytes
  #offset = 0
  #flush = false
  #outputIsDue = false
  /** Bytes of input that the last `pull` has used. */
  usedBytes = 0

  constructor(kind: ZlibKind) {
    const { compress, windowBits, level, memLevel } = kind
    const stream = compress
      ? zlib.createDeflateRaw({ windowBits, level, memLevel, chunkSize: unusedChunkBytes })
      : zlib.createInflateRaw({ windowBits, chunkSize: unusedChunkBytes })
    const { _handle: handle, _writeState: state } = stream as unknown as ZlibInternals
    if (typeof handle?.writeSync !== 'function' || !(state instanceof Uint32Array)) {
      stream.close()
      throw new Error(`Compression needs another version of Node than ${process.version}`)
    }
    this.kind = kind
    this.#stream = stream
    this.#handle = handle
    this.#state = state
    openStreams++
    stream.on('error', reportedByPull)
  }

  /** Whether it has met something that is no DEFLATE; then it is of no use any more. */
  get isBroken(): boolean {
    return this.#stream.destroyed
  }

  /** See `FlateStream`. */
  get pending(): boolean {
    return this.#offset < this.#input.length || this.#outputIsDue
  }

  push(bytes: Uint8Array, flush: boolean): void {
    this.#input = bytes
    this.#offset = 0
    this.#flush = flush
    this.#outputIsDue = flush
  }

  /** The next piece of output; see `FlateStream`. */
  pull(maxBytes: number = outputBytes): Uint8Array | 'corrupt' {
    const { compress } = this.kind
    const restBytes = this.#input.length - this.#offset
    const room = Math.max(1, Math.min(maxBytes, outputBytes))
    // Before the next byte of input, what the last ones still have to give: so it is the same however they came.
    const probed = this.#outputIsDue ? 0 : 1
    const givenBytes = Math.min(restBytes, compress ? inputBytes : maxBytes === 0 ? probed : restBytes)
    const flush = this.#flush && givenBytes === restBytes
    const target = output
    const flushFlag = flush ? Z_SYNC_FLUSH : Z_NO_FLUSH
    this.#handle.writeSync(flushFlag, this.#input, this.#offset, givenBytes, target, 0, room)
    if (this.#stream.destroyed) {
      this.#forgetInput()
      return 'corrupt'
    }
    const roomLeft = this.#state[0] as number
    const inputLeft = this.#state[1] as number
    this.usedBytes = givenBytes - inputLeft
    this.#offset += this.usedBytes
    this.#outputIsDue = roomLeft === 0
    if (!compress && inputLeft > 0 && roomLeft > 0) this.#goOnBehindLastBlock()
    if (!this.pending) this.#forgetInput()
    const pieceBytes = room - roomLeft
    if (pieceBytes * 2 >= outputBytes) output = Buffer.allocUnsafeSlow(outputBytes)
    return target.subarray(0, pieceBytes)
  }

  /** RFC 7692 §7.2.3.4: zlib stops at a block that says that it is the last. What follows is more of the same message. */
  #goOnBehindLastBlock(): void {
    this.#handle.reset()
    if (this.#input === blockTail) this.#forgetInput()
  }

  /** Forgets the window, and whatever is unfinished. */
  reset(): void {
    this.#forgetInput()
    this.#handle.reset()
  }

  close(): void {
    openStreams--
    this.#stream.close()
  }

  #forgetInput(): void {
    this.#input = noBytes
    this.#offset = 0
    this.#outputIsDue = false
  }
}

/** `pull` has seen it already. */
function reportedByPull(): undefined {
  return undefined
}
