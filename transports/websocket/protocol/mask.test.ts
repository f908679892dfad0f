// Masking at every alignment and length around those where the way of doing it changes.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { advanceMaskKey, applyMask, readMaskKey, writeMaskKey } from './mask.ts'
import { createSimdMask } from './simd-mask.ts'

const simd = createSimdMask(64 * 1024)
if (simd === null) throw new Error('there is no WebAssembly with SIMD here')

function plainly(bytes: Uint8Array, start: number, end: number, key: Uint8Array): Uint8Array {
  return bytes.map((byte, index) =>
    index < start || index >= end ? byte : byte ^ (key[(index - start) % 4] ?? 0),
  )
}

describe('RFC 6455 §5.3 masking', () => {
  it('masks in place, and tells ASCII, at every alignment and length', () => {
    const key = Uint8Array.of(0x80, 0x11, 0xfe, 0x7f)
    for (const length of [0, 1, 2, 3, 4, 5, 7, 8, 63, 95, 96, 97, 98, 99, 100, 111, 112, 113, 1000]) {
      for (let align = 0; align < 8; align++) {
        const whole = new Uint8Array(length + 24).map((_, index) => index * 7)
        const view = whole.subarray(align)
        const start = 5
        const expected = plainly(view, start, start + length, key)
        const before = whole.slice(0, align)
        const seen = applyMask(view, start, start + length, readMaskKey(key, 0))
        expect(view).toEqual(expected)
        expect(whole.subarray(0, align)).toEqual(before)
        expect(seen !== 0).toBe(expected.subarray(start, start + length).some((byte) => byte > 0x7f))
      }
    }
  })

  it('finds one byte above 0x7f wherever it is', () => {
    for (let at = 0; at < 300; at++) {
      const bytes = new Uint8Array(300).fill(0x20)
      bytes[at] = 0xa0
      expect(applyMask(bytes, 0, 300, 0)).not.toBe(0)
      bytes[at] = 0x20
      expect(applyMask(bytes, 0, 300, 0)).toBe(0)
    }
  })

  it('gives the same in pieces as in one', () => {
    const bytes = fc.uint8Array({ maxLength: 700 })
    const key = fc.uint8Array({ minLength: 4, maxLength: 4 })
    fc.assert(
      fc.property(bytes, key, fc.nat(700), fc.nat(700), (payload, keyBytes, one, other) => {
        const cuts = [0, Math.min(one, other, payload.length), payload.length]
        const whole = payload.slice()
        const key32 = readMaskKey(keyBytes, 0)
        applyMask(whole, 0, whole.length, key32)
        expect(whole).toEqual(plainly(payload, 0, payload.length, keyBytes))
        const pieces = payload.slice()
        for (const [index, end] of cuts.entries()) {
          const start = cuts[index - 1] ?? 0
          applyMask(pieces, start, end, advanceMaskKey(key32, start))
        }
        expect(pieces).toEqual(whole)
      }),
      { numRuns: 500 },
    )
  })

  it('reads a key as it writes it', () => {
    fc.assert(
      fc.property(fc.integer(), (key) => {
        const bytes = new Uint8Array(6)
        writeMaskKey(bytes, 1, key)
        expect(readMaskKey(bytes, 1)).toBe(key)
      }),
    )
  })
})

describe('RFC 6455 §5.3 masking in WebAssembly', () => {
  const lengths = [0, 1, 63, 64, 65, 127, 128, 129, 191, 192, 193, 255, 256, 1000, 60_000]

  it('does what the plain way does, at every alignment and length, within its memory and outside', () => {
    const key = Uint8Array.of(0x80, 0x11, 0xfe, 0x7f)
    for (const length of lengths) {
      for (let align = 0; align < 17; align++) {
        const original = new Uint8Array(length + 40).map((_, index) => index * 7)
        const expected = plainly(original, 5, 5 + length, key)
        const inMemory = new Uint8Array(simd.memory, align, length + 40)
        inMemory.set(original)
        for (const bytes of [inMemory, original]) {
          const seen = simd.applyMask(bytes, 5, 5 + length, readMaskKey(key, 0))
          expect(Buffer.compare(bytes, expected)).toBe(0)
          expect(seen !== 0).toBe(expected.subarray(5, 5 + length).some((byte) => byte > 0x7f))
        }
      }
    }
  })

  it('finds one byte above 0x7f wherever it is', () => {
    const bytes = new Uint8Array(simd.memory, 3, 333).fill(0x20)
    for (let at = 0; at < bytes.length; at++) {
      bytes[at] = 0xa0
      expect(simd.applyMask(bytes, 0, bytes.length, 0)).not.toBe(0)
      bytes[at] = 0x20
      expect(simd.applyMask(bytes, 0, bytes.length, 0)).toBe(0)
    }
  })

  it('reaches the last byte of its memory', () => {
    const whole = new Uint8Array(simd.memory).fill(1)
    simd.applyMask(whole, 0, whole.length, 0x01010101)
    expect(whole.every((byte) => byte === 0)).toBe(true)
  })

  it('does without where there is none', () => {
    const { WebAssembly } = globalThis as { readonly WebAssembly?: unknown }
    try {
      Reflect.deleteProperty(globalThis, 'WebAssembly')
      expect(createSimdMask(1)).toBe(null)
    } finally {
      Object.assign(globalThis, { WebAssembly })
    }
  })
})
