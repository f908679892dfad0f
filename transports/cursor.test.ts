// Cursors and their tokens.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { formatCursor, parseCursor, sameCursor } from './cursor.ts'
import { wireLimits } from './limits.ts'

const epoch = fc.stringMatching(/^[A-Za-z0-9_-]{1,40}$/)
const offset = fc.maxSafeNat()

test('every cursor survives the wire, in a token that is safe in an address and within its bound', () => {
  fc.assert(
    fc.property(epoch, offset, (epoch, offset) => {
      const token = formatCursor({ epoch, offset })
      expect(parseCursor(token)).toEqual({ epoch, offset })
      expect(encodeURIComponent(token)).toBe(token)
      expect(token.length).toBeLessThanOrEqual(wireLimits.cursorCharacters)
    }),
  )
})

describe('is no cursor', () => {
  test.each([
    '',
    '.',
    'e',
    'e.',
    '.1',
    'e.01',
    'e.-1',
    'e.+1',
    'e.1.0',
    'e.1e3',
    'e.0x1',
    'e.1 ',
    ' e.1',
    'e.1\n',
    'é.1',
    'a b.1',
    'a/b.1',
    'e.٣',
    // Beyond 2^53 two offsets are one number.
    'e.9007199254740992',
    'e.99999999999999999',
    `${'e'.repeat(41)}.1`,
    `e.${'1'.repeat(1_000_000)}`,
    '"e.1"',
  ])('%j', (token) => {
    expect(parseCursor(token)).toBeNull()
  })

  test('the greatest offset is one', () => {
    expect(parseCursor('e.9007199254740991')).toEqual({ epoch: 'e', offset: Number.MAX_SAFE_INTEGER })
  })

  test('a token that is read is the token that is written', () => {
    fc.assert(
      fc.property(fc.string(), (token) => {
        const cursor = parseCursor(token)
        if (cursor !== null) expect(formatCursor(cursor)).toBe(token)
      }),
    )
  })
})

test('two cursors are the same when both parts are', () => {
  const cursor = { epoch: 'a', offset: 1 }
  expect(sameCursor(cursor, { epoch: 'a', offset: 1 })).toBe(true)
  expect(sameCursor(cursor, { epoch: 'a', offset: 2 })).toBe(false)
  expect(sameCursor(cursor, { epoch: 'b', offset: 1 })).toBe(false)
})
