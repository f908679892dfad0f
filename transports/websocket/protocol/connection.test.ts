// The connection by chapters of RFC 6455, as client and as server, each vector whole, byte by byte and at every split.
import { isUtf8 } from 'node:buffer'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Connection, connectionSettings, type Role } from './connection.ts'
import { UsageError } from './errors.ts'
import { defaultLimits, type Limits } from './limits.ts'
import { FrameArena } from './output.ts'
import {
  buildFrame,
  concat,
  describeFrames,
  drain,
  everySplit,
  type FrameParts,
  hear,
  peerFrame,
  plainPrimitives,
  type Seen,
  testConnection,
  utf8,
} from './testing.ts'

const roles: readonly Role[] = ['client', 'server']
const bytesOf = (...values: number[]): Uint8Array => Uint8Array.from(values)
const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replaceAll(' ', ''), 'hex'))

type Mask = NonNullable<FrameParts['mask']>

interface Vector {
  readonly name: string
  readonly frames: readonly FrameParts[]
  readonly events: readonly Seen[]
  readonly answers?: readonly Seen[]
  readonly limits?: Partial<Limits>
}

/** Checks a vector in both roles, at every split. */
function check({ frames, events, answers = [], limits }: Vector): void {
  for (const role of roles) {
    const trace = concat(...frames.map((frame) => peerFrame(role, frame)))
    for (const chunks of everySplit(trace)) {
      const heard = hear(role, chunks, limits)
      expect(heard.events, role).toEqual(events)
      expect(heard.answers.map((answer) => answer.split(' ').slice(0, 2).join(' '))).toEqual(answers)
    }
  }
}

const failure = (code: number): Pick<Vector, 'events' | 'answers'> => ({
  events: [`failure ${code}`],
  answers: [`close ${code}`],
})

describe('RFC 6455 §5.7 examples', () => {
  const examples: readonly [string, Role, string, Seen[], Seen[]][] = [
    ['a single-frame unmasked text message', 'client', '81 05 48 65 6c 6c 6f', ['text Hello'], []],
    ['a single-frame masked text message', 'server', '81 85 37 fa 21 3d 7f 9f 4d 51 58', ['text Hello'], []],
    ['a fragmented unmasked text message', 'client', '01 03 48 65 6c 80 02 6c 6f', ['text Hello'], []],
    ['unmasked ping', 'client', '89 05 48 65 6c 6c 6f', ['ping 48656c6c6f'], ['pong 48656c6c6f']],
    ['masked pong', 'server', '8a 85 37 fa 21 3d 7f 9f 4d 51 58', ['pong 48656c6c6f'], []],
  ]
  it.each(examples)('%s', (_, role, trace, events, answers) => {
    for (const chunks of everySplit(hex(trace))) expect(hear(role, chunks)).toMatchObject({ events, answers })
  })

  it('writes the masked and the unmasked text message as printed', () => {
    const server = testConnection('server')
    server.send('text', [utf8('Hel'), utf8('lo')])
    expect(concat(...server.takeOutput())).toEqual(hex('81 05 48 65 6c 6c 6f'))
    const client = testConnection('client', {}, { ...plainPrimitives, randomMaskKey: () => 0x3d21fa37 })
    client.send('text', [utf8('Hello')])
    expect(concat(...client.takeOutput())).toEqual(hex('81 85 37 fa 21 3d 7f 9f 4d 51 58'))
  })

  it('writes the fragmented message as printed', () => {
    const server = testConnection('server')
    server.sendFragment('text', utf8('Hel'), false)
    server.sendFragment('text', utf8('lo'), true)
    expect(concat(...server.takeOutput())).toEqual(hex('01 03 48 65 6c 80 02 6c 6f'))
  })
})

describe('RFC 6455 §5.2 base framing', () => {
  it.each([0, 1, 125, 126, 127, 65_535, 65_536, 200_000])('passes payloads of %d bytes', (payloadBytes) => {
    for (const role of roles) {
      const payload = new Uint8Array(payloadBytes).map((_, index) => index * 31)
      const frame = peerFrame(role, { opcode: 2, payload })
      const pieces = [
        [frame],
        [frame.slice(0, 1), frame.slice(1, 3), frame.slice(3, 9), frame.slice(9)],
        inPieces(frame, 4096),
        inPieces(frame, 16_411),
      ]
      for (const chunks of pieces) {
        const connection = testConnection(role)
        const messages = []
        for (const chunk of chunks) {
          connection.receive(chunk.slice())
          const event = connection.next()
          if (event?.kind === 'message') messages.push(event.bytes())
        }
        expect(messages).toHaveLength(1)
        expect(Buffer.compare(messages[0] as Uint8Array, payload)).toBe(0)
      }
    }
  })

  it.each([
    ['RSV1', { opcode: 1, reserved: 4 }],
    ['RSV2', { opcode: 1, reserved: 2 }],
    ['RSV3 on a binary frame', { opcode: 2, reserved: 1, payload: 'x' }],
    ['all of them on a ping', { opcode: 9, reserved: 7 }],
    ...[3, 4, 5, 6, 7, 11, 12, 13, 14, 15].map((opcode) => [`opcode ${opcode}`, { opcode }] as const),
    ['16 bits for a length of 125', { opcode: 2, payload: new Uint8Array(125), lengthBits: 16 }],
    ['64 bits for a length of 126', { opcode: 2, payload: new Uint8Array(126), lengthBits: 64 }],
  ] as [string, FrameParts][])('fails with 1002: %s', (name, frame) => {
    check({ name, frames: [frame], ...failure(1002) })
    const hello = { opcode: 1, payload: 'hello' }
    check({
      name,
      frames: [hello, frame, hello],
      events: ['text hello', 'failure 1002'],
      answers: ['close 1002'],
    })
  })

  it('fails with 1009: a length that no double counts', () => {
    for (const declaredBytes of [2n ** 53n, 2n ** 63n - 1n, 2n ** 63n, 2n ** 64n - 1n]) {
      const limits = {
        maxMessageBytes: Number.MAX_SAFE_INTEGER,
        maxFrameBytes: Number.MAX_SAFE_INTEGER,
      }
      check({ name: '', frames: [{ opcode: 2, declaredBytes }], limits, ...failure(1009) })
    }
  })
})

describe('RFC 6455 §5.1 masking', () => {
  it('fails with 1002: a client frame that is not masked, a server frame that is (R15)', () => {
    for (const opcode of [1, 2, 8, 9, 10]) {
      const unmasked = buildFrame({ opcode, mask: null })
      const masked = buildFrame({ opcode, mask: [1, 2, 3, 4] })
      for (const [role, right, wrong] of [
        ['client', unmasked, masked],
        ['server', masked, unmasked],
      ] as const) {
        for (const chunks of everySplit(wrong)) {
          expect(hear(role, chunks).events).toEqual(['failure 1002'])
          expect(hear(role, chunks).answers[0]).toMatch(/^close 1002 /)
        }
        for (const chunks of everySplit(right))
          expect(hear(role, chunks).events).not.toContain('failure 1002')
      }
    }
  })

  it('masks every client frame with a new key', () => {
    const keys = [0x11111111, 0x22222222, 0x33333333]
    const client = testConnection(
      'client',
      {},
      { ...plainPrimitives, randomMaskKey: () => keys.shift() ?? 0 },
    )
    client.send('text', [utf8('a')])
    client.ping(bytesOf(1))
    client.close(null)
    const out = concat(...client.takeOutput())
    expect(out).toEqual(hex('81 81 11 11 11 11 70  89 81 22 22 22 22 23  88 80 33 33 33 33'))
  })
})

describe('RFC 6455 §5.4 fragmentation', () => {
  it('joins fragments, empty ones too', () => {
    check({
      name: '',
      frames: [
        { opcode: 1, final: false },
        { opcode: 0, final: false, payload: 'hé' },
        { opcode: 0, final: false },
        { opcode: 0, payload: 'llo' },
        { opcode: 2, final: false, payload: bytesOf(1) },
        { opcode: 0, payload: bytesOf(255, 0) },
      ],
      events: ['text héllo', 'binary 01ff00'],
    })
  })

  it('answers control frames between fragments at once, and is not disturbed (R16)', () => {
    const frames: FrameParts[] = [
      { opcode: 1, final: false, payload: 'one ' },
      { opcode: 9, payload: bytesOf(7, 8) },
      { opcode: 10, payload: bytesOf(9) },
      { opcode: 0, payload: 'two' },
    ]
    check({
      name: '',
      frames,
      events: ['ping 0708', 'pong 09', 'text one two'],
      answers: ['pong 0708'],
    })
    for (const role of roles) {
      const begun = hear(
        role,
        frames.slice(0, 2).map((frame) => peerFrame(role, frame)),
      )
      expect(begun.answers).toEqual(['pong 0708'])
    }
  })

  it('closes between fragments', () => {
    check({
      name: '',
      frames: [
        { opcode: 1, final: false, payload: 'one ' },
        { opcode: 8, payload: bytesOf(3, 232) },
      ],
      events: ['close 1000'],
      answers: ['close 1000'],
    })
  })

  it.each([
    ['a continuation of nothing', [{ opcode: 0, payload: 'x' }]],
    ['a continuation of nothing that is not final', [{ opcode: 0, final: false }]],
    ['a text within a text', [{ opcode: 1, final: false }, { opcode: 1 }]],
    ['a binary within a text', [{ opcode: 1, final: false }, { opcode: 2 }]],
    [
      'another fragmented message within one',
      [
        { opcode: 2, final: false },
        { opcode: 2, final: false },
      ],
    ],
  ])('fails with 1002: %s', (name, frames) => {
    check({ name, frames, ...failure(1002) })
  })

  it('fails with 1002: a continuation after the last fragment', () => {
    const frames = [{ opcode: 1, final: false }, { opcode: 0 }, { opcode: 0 }]
    check({ name: '', frames, events: ['text ', 'failure 1002'], answers: ['close 1002'] })
  })

  it('does not let the application interleave', () => {
    const server = testConnection('server')
    server.sendFragment('text', utf8('a'), false)
    expect(() => server.send('text', [])).toThrow(UsageError)
    expect(() => server.sendFrames(bytesOf(0x81, 0))).toThrow(UsageError)
    server.ping()
    server.sendFragment('binary', utf8('b'), true)
    server.send('binary', [])
    expect(describeFrames(concat(...server.takeOutput()))).toEqual([
      'part of text a',
      'ping',
      'continuation b',
      'binary',
    ])
  })
})

describe('RFC 6455 §5.5 control frames', () => {
  it.each([
    ['a fragmented ping', [{ opcode: 9, final: false, payload: 'x' }]],
    ['a fragmented pong', [{ opcode: 10, final: false }]],
    ['a fragmented close', [{ opcode: 8, final: false }]],
    ['a ping of 126 bytes', [{ opcode: 9, payload: new Uint8Array(126) }]],
    ['a close of 126 bytes', [{ opcode: 8, payload: new Uint8Array(126) }]],
    ['a pong with an endless length', [{ opcode: 10, declaredBytes: 2n ** 64n - 1n }]],
  ])('fails with 1002: %s', (name, frames) => {
    check({ name, frames, ...failure(1002) })
  })

  it('answers each of ten pings, with payloads of up to 125 bytes', () => {
    const payload = new Uint8Array(125).fill(0xfe)
    const frames = Array.from({ length: 10 }, (_, index) => ({
      opcode: 9,
      payload: payload.subarray(0, index * 13),
    }))
    const names = frames.map(({ payload }) => `${Buffer.from(payload).toString('hex')}`)
    check({
      name: '',
      frames,
      events: names.map((name) => `ping ${name}`.trim()),
      answers: names.map((name) => `pong ${name}`.trim()),
    })
  })

  it('keeps quiet about pongs that nobody asked for', () => {
    check({ name: '', frames: [{ opcode: 10, payload: bytesOf(1) }], events: ['pong 01'] })
  })
})

describe('RFC 6455 §5.5.1, §7 closing', () => {
  const close = (code: number, reason = ''): Uint8Array =>
    concat(bytesOf(code >> 8, code & 255), utf8(reason))

  it.each([1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999])(
    'takes and answers close code %d',
    (code) => {
      check({
        name: '',
        frames: [{ opcode: 8, payload: close(code, 'bye') }],
        events: [`close ${code} bye`],
        answers: [`close ${code}`],
      })
    },
  )

  it.each([0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535])(
    'fails with 1002: close code %d',
    (code) => check({ name: '', frames: [{ opcode: 8, payload: close(code) }], ...failure(1002) }),
  )

  it('takes a close frame without a code, and answers with such a one', () => {
    check({ name: '', frames: [{ opcode: 8 }], events: ['close 1005'], answers: ['close'] })
  })

  it('takes a reason of 123 bytes', () => {
    const reason = '☃'.repeat(41)
    const frames = [{ opcode: 8, payload: close(1000, reason) }]
    check({ name: '', frames, events: [`close 1000 ${reason}`], answers: ['close 1000'] })
  })

  it('fails with 1002: a payload of one byte', () => {
    check({ name: '', frames: [{ opcode: 8, payload: bytesOf(3) }], ...failure(1002) })
  })

  it('fails with 1007: a reason that is not UTF-8', () => {
    const payload = concat(close(1000), hex('ce ba e1 bd b9 cf 83 ce bc ce b5 ed a0 80'))
    check({ name: '', frames: [{ opcode: 8, payload }], ...failure(1007) })
  })

  it('drops whatever follows a close frame', () => {
    const frames = [
      { opcode: 8 },
      { opcode: 1, payload: 'late' },
      { opcode: 9 },
      { opcode: 7 },
      { opcode: 8 },
    ]
    check({ name: '', frames, events: ['close 1005'], answers: ['close'] })
  })

  it('drops whatever follows a failure', () => {
    const frames = [{ opcode: 7 }, { opcode: 1, payload: 'late' }, { opcode: 9 }, { opcode: 8 }]
    check({ name: '', frames, ...failure(1002) })
  })

  it('lets the server end first, and the client wait for it (§7.1.1)', () => {
    for (const [role, shouldEnd] of [
      ['server', true],
      ['client', false],
    ] as const) {
      for (const frame of [{ opcode: 8 }, { opcode: 7 }]) {
        const heard = hear(role, [peerFrame(role, frame)])
        expect(heard).toMatchObject({ shouldEnd })
        expect(heard.connection.closeExpected).toBe(true)
        heard.connection.receiveEnd()
        expect(heard.connection.shouldEnd).toBe(true)
      }
    }
  })

  it('still hands up messages between its close frame and the peer’s, and answers no ping', () => {
    for (const role of roles) {
      const connection = testConnection(role)
      connection.close(4000, 'enough')
      connection.close(4001)
      const late = [{ opcode: 9 }, { opcode: 1, payload: 'late' }, { opcode: 8, payload: close(4000) }]
      connection.receive(concat(...late.map((frame) => peerFrame(role, frame))))
      expect(drain(connection)).toEqual(['ping', 'text late', 'close 4000'])
      expect(describeFrames(concat(...connection.takeOutput()))).toEqual(['close 4000 enough'])
      expect(connection.outcome()).toEqual({ code: 4000, reason: '', wasClean: true, failure: null })
      expect(connection.shouldEnd).toBe(role === 'server')
    }
  })

  it('knows how it ended', () => {
    const lost = testConnection('client')
    lost.receiveEnd()
    expect(lost.outcome()).toEqual({ code: 1006, reason: '', wasClean: false, failure: null })
    const failed = hear('server', [peerFrame('server', { opcode: 7 })]).connection
    expect(failed.outcome()).toMatchObject({ code: 1006, wasClean: false, failure: { closeCode: 1002 } })
    const closed = hear('server', [peerFrame('server', { opcode: 8, payload: close(1001, 'x') })]).connection
    expect(closed.outcome()).toEqual({ code: 1001, reason: 'x', wasClean: true, failure: null })
  })

  it('throws for the caller’s own mistakes', () => {
    const connection = testConnection('server')
    for (const code of [0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 3000.5, Number.NaN]) {
      expect(() => connection.close(code)).toThrow(UsageError)
    }
    expect(() => connection.close(null, 'why')).toThrow(UsageError)
    expect(() => connection.close(1000, '☃'.repeat(42))).toThrow(UsageError)
    expect(() => connection.ping(new Uint8Array(126))).toThrow(UsageError)
    expect(() => testConnection('client').sendFrames(bytesOf(0x81, 0))).toThrow(UsageError)
    expect(connection.takeOutput()).toEqual([])
    connection.close()
    expect(() => connection.send('text', [])).toThrow(UsageError)
    expect(() => connection.ping()).toThrow(UsageError)
    expect(() => connection.sendFragment('text', utf8(''), true)).toThrow(UsageError)
  })
})

describe('RFC 6455 §8.1 text is UTF-8, fail-fast (R15)', () => {
  const start = 'ce ba e1 bd b9 cf 83 ce bc ce b5'

  it('fails with 1007 wherever the wrong bytes are', () => {
    for (const text of [`${start} ed a0 80`, `${start} f4 90 80 80 65`, 'c0 af', 'ff', 'e1 80', 'f0 9f 98']) {
      const payload = hex(text)
      check({ name: text, frames: [{ opcode: 1, payload }], ...failure(1007) })
      for (let cut = 0; cut <= payload.length; cut++) {
        const frames = [
          { opcode: 1, final: false, payload: payload.subarray(0, cut) },
          { opcode: 0, payload: payload.subarray(cut) },
        ]
        for (const role of roles) {
          const trace = frames.map((frame) => peerFrame(role, frame))
          expect(hear(role, trace).events).toEqual(['failure 1007'])
          expect(hear(role, [concat(...trace)]).events).toEqual(['failure 1007'])
        }
      }
    }
  })

  it('fails at the first wrong byte, while its frame is still arriving', () => {
    const payload = concat(hex(start), hex('f4 90'), new Uint8Array(100_000).fill(0x61))
    for (const role of roles) {
      for (const native of [null, isUtf8]) {
        const frame = peerFrame(role, { opcode: 1, payload })
        const wrongAt = frame.length - payload.length + hex(start).length + 1
        const primitives = { ...plainPrimitives, isUtf8: native }
        expect(hear(role, [frame.subarray(0, wrongAt)], {}, primitives).events).toEqual([])
        expect(hear(role, [frame.subarray(0, wrongAt + 1)], {}, primitives).events).toEqual(['failure 1007'])
      }
    }
  })

  it('passes characters that are split over fragments, frames and chunks', () => {
    const text = 'κόσμε 😀 ☃ ߿'
    const payload = utf8(text)
    for (let cut = 0; cut <= payload.length; cut++) {
      const frames = [
        { opcode: 1, final: false, payload: payload.subarray(0, cut) },
        { opcode: 9 },
        { opcode: 0, payload: payload.subarray(cut) },
      ]
      for (const role of roles) {
        const trace = concat(...frames.map((frame) => peerFrame(role, frame)))
        for (const chunks of everySplit(trace))
          expect(hear(role, chunks).events).toEqual(['ping', `text ${text}`])
      }
    }
  })

  it('does not look into binary messages', () => {
    check({ name: '', frames: [{ opcode: 2, payload: hex('ff fe c0') }], events: ['binary fffec0'] })
  })
})

describe('limits (R17)', () => {
  it('passes a message of the limit, and fails with 1009 one byte later', () => {
    for (const maxMessageBytes of [0, 125, 126, 1000]) {
      const limits = { maxMessageBytes }
      const payload = new Uint8Array(maxMessageBytes)
      const expected = `binary ${'00'.repeat(maxMessageBytes)}`.trim()
      check({ name: '', frames: [{ opcode: 2, payload }], limits, events: [expected] })
      const over = [{ opcode: 2, payload: new Uint8Array(maxMessageBytes + 1) }]
      check({ name: '', frames: over, limits, ...failure(1009) })
    }
  })

  it('counts a message over its fragments', () => {
    const frames = [
      { opcode: 2, final: false, payload: new Uint8Array(6) },
      { opcode: 0, payload: new Uint8Array(5) },
    ]
    check({ name: '', frames, limits: { maxMessageBytes: 11 }, events: [`binary ${'00'.repeat(11)}`] })
    check({ name: '', frames, limits: { maxMessageBytes: 10 }, ...failure(1009) })
  })

  it('limits frames, fragments, and control frames within a message', () => {
    const fragments = (count: number): FrameParts[] => [
      { opcode: 1, final: false },
      ...Array.from({ length: count - 2 }, () => ({ opcode: 0, final: false })),
      { opcode: 0 },
    ]
    check({ name: '', frames: fragments(5), limits: { maxFragments: 5 }, events: ['text '] })
    check({ name: '', frames: fragments(6), limits: { maxFragments: 5 }, ...failure(1008) })
    const frame = [{ opcode: 2, payload: new Uint8Array(9) }]
    check({ name: '', frames: frame, limits: { maxFrameBytes: 8 }, ...failure(1009) })
    const pongs = [{ opcode: 1, final: false }, { opcode: 10 }, { opcode: 10 }, { opcode: 10 }]
    const limits = { maxControlFramesPerMessage: 2 }
    check({
      name: '',
      frames: pongs,
      limits,
      events: ['pong', 'pong', 'failure 1008'],
      answers: ['close 1008'],
    })
    check({
      name: '',
      frames: [...pongs.slice(1), ...pongs.slice(1)],
      limits,
      events: Array(6).fill('pong'),
    })
  })

  it('allocates nothing for a declared length', () => {
    for (const role of roles) {
      let allocated = 0
      const primitives = {
        ...plainPrimitives,
        allocate: (bytes: number) => {
          allocated += bytes
          return new Uint8Array(bytes)
        },
      }
      const huge = 2 ** 40
      const connection = testConnection(
        role,
        { maxMessageBytes: huge, maxFrameBytes: huge, maxFragments: 1e6 },
        primitives,
      )
      const before = allocated
      connection.receive(
        peerFrame(role, { opcode: 2, declaredBytes: BigInt(huge), payload: bytesOf(1, 2, 3) }),
      )
      expect(drain(connection)).toEqual([])
      expect(allocated - before).toBeLessThan(1024)
    }
  })

  it('takes 16,385 fragments in linear time, whole and byte by byte', () => {
    const count = 16_385
    for (const role of roles) {
      const frames = Array.from({ length: count }, (_, index) =>
        peerFrame(role, { opcode: index === 0 ? 1 : 0, final: index === count - 1, payload: 'x' }),
      )
      const trace = concat(...frames)
      for (const chunks of [[trace], frames, inPieces(trace, 1)]) {
        const heard = hear(role, chunks, { maxFragments: count })
        expect(heard.events).toEqual([`text ${'x'.repeat(count)}`])
      }
    }
  })
})

describe('any trace gives the same events for every split and joining (R14)', () => {
  const frame = fc.record({
    final: fc.boolean(),
    opcode: fc.constantFrom(0, 0, 0, 1, 1, 2, 9, 10, 8, 3),
    reserved: fc.constantFrom(0, 0, 0, 0, 0, 0, 0, 0, 0, 1),
    payload: fc.oneof<fc.Arbitrary<string | Uint8Array>[]>(
      fc.string({ unit: 'binary', maxLength: 40 }),
      fc.uint8Array({ maxLength: 200 }),
      fc.nat(3000).map((length) => new Uint8Array(length).fill(0x61)),
    ),
    mask: fc.constantFrom<Mask>([1, 2, 3, 4], [0, 0, 0, 0], [255, 254, 128, 127]),
  })

  it('random frames, cut at random places', () => {
    const role = fc.constantFrom<Role>('client', 'server')
    fc.assert(
      fc.property(role, fc.array(frame, { maxLength: 12 }), fc.array(fc.nat(8000)), (role, frames, cuts) => {
        const trace = concat(
          ...frames.map((parts) => buildFrame({ ...parts, ...(role === 'client' ? { mask: null } : {}) })),
        )
        const whole = hear(role, [trace])
        const places = [0, ...cuts.filter((cut) => cut < trace.length).sort((a, b) => a - b), trace.length]
        const chunks = places.slice(1).map((end, index) => trace.subarray(places[index], end))
        for (const native of [null, isUtf8]) {
          const split = hear(role, chunks, {}, { ...plainPrimitives, isUtf8: native })
          expect(split.events).toEqual(whole.events)
          expect(split.answers).toEqual(whole.answers)
          expect(split.shouldEnd).toBe(whole.shouldEnd)
        }
      }),
      { numRuns: 1000 },
    )
  })

  it('any bytes at all: it never throws', () => {
    fc.assert(
      fc.property(
        fc.constantFrom<Role>('client', 'server'),
        fc.uint8Array({ maxLength: 300 }),
        (role, bytes) => {
          const whole = hear(role, [bytes])
          expect(hear(role, inPieces(bytes, 1)).events).toEqual(whole.events)
        },
      ),
      { numRuns: 2000 },
    )
  })
})

describe('a client and a server in memory', () => {
  it('pass messages of every size both ways', () => {
    const message = fc.record({
      kind: fc.constantFrom<'text' | 'binary'>('text', 'binary'),
      parts: fc.array(fc.oneof(fc.nat(300), fc.nat(70_000)), { maxLength: 3 }),
    })
    fc.assert(
      fc.property(
        fc.array(message, { maxLength: 8 }),
        fc.integer({ min: 1, max: 70_000 }),
        (messages, cut) => {
          for (const role of roles) {
            const sender = testConnection(role)
            const receiver = testConnection(role === 'client' ? 'server' : 'client')
            const payloads = messages.map(({ parts }) =>
              parts.map((length) => new Uint8Array(length).fill(length % 128)),
            )
            for (const [index, { kind }] of messages.entries()) sender.send(kind, payloads[index] ?? [])
            const bytes = concat(...sender.takeOutput())
            expect(sender.outputBytes).toBe(0)
            const received = []
            for (const chunk of inPieces(bytes, cut)) {
              receiver.receive(chunk.slice())
              for (let event = receiver.next(); event?.kind === 'message'; event = receiver.next()) {
                received.push({ kind: event.text ? 'text' : 'binary', bytes: event.bytes() })
              }
            }
            expect(received.map(({ kind }) => kind)).toEqual(messages.map(({ kind }) => kind))
            for (const [index, { bytes }] of received.entries()) {
              expect(Buffer.compare(bytes, concat(...(payloads[index] ?? [])))).toBe(0)
            }
          }
        },
      ),
      { numRuns: 60 },
    )
  })

  it('keep apart what several connections write into the same arena', () => {
    const arena = new FrameArena(plainPrimitives)
    const connections = roles.map(
      (role) => new Connection(connectionSettings(role, defaultLimits, plainPrimitives, arena)),
    )
    for (let round = 0; round < 50; round++) {
      for (const [index, connection] of connections.entries())
        connection.send('text', [utf8(`${index}-${round}`)])
    }
    for (const [index, connection] of connections.entries()) {
      expect(describeFrames(concat(...connection.takeOutput()))).toEqual(
        Array.from({ length: 50 }, (_, round) => `text ${index}-${round}`),
      )
    }
  })

  it('use the place of what is written again, but not that of what is not', () => {
    let allocations = 0
    const primitives = {
      ...plainPrimitives,
      allocate: (bytes: number) => {
        allocations++
        return new Uint8Array(bytes)
      },
    }
    const arena = new FrameArena(primitives)
    const [one, other] = [0, 1].map(
      () => new Connection(connectionSettings('server', defaultLimits, primitives, arena)),
    ) as [Connection, Connection]
    const before = allocations
    const big = new Uint8Array(100_000).fill(7)
    for (let round = 0; round < 100; round++) {
      other.send('text', [utf8('early')])
      one.send('text', [utf8(`short ${round}`)])
      one.send('binary', [big], true)
      one.send('text', [utf8('after')])
      const written = concat(...one.takeOutput())
      one.reclaimOutput()
      expect(describeFrames(written).map((frame) => frame.slice(0, 12))).toEqual([
        `text short ${round}`.slice(0, 12),
        'binary 07070',
        'text after',
      ])
      expect(describeFrames(concat(...other.takeOutput()))).toEqual(['text early'])
      other.reclaimOutput()
    }
    expect(allocations - before).toBeLessThan(4)
    // Another has written since: its bytes must stay.
    one.send('text', [utf8('one')])
    const [first] = one.takeOutput()
    other.send('text', [utf8('other')])
    one.reclaimOutput()
    one.send('text', [utf8('ONE')])
    expect(describeFrames(concat(...other.takeOutput()))).toEqual(['text other'])
    expect(describeFrames(first as Uint8Array)).toEqual(['text one'])
  })

  it('copy a payload that is borrowed, whatever its length', () => {
    for (const role of roles) {
      for (const payloadBytes of [1, 125, 2048, 2049, 70_000, 400_000]) {
        const sender = testConnection(role)
        const payload = new Uint8Array(payloadBytes).fill(3)
        sender.send('binary', [payload.subarray(0, 1), payload.subarray(1)], true)
        payload.fill(4)
        const [frame = ''] = describeFrames(concat(...sender.takeOutput()))
        expect(frame).toBe(`binary ${'03'.repeat(payloadBytes)}`)
      }
    }
  })

  it('go on after a pause with bytes that were borrowed', () => {
    const frames = ['one', 'two', 'three'].map((payload) => peerFrame('server', { opcode: 1, payload }))
    const all = concat(...frames)
    for (let cut = 1; cut < all.length; cut++) {
      const server = testConnection('server')
      const seen: string[] = []
      for (const chunk of [all.slice(0, cut), all.slice(cut)]) {
        server.receive(chunk, true)
        const event = server.next()
        if (event?.kind === 'message') seen.push(`text ${Buffer.from(event.bytes()).toString()}`)
        server.keepInput()
        chunk.fill(0xdd)
      }
      expect([...seen, ...drain(server)]).toEqual(['text one', 'text two', 'text three'])
    }
  })

  it('join chunks that come before the last one is read', () => {
    const server = testConnection('server')
    for (const payload of ['one', 'two', 'three']) server.receive(peerFrame('server', { opcode: 1, payload }))
    expect(drain(server)).toEqual(['text one', 'text two', 'text three'])
  })
})

function inPieces(bytes: Uint8Array, pieceBytes: number): Uint8Array[] {
  const pieces: Uint8Array[] = []
  for (let at = 0; at < bytes.length; at += pieceBytes) pieces.push(bytes.subarray(at, at + pieceBytes))
  return pieces
}
