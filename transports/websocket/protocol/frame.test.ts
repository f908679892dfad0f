// Frame headers against RFC 6455 §5.2, its examples in §5.7, and a builder that shares no code with them.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  decodeHeader,
  emptyHeader,
  encodeHeader,
  headerBytesFor,
  headerFault,
  Opcode,
  serverFrame,
} from './frame.ts'
import { writeMaskKey } from './mask.ts'
import { buildFrame, utf8 } from './testing.ts'

const lengths = [0, 1, 125, 126, 127, 65_535, 65_536, 2 ** 31, 2 ** 32, 2 ** 53 - 1]

describe('RFC 6455 §5.2 base framing', () => {
  it.each(lengths)('writes and reads a length of %d in its shortest form', (payloadBytes) => {
    for (const masked of [false, true]) {
      const bytes = new Uint8Array(20).fill(0xee)
      const headerBytes = headerBytesFor(payloadBytes, masked)
      const keyStart = encodeHeader(bytes, 3, 0x80 | Opcode.binary, payloadBytes, masked)
      if (masked) writeMaskKey(bytes, keyStart, -0x7f01_0203)
      expect(keyStart + (masked ? 4 : 0)).toBe(3 + headerBytes)
      const header = emptyHeader()
      for (let end = 3; end < 3 + headerBytes; end++) expect(decodeHeader(bytes, 3, end, header)).toBe(0)
      expect(decodeHeader(bytes, 3, bytes.length, header)).toBe(headerBytes)
      expect(header).toEqual({
        final: true,
        reserved: 0,
        opcode: Opcode.binary,
        masked,
        maskKey: masked ? -0x7f01_0203 : 0,
        payloadBytes,
        minimal: true,
      })
    }
  })

  it('says what is not the shortest form', () => {
    const header = emptyHeader()
    for (const [length, lengthBits] of [
      [0, 16],
      [125, 16],
      [125, 64],
      [126, 64],
      [65_535, 64],
    ] as const) {
      const frame = buildFrame({ opcode: 2, payload: new Uint8Array(length), lengthBits })
      expect(decodeHeader(frame, 0, frame.length, header)).toBeGreaterThan(0)
      expect(headerFault(header, false, 0)).toMatch(/shortest/)
    }
  })

  it('takes lengths above 2^53 − 1 for endless', () => {
    const header = emptyHeader()
    for (const declaredBytes of [2n ** 53n, 2n ** 63n - 1n, 2n ** 63n, 2n ** 64n - 1n]) {
      const frame = buildFrame({ opcode: 2, declaredBytes, lengthBits: 64 })
      decodeHeader(frame, 0, frame.length, header)
      expect(header.payloadBytes).toBe(Number.POSITIVE_INFINITY)
    }
  })

  it('agrees with the plain builder on every header', () => {
    fc.assert(
      fc.property(
        fc.boolean(),
        fc.nat(7),
        fc.nat(15),
        fc.nat(70_000),
        fc.option(fc.tuple(fc.nat(255), fc.nat(255), fc.nat(255), fc.nat(255))),
        fc.nat(9),
        (final, reserved, opcode, payloadBytes, mask, offset) => {
          const frame = buildFrame({ final, reserved, opcode, declaredBytes: BigInt(payloadBytes), mask })
          const bytes = new Uint8Array(offset + frame.length)
          bytes.set(frame, offset)
          const header = emptyHeader()
          expect(decodeHeader(bytes, offset, bytes.length, header)).toBe(frame.length)
          expect(header).toMatchObject({ final, reserved: reserved << 4, opcode, payloadBytes })
          expect(header.masked).toBe(mask !== null)
          const written = new Uint8Array(frame.length)
          const first = (final ? 0x80 : 0) | (reserved << 4) | opcode
          const end = encodeHeader(written, 0, first, payloadBytes, mask !== null)
          if (mask !== null) writeMaskKey(written, end, header.maskKey)
          expect(written).toEqual(frame)
        },
      ),
      { numRuns: 1000 },
    )
  })

  it('lets an extension claim its bits on data frames, and on these only', () => {
    const rsv1 = 0x40
    const header = { ...emptyHeader(), final: true, reserved: rsv1, opcode: Opcode.text as number }
    expect(headerFault(header, false, 0)).toMatch(/reserved/)
    expect(headerFault(header, false, rsv1)).toBeNull()
    expect(headerFault({ ...header, reserved: 0x60 }, false, rsv1)).toMatch(/reserved/)
    expect(headerFault({ ...header, opcode: Opcode.ping }, false, rsv1)).toMatch(/reserved/)
  })
})

describe('RFC 6455 §5.7 examples', () => {
  it('a single-frame unmasked text message', () => {
    expect(serverFrame('text', utf8('Hello'))).toEqual(
      Uint8Array.of(0x81, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f),
    )
  })

  it('256 bytes binary message in a single unmasked frame', () => {
    expect(serverFrame('binary', new Uint8Array(256)).subarray(0, 4)).toEqual(
      Uint8Array.of(0x82, 0x7e, 0x01, 0x00),
    )
  })

  it('64 KiB binary message in a single unmasked frame', () => {
    expect(serverFrame('binary', new Uint8Array(65_536)).subarray(0, 10)).toEqual(
      Uint8Array.of(0x82, 0x7f, 0, 0, 0, 0, 0, 1, 0, 0),
    )
  })
})
