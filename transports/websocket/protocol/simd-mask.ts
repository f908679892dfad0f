// Masking (RFC 6455 §5.3) 64 bytes a turn, in WebAssembly, for bytes that lie in a memory of its own.
//
// WebAssembly has what JavaScript has not, an XOR of 128 bits, but sees nothing outside of its memory; copying there and back
// would cost what it saves. So this gives the memory: read into it, and what was read is unmasked in place.
// ns a byte on x64, here and by 32-bit words: 0.041 and 0.29 with 1 KiB, 0.034 and 0.19 with 64 KiB.
import { type ApplyMask, applyMask } from './mask.ts'

export interface SimdMask {
  /** Where bytes must lie; never moves. */
  readonly memory: ArrayBuffer
  /** As `applyMask` of `mask.ts`, for any bytes; fast for those in `memory`. */
  readonly applyMask: ApplyMask
}

/** Below, the call costs as much as it saves. */
const simdFromBytes = 128
const bytesATurn = 64
const pageBytes = 64 * 1024

/**
 * Makes a memory of at least `memoryBytes` (up to 63 pages of 64 KiB) with the function that masks in it.
 *
 * @returns null where there is no WebAssembly with SIMD, or no address space for its memory
 */
export function createSimdMask(memoryBytes: number): SimdMask | null {
  const exports = instantiate(Math.ceil(memoryBytes / pageBytes))
  if (exports === null) return null
  const { mask } = exports
  const memory = exports.memory.buffer
  return {
    memory,
    applyMask(bytes, start, end, key) {
      if (end - start < simdFromBytes || bytes.buffer !== memory) return applyMask(bytes, start, end, key)
      const turnsEnd = end - ((end - start) % bytesATurn)
      const seen = mask(bytes.byteOffset + start, bytes.byteOffset + turnsEnd, key)
      return seen | applyMask(bytes, turnsEnd, end, key)
    },
  }
}

interface MaskExports {
  readonly memory: { readonly buffer: ArrayBuffer }
  /** From `start` to `end`, a multiple of 64 bytes and at least one; not 0 if a byte above 0x7f came out. */
  mask(start: number, end: number, key: number): number
}

/** As much of `WebAssembly` as is needed: it is there in Node and in browsers, but neither's types are known to this folder. */
interface WebAssemblyLike {
  validate(bytes: Uint8Array): boolean
  Module: new (bytes: Uint8Array) => object
  Instance: new (module: object) => { readonly exports: object }
}

function instantiate(pages: number): MaskExports | null {
  const { WebAssembly } = globalThis as { readonly WebAssembly?: WebAssemblyLike }
  if (WebAssembly === undefined) return null
  const binary = assemble(pages)
  if (!WebAssembly.validate(binary)) return null
  try {
    return new WebAssembly.Instance(new WebAssembly.Module(binary)).exports as MaskExports
  } catch (error) {
    // A process whose address space is limited can't have the room that engines reserve around a memory.
    if (error instanceof RangeError) return null
    throw error
  }
}

// The module, as the WebAssembly core specification §5 encodes it. All numbers are below 64, or written by `leb128`.
const i32 = 0x7f
const v128 = 0x7b
/** The function's parameters and locals, by number. */
const position = 0
const end = 1
const key = 2
const keys = 3
const seen = 4
const masked = 5
const getLocal = 0x20
const setLocal = 0x21
const teeLocal = 0x22

function assemble(pages: number): Uint8Array {
  const body = maskFunction()
  return Uint8Array.of(
    ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
    ...section(1, [1, 0x60, 3, i32, i32, i32, 1, i32]), // one type: three numbers in, one out
    ...section(3, [1, 0]), // one function, of that type
    ...section(5, [1, 1, pages, pages]), // one memory, which can't grow
    ...section(7, [2, ...text('memory'), 2, 0, ...text('mask'), 0, 0]),
    ...section(10, [1, ...leb128(body.length), ...body]),
  )
}

function maskFunction(): number[] {
  return [
    ...[1, 3, v128], // three more locals
    ...[getLocal, key, 0xfd, 0x11, setLocal, keys], // i32x4.splat
    ...[0x03, 0x40], // loop
    ...maskPiece(0),
    ...maskPiece(16),
    ...maskPiece(32),
    ...maskPiece(48),
    ...[getLocal, position, 0x41, ...signedLeb128(bytesATurn), 0x6a, teeLocal, position], // position += 64
    ...[getLocal, end, 0x49, 0x0d, 0], // once more while position < end
    0x0b,
    ...[getLocal, seen, 0xfd, 0x64], // i8x16.bitmask: the highest bit of each byte
    0x0b,
  ]
}

/** 16 bytes, `offset` behind the position. */
function maskPiece(offset: number): number[] {
  const unaligned = [0, offset]
  return [
    ...[getLocal, position],
    ...[getLocal, position, 0xfd, 0x00, ...unaligned], // v128.load
    ...[getLocal, keys, 0xfd, 0x51, teeLocal, masked], // v128.xor
    ...[0xfd, 0x0b, ...unaligned], // v128.store
    ...[getLocal, seen, getLocal, masked, 0xfd, 0x50, setLocal, seen], // v128.or
  ]
}

function section(id: number, content: readonly number[]): number[] {
  return [id, ...leb128(content.length), ...content]
}

function text(characters: string): number[] {
  return [characters.length, ...Array.from(characters, (character) => character.charCodeAt(0))]
}

function leb128(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...leb128(value >>> 7)]
}

/** Of a number that isn't negative: its highest bit must not look like a sign. */
function signedLeb128(value: number): number[] {
  return value < 0x40 ? [value] : [(value & 0x7f) | 0x80, ...signedLeb128(value >>> 7)]
}
