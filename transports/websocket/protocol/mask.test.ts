// Masking at every alignment and length around those where the way of doing it changes.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { advanceMaskKey, applyMask, readMaskKey, writeMaskKey } from './mask.ts'

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
