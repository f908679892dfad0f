// The fuzzer's own parts: reader, inflater, negotiation, payloads, and the list of cases.
import { constants, deflateRawSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { inflatePlainly } from '../plain-inflate.ts'
import { groups, select } from './catalogue.ts'
import { Flate } from './flate.node.ts'
import { encodeFrames, type Frame, fragmented, hex, join, text, utf8 } from './frames.ts'
import { agree } from './negotiation.ts'
import { corpora, textOf } from './payloads.ts'
import { FrameReader } from './reader.ts'
import { bytesOfZeros, compressedZeros } from './zeros.ts'

/** What a reader makes of bytes, in words. */
function heard(
  bytes: Uint8Array,
  { masked = false, deflate = false, chunkBytes = bytes.length } = {},
): readonly string[] {
  const notes: string[] = []
  const reader = new FrameReader(masked, deflate ? (payload) => payload : null, {
    event: (event) =>
      notes.push(event.kind === 'mark' ? '' : `${event.kind} ${Buffer.from(event.payload).toString()}`),
    closed: (code, reason) => notes.push(`close ${code} ${reason}`),
    wrong: (what) => notes.push(`wrong: ${what}`),
    afterClose: (more) => notes.push(`${more} more`),
  })
  for (let at = 0; at < bytes.length; at += chunkBytes) reader.push(bytes.slice(at, at + chunkBytes))
  return notes
}

describe('the reader', () => {
  it.each<[string, string, readonly string[]]>([
    ['a text', '8103616263', ['text abc']],
    ['fragments with a ping between', '010161 8900 800162', ['ping ', 'text ab']],
    ['a close with a reason', '880403e86869', ['close 1000 hi']],
    ['a close without a code, and more', '8800 81', ['close null ', '1 more']],
    ['a masked frame', '818000000000', ['wrong: a masked frame of a server']],
    ['a reserved opcode', '8300', ['wrong: a frame with the reserved opcode 3']],
    ['a reserved bit', 'c100', ['wrong: reserved bits 4 with opcode 1']],
    ['a fragmented ping', '0900', ['wrong: a fragmented control frame']],
    ['a long ping', `897e007e${'00'.repeat(126)}`, ['wrong: a control frame of 126 bytes']],
    ['a continuation of nothing', '8000', ['wrong: a continuation without a message']],
    ['a message within another', '0100 8100', ['wrong: a message within another one']],
    [
      'a length of 5 in 16 bits',
      '827e00050000000000',
      ["wrong: a length of 5 that isn't in its shortest form"],
    ],
    [
      'a length of 200 in 64 bits',
      '827f00000000000000c8',
      ["wrong: a length of 200 that isn't in its shortest form"],
    ],
    ['a text that is no UTF-8', '8103eda080', ['wrong: a text that is not UTF-8']],
    ['a close with one byte', '880103', ['wrong: a close frame of one byte']],
    ['a close with 1005', '880203ed', ['wrong: close code 1005, which may not be sent']],
    ['a close with a wrong reason', '880303e8ff', ['wrong: a close reason that is not UTF-8']],
    ['nothing after what is wrong', '8300 8103616263', ['wrong: a frame with the reserved opcode 3']],
  ])('makes of %s what it is, however it is cut', (_, digits, expected) => {
    expect(heard(hex(digits))).toEqual(expected)
    const last = expected.at(-1)
    if (last?.endsWith('more') !== true) expect(heard(hex(digits), { chunkBytes: 1 })).toEqual(expected)
  })

  it('reads what the writer writes, masked and not, at the lengths where headers change', () => {
    for (const bytes of [0, 125, 126, 127, 65_535, 65_536, 200_000]) {
      const payload = textOf(bytes)
      const frames = fragmented(text, payload, 1300)
      for (const masked of [false, true]) {
        const written = encodeFrames(frames, masked ? () => Uint8Array.of(1, 0x80, 3, 0xff) : null)
        expect(heard(written, { masked, chunkBytes: 4093 })).toEqual([
          `text ${Buffer.from(payload).toString()}`,
        ])
      }
    }
  })

  it('takes RSV1 where compression is in force, on the first frame of a message only', () => {
    const first: Frame = { opcode: text, reserved: 4, payload: utf8('a'), final: false }
    expect(heard(encodeFrames([first, { opcode: 0 }], null), { deflate: true })).toEqual(['text a'])
    expect(heard(encodeFrames([first, { opcode: 0, reserved: 4 }], null), { deflate: true })).toEqual([
      'wrong: reserved bits 4 with opcode 0',
    ])
  })
})

describe('the slow inflater', () => {
  it('agrees with zlib on all kinds of data, and sees how far they refer back', () => {
    for (const corpus of corpora) {
      for (const [bytes, windowBits, level] of [
        [10, 15, 9],
        [3000, 9, 6],
        [40_000, 15, 6],
        [40_000, 12, 1],
        [5000, 15, 0],
      ] as const) {
        const message = corpus.message(3, bytes)
        const compressed = deflateRawSync(message, { windowBits, level, finishFlush: constants.Z_SYNC_FLUSH })
        const inflated = inflatePlainly(compressed, message.length)
        expect(inflated.corrupt).toBe(false)
        expect(Buffer.compare(inflated.output, message)).toBe(0)
        expect(inflated.farthestBytes).toBeLessThanOrEqual(2 ** windowBits)
        if (corpus.name === 'prose' && windowBits === 15 && bytes === 40_000)
          expect(inflated.farthestBytes).toBeGreaterThan(4096)
      }
    }
  })

  it('takes the examples of RFC 7692 §7.2.3, and refuses what is no DEFLATE', () => {
    const hello = utf8('Hello')
    const tail = '0000ffff'
    for (const [digits, history] of [
      ['f248cdc9c90700', ''],
      ['000500faff48656c6c6f00', ''],
      ['f348cdc9c9070000', ''],
      ['f248050000 00ffff cac9c90700', ''],
      ['f200110000', 'Hello'],
    ] as const) {
      expect(inflatePlainly(hex(digits + tail), 100, utf8(history))).toMatchObject({
        output: hello,
        corrupt: false,
      })
    }
    // A distance of 5 bytes where there is nothing yet, a block of type 3, and a stored block with a wrong length.
    for (const wrong of ['f200110000', '07', '000500fbff48']) {
      expect(inflatePlainly(hex(wrong + tail), 100)).toMatchObject({ corrupt: true })
    }
  })

  it('sees zeros where there are some', () => {
    const zeros = inflatePlainly(join(compressedZeros(5000), hex('0000ffff')), bytesOfZeros(5000))
    expect(zeros).toMatchObject({ output: new Uint8Array(bytesOfZeros(5000)), farthestBytes: 1 })
  })
})

describe('the fuzzer’s own compression', () => {
  it.each([
    [15, true],
    [9, true],
    [8, true],
    [15, false],
  ])('keeps to a window of 2^%i bytes, with the context kept: %s', (bits, keeps) => {
    const agreement = {
      serverWindowBits: bits,
      clientWindowBits: bits,
      serverKeepsContext: keeps,
      clientKeepsContext: keeps,
    }
    const sender = new Flate(agreement, 'server')
    const receiver = new Flate(agreement, 'client')
    let sentBytes = 0
    for (let index = 0; index < 20; index++) {
      const message = textOf(900)
      const compressed = sender.deflate(message)
      sentBytes += compressed.length
      expect(receiver.inflate(compressed)).toEqual(Buffer.from(message))
    }
    const farther = new Flate({ ...agreement, serverWindowBits: 8, clientWindowBits: 8 }, 'client')
    // What refers back by more than 256 bytes is noticed, in a message and across two.
    if (bits === 15)
      expect(
        farther.inflate(
          deflateRawSync(
            join(corpora[4]?.message(0, 400) ?? utf8(''), corpora[4]?.message(0, 400) ?? utf8('')),
            { finishFlush: 2 },
          ).subarray(0, -4),
        ),
      ).toMatch(/^a reference of 400 bytes back in a window of 256$/)
    expect(sentBytes).toBeLessThan(20 * 900)
  })
})

describe('an agreement on compression', () => {
  const all = {
    serverWindowBits: 15,
    clientWindowBits: 15,
    serverKeepsContext: true,
    clientKeepsContext: true,
  }
  it.each([
    ['permessage-deflate', '', null],
    ['permessage-deflate', 'permessage-deflate', all],
    [
      'permessage-deflate',
      'permessage-deflate; client_no_context_takeover',
      { ...all, clientKeepsContext: false },
    ],
    ['permessage-deflate; server_no_context_takeover', 'permessage-deflate', 'an answer to none'],
    [
      'permessage-deflate; server_max_window_bits=10',
      'permessage-deflate; server_max_window_bits=9',
      { ...all, serverWindowBits: 9 },
    ],
    [
      'permessage-deflate; server_max_window_bits=10',
      'permessage-deflate; server_max_window_bits=11',
      'an answer to none',
    ],
    ['permessage-deflate; server_max_window_bits=10', 'permessage-deflate', 'an answer to none'],
    ['permessage-deflate', 'permessage-deflate; client_max_window_bits=9', 'an answer to none'],
    [
      'permessage-deflate; client_max_window_bits',
      'permessage-deflate; client_max_window_bits=9',
      { ...all, clientWindowBits: 9 },
    ],
    [
      'permessage-deflate; client_max_window_bits=9',
      'permessage-deflate; client_max_window_bits=10',
      'an answer to none',
    ],
    ['permessage-deflate; client_max_window_bits=9', 'permessage-deflate', { ...all, clientWindowBits: 9 }],
    ['permessage-deflate; x, permessage-deflate', 'permessage-deflate', all],
    ['permessage-deflate; x', 'permessage-deflate', 'an answer to none'],
    ['permessage-deflate', 'permessage-deflate, permessage-deflate', 'two extensions'],
    ['permessage-deflate', 'x-other', "the extension x-other, which wasn't offered"],
    ['permessage-deflate', 'permessage-deflate; server_max_window_bits=16', 'in the answer, the parameter'],
    [
      'permessage-deflate; client_max_window_bits',
      'permessage-deflate; client_max_window_bits',
      'in the answer, the parameter',
    ],
    [
      'permessage-deflate; server_max_window_bits="10"',
      'permessage-deflate; server_max_window_bits=10',
      { ...all, serverWindowBits: 10 },
    ],
    ['', 'permessage-deflate', 'an answer to none'],
  ])('to %s by %s is %o', (offer, answer, expected) => {
    const agreed = agree(offer, answer)
    if (typeof expected === 'string') expect(agreed).toContain(expected)
    else expect(agreed).toEqual(expected)
  })
})

describe('payloads', () => {
  it('are UTF-8 of exactly so many bytes where they are text', () => {
    const decoder = new TextDecoder('utf-8', { fatal: true })
    for (let bytes = 0; bytes < 300; bytes++) {
      const payload = textOf(bytes)
      expect(payload).toHaveLength(bytes)
      expect(() => decoder.decode(payload)).not.toThrow()
    }
    for (const { opcode, message } of corpora) {
      for (let index = 0; index < 200; index++) {
        const payload = message(index, 97)
        expect(payload).toHaveLength(97)
        if (opcode === text) expect(() => decoder.decode(payload)).not.toThrow()
      }
    }
  })
})

describe('the cases', () => {
  it('are as many as Autobahn|Testsuite has, by the same numbers, and ours', () => {
    const counts = Object.fromEntries(groups.map(({ number, cases }) => [number, cases.length]))
    expect(counts).toMatchObject({
      ...{ 1: 16, 2: 11, 3: 7, 4: 10, 5: 20, 6: 145, 7: 37, 9: 54, 10: 1, 12: 90, 13: 126 },
    })
    const numbers = groups.flatMap(({ cases }) => cases.map(({ number }) => number))
    expect(new Set(numbers).size).toBe(numbers.length)
    expect(numbers.filter((number) => Number(number.split('.')[0]) < 20)).toHaveLength(517)
    for (const group of groups)
      for (const { number } of group.cases) expect(number.split('.')[0]).toBe(group.number)
  })

  it('are found by number, group and star', () => {
    const found = (...patterns: string[]): readonly string[] =>
      select('server', patterns).flatMap(({ cases }) => cases.map(({ number }) => number))
    expect(found('6.4')).toEqual(['6.4.1', '6.4.2', '6.4.3', '6.4.4'])
    expect(found('6.4.*', '1.1.1')).toEqual(['1.1.1', '6.4.1', '6.4.2', '6.4.3', '6.4.4'])
    expect(found('10')).toEqual(['10.1.1'])
    expect(found('7.5.1')).toEqual(['7.5.1'])
    expect(found('99')).toEqual([])
    expect(found('20.3')).toEqual([])
    expect(select('client', ['20.3'])[0]?.cases.length).toBeGreaterThan(5)
  })
})
