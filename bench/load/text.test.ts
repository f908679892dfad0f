// Texts carry their index and have the size that was asked for.
import { describe, expect, it } from 'vitest'
import { indexIn, textOf } from './text.ts'

describe('textOf', () => {
  it.each([
    [0, 8],
    [7, 64],
    [12_345_678, 8],
    [199, 65_536],
  ])('says %d in %d bytes', (index, textBytes) => {
    const text = textOf(index, textBytes)
    expect(Buffer.byteLength(text)).toBe(textBytes)
    expect(indexIn(text)).toBe(index)
  })

  it('refuses an index that does not fit', () => {
    expect(() => textOf(123_456_789, 8)).toThrow(RangeError)
  })

  it('finds no index in what is not ours', () => {
    expect(indexIn('hello')).toBeNaN()
  })
})
