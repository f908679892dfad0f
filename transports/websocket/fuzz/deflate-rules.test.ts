// The rules for compressed messages, each with a trace of its own; and nothing else explains.
import { isUtf8 } from 'node:buffer'
import { constants, deflateRawSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { concat, type FrameParts, peerFrame, utf8 } from '../protocol/testing.ts'
import { type Agreement, agreementText, readAgreement, writeAgreement } from './agreement.ts'
import { receiving } from './compression.node.ts'
import { fuzzLimits } from './limits.ts'
import { connectOurs, listen } from './listen.ts'
import { Random } from './random.ts'
import { listenWithLibrary } from './reference.node.ts'
import { explain } from './rules.ts'

const { maxMessageBytes } = fuzzLimits
const usual: Agreement = { windowBits: 15, noContextTakeover: false }
const smallest: Agreement = { windowBits: 8, noContextTakeover: false }

const verdictsWith = (agreement: Agreement) => async (trace: Uint8Array) => {
  const compression = receiving('server', agreement, null)
  const heard = await listen([trace], {
    role: 'server',
    isUtf8,
    pushes: 1,
    borrowed: false,
    connect: connectOurs,
    compression,
  })
  return { ours: heard.events, theirs: await listenWithLibrary('server', trace, agreement) }
}

const frames = (...parts: FrameParts[]): Uint8Array => concat(...parts.map((one) => peerFrame('server', one)))
const text = (payload: Uint8Array): FrameParts => ({ opcode: 1, reserved: 4, payload })
const binary = (payload: Uint8Array): FrameParts => ({ opcode: 2, reserved: 4, payload })
const hex = (digits: string): Uint8Array => new Uint8Array(Buffer.from(digits, 'hex'))
const reservedBlock = hex('06')

/** As a sender leaves it in the middle of a message. */
function flushed(content: Uint8Array | string, level = 6): Uint8Array {
  return new Uint8Array(deflateRawSync(content, { level, finishFlush: constants.Z_SYNC_FLUSH }))
}
const whole = (content: Uint8Array | string): Uint8Array => flushed(content).subarray(0, -4)
const final = (content: string): Uint8Array => new Uint8Array(deflateRawSync(content))
const bytes = (count: number): Uint8Array => new Uint8Array(count)
const random = new Random(1).bytes(maxMessageBytes)
const far = new Random(2).bytes(400)
/** Its references go back by 400 bytes, to the frame before. */
const farAgain = new Uint8Array(
  deflateRawSync(far, { dictionary: far, finishFlush: constants.Z_SYNC_FLUSH }),
).subarray(0, -4)

describe('explain', () => {
  it.each<[string, Uint8Array, Agreement]>([
    [
      'inflates-as-it-arrives',
      frames(binary(concat(whole('a'), reservedBlock, bytes(9)))).subarray(0, -1),
      usual,
    ],
    [
      'inflates-as-it-arrives',
      frames({ opcode: 9 }, binary(whole(bytes(maxMessageBytes + 1)))).subarray(0, -1),
      usual,
    ],
    ['utf8-fails-fast', frames(text(concat(flushed(hex('61ff')), bytes(9)))).subarray(0, -1), usual],
    ['utf8-fails-fast', frames(text(concat(flushed(hex('ff')), whole(bytes(80_000))))), usual],
    ['compressed-length-limit', frames(binary(whole(random))), usual],
    ['compressed-length-limit', frames(binary(whole(random))).subarray(0, 50), usual],
    [
      'limit-before-corruption',
      frames(binary(concat(flushed(bytes(maxMessageBytes + 1)), reservedBlock))),
      usual,
    ],
    ['goes-on-after-final-block', frames(text(concat(final('one'), whole('two')))), usual],
    [
      'goes-on-after-final-block',
      frames({ ...text(final('one')), final: false }, { opcode: 0, payload: whole('two') }),
      usual,
    ],
    ['goes-on-after-final-block', frames(text(hex('01')), text(whole('two'))), usual],
    ['beyond-the-window', frames(binary(whole(far)), binary(farAgain)), smallest],
  ])('%s', async (name, trace, agreement) => {
    const rule = await explain(trace, agreement, verdictsWith(agreement))
    expect(typeof rule === 'string' ? rule : rule?.name).toBe(name)
  })

  it.each<[string, Uint8Array, Agreement]>([
    ['a good conversation', frames(text(whole('hällo')), { opcode: 9 }, text(whole('hällo'))), usual],
    ['one without compression', frames({ opcode: 1, payload: 'a' }, text(whole('b'))), usual],
    ['an empty message', frames(text(hex('00')), text(hex('0200'))), usual],
    ['RSV1 on a continuation', frames({ ...text(whole('a')), final: false }, text(whole('a'))), usual],
    ['RSV1 on a ping', frames({ opcode: 9, reserved: 4 }), usual],
    ['wrong UTF-8 in a whole message', frames(text(whole(hex('c0af')))), usual],
    ['UTF-8 in what is compressed only', frames(text(whole(hex('ff'))), text(utf8('a'))), usual],
    ['something corrupt', frames(binary(concat(flushed('a'), reservedBlock))), usual],
    ['a bomb', frames(binary(whole(bytes(1_000_000)))), usual],
    ['a last block, as it has to be', frames(text(concat(final('a'), hex('00'))), text(whole('b'))), usual],
    ['a last block alone', frames(text(final('a')), text(whole('b'))), usual],
    ['one that ends in what is put back', frames(text(hex('f3')), text(whole('b'))), usual],
    ['references within the window', frames(binary(whole(far)), binary(farAgain)), usual],
    [
      'a context that is not taken over',
      frames(binary(whole(far)), binary(farAgain)),
      { ...usual, noContextTakeover: true },
    ],
  ])('finds that both agree on %s', async (_, trace, agreement) => {
    expect(await explain(trace, agreement, verdictsWith(agreement))).toBe('agree')
  })

  it('does not explain away what is simply different', async () => {
    const good = frames(text(whole('a')), { opcode: 9 })
    const different: readonly [readonly string[], readonly string[]][] = [
      [['text 1 61'], ['text 1 61', 'ping 0']],
      [
        ['text 1 62', 'ping 0'],
        ['text 1 61', 'ping 0'],
      ],
      [['failure 1007'], ['text 1 61', 'ping 0']],
      [['failure 1009'], ['failure 1007']],
      [['failure 1007'], ['failure 1009']],
      [['text 1 61', 'ping 0'], ['failure 1009']],
      [['failure 1007'], []],
    ]
    for (const [ours, theirs] of different) {
      expect(await explain(good, usual, async () => ({ ours, theirs }))).toBeNull()
    }
  })
})

describe('an agreement', () => {
  it('is read as it is written', () => {
    for (let windowBits = 8; windowBits <= 15; windowBits++) {
      for (const noContextTakeover of [false, true]) {
        const agreement = { windowBits, noContextTakeover }
        expect(readAgreement(writeAgreement(agreement))).toEqual(agreement)
        for (const role of ['server', 'client'] as const) {
          expect(agreementText(role, agreement)).toContain(`_max_window_bits=${windowBits}`)
          const { inflater, deflater } = receiving(role, agreement, null).compression
          inflater.close()
          deflater.close()
        }
      }
    }
  })
})
