// The line decoder: the same lines for every split of the bytes, within bounds (R3).
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { LinkError } from '../errors.ts'
import { LineDecoder } from './ndjson.ts'

const utf8 = new TextEncoder()

/** What the decoder makes of these bytes when they come in pieces that end at `cuts`. */
function decode(bytes: Uint8Array, cuts: readonly number[], maximumLineBytes = 1 << 20): string[] {
  const decoder = new LineDecoder(maximumLineBytes)
  const lines: string[] = []
  let from = 0
  for (const cut of [...cuts.toSorted((one, other) => one - other), bytes.length]) {
    lines.push(...decoder.push(bytes.slice(from, cut)))
    from = cut
  }
  expect(decoder.pendingBytes).toBe(bytes.length - 1 - bytes.lastIndexOf(0x0a))
  return lines
}

function everyCut(bytes: Uint8Array): number[] {
  return Array.from({ length: Math.max(0, bytes.length - 1) }, (_, index) => index + 1)
}

function refusal(call: () => unknown): unknown {
  try {
    call()
  } catch (error) {
    return error
  }
  return null
}

const lines = ['a', '{"text":"é ü ß"}', '漢字 \u2028 \u0085', '🧪𝒳', '', 'x', '\ufeff', '\u0000']
const bytes = utf8.encode(lines.map((line) => `${line}\n`).join(''))
const whole = lines.filter((line) => line !== '')

describe('R3: every split gives the same lines', () => {
  test('in one piece', () => {
    expect(decode(bytes, [])).toEqual(whole)
  })

  test('byte by byte', () => {
    expect(decode(bytes, everyCut(bytes))).toEqual(whole)
  })

  test('in two pieces, cut anywhere: within characters of two, three and four bytes, and around line ends', () => {
    for (const cut of everyCut(bytes)) expect(decode(bytes, [cut])).toEqual(whole)
  })

  test('whatever the lines and the cuts are', () => {
    const line = fc.string({ unit: 'binary', maxLength: 30 }).map((text) => text.replace(/[\r\n]/g, ' '))
    fc.assert(
      fc.property(fc.array(line), fc.array(fc.nat()), fc.constantFrom('\n', '\r\n'), (texts, cuts, end) => {
        const encoded = utf8.encode(texts.map((text) => text + end).join(''))
        const places = cuts.map((cut) => cut % (encoded.length + 1))
        expect(decode(encoded, places)).toEqual(texts.filter((text) => text !== ''))
      }),
      { numRuns: 500 },
    )
  })

  test('the chunk may be a view into a larger buffer', () => {
    const larger = new Uint8Array(bytes.length + 10)
    larger.set(bytes, 5)
    expect(new LineDecoder(1000).push(larger.subarray(5, 5 + bytes.length))).toEqual(whole)
  })
})

describe('line ends', () => {
  test('a carriage return before the line feed is not part of the line, wherever it is cut', () => {
    const encoded = utf8.encode('a\r\n\r\nb\rc\r\n\r')
    for (const cut of everyCut(encoded)) expect(decode(encoded, [cut])).toEqual(['a', 'b\rc'])
    expect(decode(encoded, everyCut(encoded))).toEqual(['a', 'b\rc'])
  })

  test('a line that has not ended is kept back', () => {
    const decoder = new LineDecoder(100)
    expect(decoder.push(utf8.encode('{"a":'))).toEqual([])
    expect(decoder.pendingBytes).toBe(5)
    expect(decoder.push(utf8.encode('1}\n{'))).toEqual(['{"a":1}'])
    expect(decoder.pendingBytes).toBe(1)
    expect(decoder.push(new Uint8Array())).toEqual([])
  })
})

describe('bounds', () => {
  test('a line of the greatest length passes, in any pieces; one byte more does not', () => {
    const longest = utf8.encode(`${'x'.repeat(100)}\n`)
    expect(decode(longest, [], 100)).toEqual(['x'.repeat(100)])
    expect(decode(longest, everyCut(longest), 100)).toEqual(['x'.repeat(100)])
    const longer = utf8.encode(`${'x'.repeat(101)}\n`)
    for (const cuts of [[], everyCut(longer), [50]]) {
      const error = refusal(() => decode(longer, cuts, 100))
      expect(error).toBeInstanceOf(LinkError)
      expect(error).toMatchObject({ cause: 'protocol' })
    }
  })

  test('a line without an end is refused as soon as it is too long, before it has ended', () => {
    const decoder = new LineDecoder(1000)
    for (let chunk = 0; chunk < 10; chunk++) decoder.push(new Uint8Array(100).fill(0x78))
    expect(decoder.pendingBytes).toBe(1000)
    expect(refusal(() => decoder.push(new Uint8Array(1).fill(0x78)))).toMatchObject({ cause: 'protocol' })
  })

  test('many lines that are short each may be longer together', () => {
    const many = utf8.encode('12345678\n'.repeat(1000))
    expect(decode(many, [], 8)).toHaveLength(1000)
  })
})

describe('bytes that are no UTF-8', () => {
  test.each([
    ['a continuation byte alone', [0x80]],
    ['a character that is cut off by the end of the line', [0xe2, 0x82]],
    ['an overlong form', [0xc0, 0xaf]],
    ['half of a surrogate pair', [0xed, 0xa0, 0x80]],
    ['beyond the last character', [0xf4, 0x90, 0x80, 0x80]],
    ['a byte that is never used', [0xff]],
  ])('%s', (_what, wrong) => {
    const encoded = new Uint8Array([0x61, ...wrong, 0x0a])
    for (const cuts of [[], everyCut(encoded)]) {
      const error = refusal(() => decode(encoded, cuts))
      expect(error).toBeInstanceOf(LinkError)
      expect(error).toMatchObject({ cause: 'protocol', retry: true })
    }
  })

  test('the runtime and the decoder agree about any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 12 }), (random) => {
        const line = random.filter((byte) => byte !== 0x0a && byte !== 0x0d)
        const encoded = new Uint8Array([...line, 0x0a])
        const wellFormed = refusal(() => new TextDecoder('utf-8', { fatal: true }).decode(line)) === null
        expect(refusal(() => decode(encoded, everyCut(encoded))) === null).toBe(wellFormed)
      }),
      { numRuns: 500 },
    )
  })
})
