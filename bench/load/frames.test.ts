// The load's own frames: masked, whole, and of every length that it has a header for.
import { describe, expect, it } from 'vitest'
import { textFrame } from './frames.ts'

function unmasked(frame: Buffer): string {
  const short = (frame[1] ?? 0) & 127
  const from = short === 126 ? 8 : 6
  const mask = frame.subarray(from - 4, from)
  return Buffer.from(frame.subarray(from).map((byte, index) => byte ^ (mask[index & 3] ?? 0))).toString(
    'utf8',
  )
}

describe('textFrame', () => {
  it.each([0, 1, 125, 126, 127, 4000, 65_535])('carries %i bytes', (length) => {
    const payload = 'x'.repeat(length)
    const frame = textFrame(payload)
    expect(frame[0]).toBe(0x81)
    expect((frame[1] ?? 0) & 0x80, 'a client masks (RFC 6455 §5.1)').toBe(0x80)
    expect(frame.length).toBe(length + (length < 126 ? 6 : 8))
    expect(unmasked(frame)).toBe(payload)
  })

  it('counts bytes, not characters', () => {
    expect(unmasked(textFrame('größer 🙂'))).toBe('größer 🙂')
  })

  it('refuses what it has no header for', () => {
    expect(() => textFrame('x'.repeat(65_536))).toThrow(RangeError)
  })
})
