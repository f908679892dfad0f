// UTF-8 after RFC 3629, fail-fast: each wrong text must fail at its first wrong byte, however it is split.
import { isUtf8 } from 'node:buffer'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { advanceUtf8, isWholeUtf8, utf8Accept, utf8Reject } from './utf8.ts'

const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replaceAll(' ', ''), 'hex'))

/** The offset of the first wrong byte, fed one at a time; -1 for a valid text, its length for one that ends too early. */
function firstWrongByte(bytes: Uint8Array): number {
  let state = utf8Accept
  for (let index = 0; index < bytes.length; index++) {
    state = advanceUtf8(state, bytes, index, index + 1, null)
    if (state === utf8Reject) return index
  }
  return state === utf8Accept ? -1 : bytes.length
}

const valid: readonly [string, string][] = [
  ['nothing', ''],
  ['ASCII', '48 65 6c 6c 6f'],
  ['Greek (Kuhn 1)', 'ce ba e1 bd b9 cf 83 ce bc ce b5'],
  ['U+0000', '00'],
  ['U+0080, the first of two bytes (Kuhn 2.1)', 'c2 80'],
  ['U+0800, the first of three bytes', 'e0 a0 80'],
  ['U+10000, the first of four bytes', 'f0 90 80 80'],
  ['U+007F, the last of one byte (Kuhn 2.2)', '7f'],
  ['U+07FF, the last of two bytes', 'df bf'],
  ['U+FFFF, the last of three bytes', 'ef bf bf'],
  ['U+10FFFF, the last of all', 'f4 8f bf bf'],
  ['U+D7FF, before the surrogates (Kuhn 2.3)', 'ed 9f bf'],
  ['U+E000, after the surrogates', 'ee 80 80'],
  ['U+FFFD', 'ef bf bd'],
  ['U+FEFF, a byte order mark', 'ef bb bf'],
  ['U+FFFE, no character but valid (Kuhn 5.3)', 'ef bf be'],
  ['U+1FFFF, no character but valid', 'f0 9f bf bf'],
]

/** With the offset of the first wrong byte. */
const wrong: readonly [string, string, number][] = [
  ['a continuation byte alone (Kuhn 3.1)', '80', 0],
  ['the last continuation byte alone', 'bf', 0],
  ['text, then a continuation byte', '61 62 80', 2],
  ['a start of two bytes and a space (Kuhn 3.2)', 'c3 20', 1],
  ['a start of three bytes and a space', 'e1 20', 1],
  ['a start of four bytes and a space', 'f1 20', 1],
  ['starts of five and six bytes', 'f8 88 80 80 80', 0],
  ['a start of six bytes', 'fc 84 80 80 80 80', 0],
  ['three bytes without the last (Kuhn 3.3), then text', 'e1 80 61', 2],
  ['four bytes without the last, then text', 'f1 80 80 61', 3],
  ['FE (Kuhn 3.5)', 'fe', 0],
  ['FF', 'ff', 0],
  ['an overlong slash in two bytes (Kuhn 4.1)', 'c0 af', 0],
  ['an overlong slash in three bytes', 'e0 80 af', 1],
  ['an overlong slash in four bytes', 'f0 80 80 af', 1],
  ['the last overlong form of two bytes (Kuhn 4.2)', 'c1 bf', 0],
  ['the last overlong form of three bytes', 'e0 9f bf', 1],
  ['the last overlong form of four bytes', 'f0 8f bf bf', 1],
  ['an overlong U+0000 (Kuhn 4.3)', 'c0 80', 0],
  ['U+D800, a surrogate (Kuhn 5.1)', 'ed a0 80', 1],
  ['U+DFFF, a surrogate', 'ed bf bf', 1],
  ['a pair of surrogates (Kuhn 5.2)', 'ed a0 80 ed b0 80', 1],
  ['U+110000, beyond the last', 'f4 90 80 80', 1],
  ['U+140000', 'f5 80 80 80', 0],
  [
    'Autobahn 6.4.1: κόσμε, U+110000, edited',
    'ce ba e1 bd b9 cf 83 ce bc ce b5 f4 90 80 80 65 64 69 74 65 64',
    12,
  ],
  [
    'Autobahn 6.3.1: κόσμε, a surrogate, edited',
    'ce ba e1 bd b9 cf 83 ce bc ce b5 ed a0 80 65 64 69 74 65 64',
    12,
  ],
]

describe('RFC 6455 §8.1, RFC 3629 §4: valid UTF-8', () => {
  it.each(valid)('%s', (_, text) => {
    expect(firstWrongByte(hex(text))).toBe(-1)
    expect(isWholeUtf8(hex(text), null)).toBe(true)
  })
})

describe('RFC 6455 §8.1, RFC 3629 §4: wrong UTF-8', () => {
  it.each(wrong)('%s', (_, text, at) => {
    expect(firstWrongByte(hex(text))).toBe(at)
    expect(isWholeUtf8(hex(text), null)).toBe(false)
  })

  it.each(['c3', 'e1', 'e1 80', 'f1', 'f1 80', 'f1 80 80'])(
    'a text that ends within a character: %s',
    (text) => {
      expect(firstWrongByte(hex(text))).toBe(hex(text).length)
      expect(isWholeUtf8(hex(text), null)).toBe(false)
    },
  )
})

describe('the validator against the runtime’s', () => {
  it('agrees on every sequence of two bytes and every start of three', () => {
    for (let first = 0; first < 256; first++) {
      for (let second = 0; second < 256; second++) {
        const two = Uint8Array.of(first, second)
        expect(isWholeUtf8(two, null)).toBe(isUtf8(two))
        const three = Uint8Array.of(first, second, 0x80)
        expect(isWholeUtf8(three, null)).toBe(isUtf8(three))
      }
    }
  })

  const texts = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 200 }).map((text) => Uint8Array.from(Buffer.from(text))),
    fc.uint8Array({ maxLength: 100 }),
  )

  it('agrees on texts with one byte changed, in pieces, with and without the native check', () => {
    fc.assert(
      fc.property(texts, fc.nat(), fc.nat(255), fc.nat(300), (text, at, byte, cut) => {
        const bytes = text.slice()
        if (bytes.length > 0 && byte % 2 === 0) bytes[at % bytes.length] = byte
        for (const native of [null, isUtf8]) {
          const middle = Math.min(cut, bytes.length)
          const state = advanceUtf8(utf8Accept, bytes, 0, middle, native)
          const end = state === utf8Reject ? state : advanceUtf8(state, bytes, middle, bytes.length, native)
          expect(end === utf8Accept).toBe(isUtf8(bytes))
        }
      }),
      { numRuns: 2000 },
    )
  })
})
