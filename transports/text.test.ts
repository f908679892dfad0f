// What rooms, users and texts may be.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { wireLimits } from './limits.ts'
import { roomProblem, textProblem, userProblem, utf8Bytes } from './text.ts'

describe('bytes in UTF-8', () => {
  const encoder = new TextEncoder()

  test('as the runtime counts them, halves of surrogate pairs included', () => {
    const unit = fc.oneof(
      fc.string({ unit: 'binary' }),
      // Any code units at all: most of these strings are not well formed.
      fc.array(fc.nat(0xffff)).map((units) => String.fromCharCode(...units)),
      fc.array(fc.integer({ min: 0xd700, max: 0xe100 })).map((units) => String.fromCharCode(...units)),
    )
    fc.assert(
      fc.property(unit, (text) => {
        expect(utf8Bytes(text)).toBe(encoder.encode(text).length)
      }),
      { numRuns: 1000 },
    )
  })

  test.each([
    ['', 0],
    ['\u007f', 1],
    ['\u0080', 2],
    ['\u07ff', 2],
    ['\u0800', 3],
    ['\uffff', 3],
    ['\u{10000}', 4],
    ['\u{10ffff}', 4],
    ['\ud800', 3],
    ['\udc00\ud800', 6],
    ['\ud800\ud800\udc00', 7],
  ])('%j has %i', (text, bytes) => {
    expect(utf8Bytes(text)).toBe(bytes)
    expect(encoder.encode(text).length).toBe(bytes)
  })
})

describe('a room', () => {
  test.each(['a', 'A-Z_0-9', 'x'.repeat(64), '-', '__proto__'])('may be named %j', (room) => {
    expect(roomProblem(room)).toBeNull()
  })

  test.each(['', ' ', 'a b', 'é', 'a/b', '..', 'a\n', '\na', 'x'.repeat(65), '%61'])(
    'may not be named %j',
    (room) => {
      expect(roomProblem(room)).toContain('A room is named')
    },
  )
})

describe('a user', () => {
  test.each(['a', 'Ada Lovelace', 'éü漢🧪', '🧪'.repeat(40), ' a '])('may be called %j', (user) => {
    expect(userProblem(user)).toBeNull()
  })

  test.each([
    ['', 'needs a name'],
    [' \t\u00a0\ufeff', 'needs a name'],
    ['a\nb', 'line breaks'],
    ['a\u0085b', 'line breaks'],
    ['a\u2028b', 'line breaks'],
    ['a\u0000', 'line breaks'],
    ['a\u007f', 'line breaks'],
    ['\ud83e', 'surrogate'],
    ['\udd73\ud83e', 'surrogate'],
    ['x'.repeat(41), '40 characters'],
    ['🧪'.repeat(41), '40 characters'],
  ])('may not be called %j', (user, why) => {
    expect(userProblem(user)).toContain(why)
  })
})

describe('a text', () => {
  const { textBytes } = wireLimits

  test.each([
    ['one character', 'a'],
    ['lines and control characters', 'a\r\n\u0000\u001b\u2028'],
    ['as many bytes as there may be, of one each', 'x'.repeat(textBytes)],
    ['as many bytes as there may be, of two each', 'é'.repeat(textBytes / 2)],
    ['as many bytes as there may be, of three each', `${'漢'.repeat((textBytes - 2) / 3)}xx`],
    ['as many bytes as there may be, of four each', '🧪'.repeat(textBytes / 4)],
  ])('may be %s', (_what, text) => {
    expect(textProblem(text)).toBeNull()
  })

  test.each([
    ['', 'needs a text'],
    [' \n\t\u2003', 'needs a text'],
    ['x\ud800y', 'surrogate'],
    ['x'.repeat(textBytes + 1), `${textBytes + 1}`],
    [`${'é'.repeat(textBytes / 2)}x`, `${textBytes + 1}`],
    [`${'🧪'.repeat(textBytes / 4)}x`, `${textBytes + 1}`],
    ['漢'.repeat(textBytes), `${textBytes * 3}`],
  ])('may not be too long, blank or broken', (text, why) => {
    expect(textProblem(text)).toContain(why)
  })
})
