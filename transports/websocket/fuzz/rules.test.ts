// The rules by which our decoder may differ from the `ws` library's, each with a trace of its own; and nothing else explains.
import { isUtf8 } from 'node:buffer'
import { describe, expect, it } from 'vitest'
import { concat, type FrameParts, peerFrame } from '../protocol/testing.ts'
import { fuzzLimits } from './limits.ts'
import { connectOurs, listen } from './listen.ts'
import { listenWithLibrary } from './reference.node.ts'
import { explain, rules } from './rules.ts'
import { scan } from './scan.ts'

const listening = { role: 'server', isUtf8, pushes: 1, borrowed: false, connect: connectOurs } as const
const verdicts = async (trace: Uint8Array) => ({
  ours: (await listen([trace], { ...listening, compression: null })).events,
  theirs: await listenWithLibrary('server', trace),
})
const frames = (...parts: FrameParts[]): Uint8Array => concat(...parts.map((one) => peerFrame('server', one)))
const many = (count: number, part: FrameParts): FrameParts[] => Array.from({ length: count }, () => part)
const first: FrameParts = { opcode: 1, final: false, payload: 'a' }
const more: FrameParts = { opcode: 0, final: false, payload: 'b' }
const ping: FrameParts = { opcode: 9 }

describe('explain', () => {
  it.each<[string, Uint8Array]>([
    ['shortest-length', frames({ opcode: 2, payload: 'short', lengthBits: 16 })],
    ['shortest-length', frames(ping, { opcode: 2, payload: 'short', lengthBits: 64 })],
    ['utf8-fails-fast', frames({ opcode: 1, final: false, payload: Uint8Array.of(0xff) })],
    ['utf8-fails-fast', frames({ opcode: 1, payload: Uint8Array.of(0xc0, 0xaf, 1, 2) }).subarray(0, -1)],
    ['utf8-fails-fast', frames({ ...first, payload: Uint8Array.of(0xed, 0xa0) }, { opcode: 3 })],
    ['control-frame-limit', frames(first, ...many(fuzzLimits.maxControlFramesPerMessage + 1, ping))],
    ['fragment-limit-at-header', frames(first, ...many(fuzzLimits.maxFragments, more)).subarray(0, -1)],
    ['whole-header-first', frames({ opcode: 3 }).subarray(0, 5)],
    ['whole-header-first', frames(ping, { opcode: 8, payload: 'x' }).subarray(0, -1)],
  ])('%s', async (name, trace) => {
    const rule = await explain(trace, null, verdicts)
    expect(typeof rule === 'string' ? rule : rule?.name).toBe(name)
  })

  it.each<[string, Uint8Array]>([
    [
      'a good conversation',
      frames({ opcode: 1, payload: 'hällo' }, ping, { opcode: 8, payload: '\x03\xe8' }),
    ],
    ['a reserved bit', frames({ opcode: 1, reserved: 4 })],
    ['wrong UTF-8 in a whole message', frames({ opcode: 1, payload: Uint8Array.of(0xc0, 0xaf) })],
    ['too much', frames({ opcode: 2, declaredBytes: 70_001n })],
    ['a length above 2^53', frames({ opcode: 2, declaredBytes: 2n ** 63n })],
    ['as many fragments as are allowed', frames(first, ...many(fuzzLimits.maxFragments - 1, more))],
    ['nothing', new Uint8Array(0)],
  ])('finds that both agree on %s', async (_, trace) => {
    expect(await explain(trace, null, verdicts)).toBe('agree')
  })

  it('does not explain away what is simply different', async () => {
    const good = frames({ opcode: 1, payload: 'a' }, ping)
    const different: readonly [readonly string[], readonly string[]][] = [
      [['text 1 61'], ['text 1 61', 'ping 0']],
      [['text 1 61', 'ping 0'], ['text 1 61']],
      [
        ['text 1 61', 'pong 0'],
        ['text 1 61', 'ping 0'],
      ],
      [['failure 1002'], ['text 1 61', 'ping 0']],
      [['failure 1007'], ['ping 0']],
      [['failure 1008'], []],
      [['text 1 61'], ['text 1 61', 'failure 1002']],
    ]
    for (const [ours, theirs] of different) {
      expect(await explain(good, null, async () => ({ ours, theirs }))).toBeNull()
    }
  })

  it('does not take wrong text for right when the library does', async () => {
    const wrong = frames({ opcode: 1, payload: Uint8Array.of(0xff) })
    const verdict = async () => ({ ours: ['failure 1007'], theirs: ['text 1 ff'] })
    expect(await explain(wrong, null, verdict)).toBeNull()
  })

  it('has a name, a clause and a reason for each rule', () => {
    expect(new Set(rules.map(({ name }) => name)).size).toBe(rules.length)
    for (const { clause, why } of rules) {
      expect(clause).toMatch(/^RFC \d+ §/)
      expect(why.length).toBeGreaterThan(40)
    }
  })
})

describe('scan', () => {
  it('reads every kind of header, and says what is missing', () => {
    const lengths = [0, 125, 126, 65_535, 65_536]
    const trace = frames(
      ...lengths.map((bytes) => ({ opcode: 2, payload: new Uint8Array(bytes).fill(7) })),
      ping,
    )
    const { frames: found, restBytes } = scan(trace.subarray(0, -1))
    expect(found.map(({ lengthBits }) => lengthBits)).toEqual([7, 7, 16, 16, 64])
    expect(found.map(({ declaredBytes }) => Number(declaredBytes))).toEqual(lengths)
    expect(found.every(({ payload }) => payload.every((byte) => byte === 7))).toBe(true)
    expect(restBytes).toBe(5)
  })
})
