// permessage-deflate in the protocol: both roles, on real zlib streams and on one that is in the test's hands.
import zlib from 'node:zlib'
import fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import { Deflate, type DeflateOptions } from './deflate.node.ts'
import { frameArena, nodePrimitives } from './primitives.node.ts'
import { Connection, connectionSettings, type Role } from './protocol/connection.ts'
import type { DeflateParameters } from './protocol/deflate.ts'
import { parseExtensions } from './protocol/extensions.ts'
import type { Compression, FlateStream } from './protocol/flate.ts'
import { defaultLimits, type Limits } from './protocol/limits.ts'
import {
  concat,
  describeFrames,
  drain,
  everySplit,
  type FrameParts,
  peerFrame,
  utf8,
} from './protocol/testing.ts'
import { zlibStreams } from './zlib.node.ts'

const roles: readonly Role[] = ['client', 'server']
const rsv1 = 4

/** Connections of a test, freed after it. */
const made: Connection[] = []
afterEach(() => {
  for (const connection of made.splice(0)) connection.release()
})

/** Compression as `role` has it after an answer of `answer`, which a server gives when it is offered just that. */
function agreed(role: Role, options: DeflateOptions, answer = 'permessage-deflate'): Compression {
  const deflate = new Deflate({ thresholdBytes: 0, ...options })
  const offeredExtensions = parseExtensions(answer) ?? []
  const inForce =
    role === 'server'
      ? deflate.accept({ key: '', offeredSubprotocols: [], offeredExtensions })
      : deflate.offer().check(answer)
  if (inForce === null || typeof inForce === 'string') throw new Error(`no agreement: ${inForce}`)
  return inForce.compression
}

function connect(role: Role, limits: Partial<Limits> = {}, options: DeflateOptions = {}, answer?: string) {
  return connectWith(role, agreed(role, options, answer), limits)
}

function connectWith(role: Role, compression: Compression | null, limits: Partial<Limits> = {}): Connection {
  const settings = connectionSettings(role, { ...defaultLimits, ...limits }, nodePrimitives, frameArena)
  const connection = new Connection(settings, compression)
  made.push(connection)
  return connection
}

/** Turns of the event loop, until the connection has done all that it can. */
async function finish(connection: Connection): Promise<string[]> {
  const seen = drain(connection)
  while (connection.isInflating || connection.deflatingBytes > 0) {
    await new Promise((resolve) => setImmediate(resolve))
    connection.deflate()
    seen.push(...drain(connection))
  }
  return seen
}

async function hear(connection: Connection, chunks: Iterable<Uint8Array>): Promise<string[]> {
  const events: string[] = []
  for (const chunk of chunks) {
    connection.receive(chunk.slice())
    events.push(...(await finish(connection)))
  }
  return events
}

function hex(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text.replaceAll(' ', ''), 'hex'))
}

/** A payload as another implementation makes it. */
function compressed(payload: Uint8Array | string): Uint8Array {
  const whole = zlib.deflateRawSync(payload, { finishFlush: zlib.constants.Z_SYNC_FLUSH })
  return new Uint8Array(whole.subarray(0, -4))
}

const frame = (role: Role, ...frames: FrameParts[]): Uint8Array =>
  concat(...frames.map((parts) => peerFrame(role, parts)))
const deflated = (payload: Uint8Array, more: Partial<FrameParts> = {}): FrameParts => ({
  opcode: 1,
  reserved: rsv1,
  payload,
  ...more,
})

describe.each(roles)('RFC 7692 §7.2.3 the examples, received as %s', (role) => {
  it.each<[string, FrameParts[], string[]]>([
    ['§7.2.3.1 a message in one frame', [deflated(hex('f2 48 cd c9 c9 07 00'))], ['text Hello']],
    [
      '§7.2.3.1 in two frames',
      [deflated(hex('f2 48 cd'), { final: false }), { opcode: 0, payload: hex('c9 c9 07 00') }],
      ['text Hello'],
    ],
    [
      '§7.2.3.2 one that refers to the message before it',
      [deflated(hex('f2 48 cd c9 c9 07 00')), deflated(hex('f2 00 11 00 00'))],
      ['text Hello', 'text Hello'],
    ],
    [
      '§7.2.3.3 a block without compression',
      [deflated(hex('00 05 00 fa ff 48 65 6c 6c 6f 00'))],
      ['text Hello'],
    ],
    [
      '§7.2.3.4 a block that is the last, BFINAL, twice',
      [deflated(hex('f3 48 cd c9 c9 07 00 00')), deflated(hex('f3 48 cd c9 c9 07 00 00'))],
      ['text Hello', 'text Hello'],
    ],
    ['§7.2.3.5 two blocks', [deflated(hex('f2 48 05 00 00 00 ff ff ca c9 c9 07 00'))], ['text Hello']],
    ['§7.2.3.6 an empty message', [deflated(hex('00'))], ['text ']],
  ])('%s', async (_, frames, expected) => {
    for (const chunks of everySplit(frame(role, ...frames))) {
      expect(await hear(connect(role), chunks)).toEqual(expected)
    }
  })

  it('goes on behind a last block wherever it ends', async () => {
    const parts = [zlib.deflateRawSync('one, '), zlib.deflateRawSync(''), zlib.deflateRawSync('two, ')]
    const payload = concat(...parts, compressed('three'))
    for (const chunks of everySplit(frame(role, deflated(payload), deflated(compressed('four'))))) {
      expect(await hear(connect(role), chunks)).toEqual(['text one, two, three', 'text four'])
    }
  })
})

describe.each(roles)('RFC 7692 §7.2.1 sending, as %s', (role) => {
  const own = role === 'server' ? 'server' : 'client'

  it('writes the examples of §7.2.3.1 and §7.2.3.2 as they are printed', async () => {
    const connection = connect(role)
    for (let count = 0; count < 3; count++) connection.send('text', [utf8('Hello')])
    const payloads = payloadsOf(concat(...connection.takeOutput()))
    expect(payloads.slice(0, 2)).toEqual(['c1 f248cdc9c90700', 'c1 f200110000'])
  })

  it('starts from nothing each time, without context takeover (§7.1.1)', async () => {
    const connection = connect(role, {}, {}, `permessage-deflate; ${own}_no_context_takeover`)
    for (let count = 0; count < 3; count++) connection.send('text', [utf8('Hello')])
    const payloads = payloadsOf(concat(...connection.takeOutput()))
    expect(payloads).toEqual(Array(3).fill('c1 f248cdc9c90700'))
  })

  it('compresses the pieces of a message as one, and an empty one as §7.2.3.6 says', async () => {
    const connection = connect(role)
    connection.send('binary', [utf8('He'), utf8(''), utf8('llo'), utf8('')])
    connection.send('text', [])
    connection.send('text', [utf8('')])
    const payloads = payloadsOf(concat(...connection.takeOutput()))
    expect(payloads).toEqual(['c2 f248cdc9c90700', 'c1 00', 'c1 00'])
  })

  it('leaves short messages as they are (R22)', async () => {
    const connection = connect(role, {}, { thresholdBytes: 6 })
    connection.send('text', [utf8('Hello')])
    connection.send('text', [utf8('Hello!')])
    connection.sendFragment('text', utf8('a fragment'), false)
    connection.sendFragment('text', utf8(''), true)
    connection.ping()
    const firsts = payloadsOf(concat(...connection.takeOutput())).map((each) => each.slice(0, 2))
    expect(firsts).toEqual(['81', 'c1', '01', '80', '89'])
  })

  /** The first byte and the payload of each frame, unmasked. */
  function payloadsOf(bytes: Uint8Array): string[] {
    const seen: string[] = []
    for (let offset = 0; offset < bytes.length; ) {
      const first = bytes[offset] ?? 0
      const length = (bytes[offset + 1] ?? 0) & 127
      const mask = role === 'client' ? bytes.subarray(offset + 2, offset + 6) : new Uint8Array(4)
      const start = offset + (role === 'client' ? 6 : 2)
      const payload = bytes.slice(start, start + length).map((byte, index) => byte ^ (mask[index % 4] ?? 0))
      seen.push(`${first.toString(16).padStart(2, '0')} ${Buffer.from(payload).toString('hex')}`.trimEnd())
      offset = start + length
    }
    return seen
  }
})

describe.each(roles)('RFC 7692 §6 the bit RSV1, as %s', (role) => {
  const hello = hex('f2 48 cd c9 c9 07 00')

  it.each<[string, FrameParts[]]>([
    ['on a continuation', [deflated(hello, { final: false }), { opcode: 0, reserved: rsv1, payload: hello }]],
    [
      'on a continuation of a plain message',
      [
        { opcode: 1, final: false },
        { opcode: 0, reserved: rsv1 },
      ],
    ],
    ['on a ping', [{ opcode: 9, reserved: rsv1 }]],
    ['on a pong', [{ opcode: 10, reserved: rsv1 }]],
    ['on a close', [{ opcode: 8, reserved: rsv1 }]],
    ['with RSV2', [deflated(hello, { reserved: rsv1 | 2 })]],
    ['RSV3 alone', [{ opcode: 1, reserved: 1 }]],
  ])('fails with 1002: %s', async (_, frames) => {
    for (const chunks of everySplit(frame(role, ...frames))) {
      expect(await hear(connect(role), chunks)).toEqual(['failure 1002'])
    }
  })

  it('fails with 1002 when nothing has been negotiated', async () => {
    expect(await hear(connectWith(role, null), [frame(role, deflated(hello))])).toEqual(['failure 1002'])
  })

  it('is each message’s own: plain and compressed ones alternate', async () => {
    const frames: FrameParts[] = [
      { opcode: 1, payload: 'plain' },
      deflated(hello),
      { opcode: 2, payload: 'fragmented', final: false },
      { opcode: 0, payload: ' and plain' },
      deflated(hex('f2 00 11 00 00'), { opcode: 2 }),
    ]
    for (const chunks of everySplit(frame(role, ...frames))) {
      expect(await hear(connect(role), chunks)).toEqual([
        'text plain',
        'text Hello',
        `binary ${Buffer.from('fragmented and plain').toString('hex')}`,
        `binary ${Buffer.from('Hello').toString('hex')}`,
      ])
    }
  })
})

describe.each(roles)('fragments of compressed messages, as %s', (role) => {
  it('may be empty, cut anywhere, and have control frames between them (§6.1)', async () => {
    const payload = compressed('héllo, wörld ☃')
    for (let cut = 0; cut <= payload.length; cut++) {
      const connection = connect(role)
      const frames = [
        deflated(payload.subarray(0, cut), { final: false }),
        { opcode: 9, payload: 'a' },
        { opcode: 0, final: false },
        { opcode: 9, payload: 'b' },
        { opcode: 0, payload: payload.subarray(cut) },
        deflated(compressed('next')),
        { opcode: 8, payload: hex('03 e8') },
      ]
      expect(await hear(connection, [frame(role, ...frames)])).toEqual([
        'ping 61',
        'ping 62',
        'text héllo, wörld ☃',
        'text next',
        'close 1000',
      ])
      expect(describeFrames(concat(...connection.takeOutput()))).toEqual(['pong 61', 'pong 62', 'close 1000'])
    }
  })

  it('are inflated as they arrive: a text fails at the first wrong byte', async () => {
    const wrong = compressed(concat(utf8('fine so far '.repeat(50)), hex('c3 28')))
    const connection = connect(role)
    const bytes = frame(role, deflated(concat(wrong, new Uint8Array(1000)), { final: false }))
    const events: string[] = []
    let used = 0
    for (const byte of bytes) {
      used++
      events.push(...(await hear(connection, [Uint8Array.of(byte)])))
      if (events.length > 0) break
    }
    expect(events).toEqual(['failure 1007'])
    expect(used).toBeLessThan(bytes.length - 900)
  })

  it('close within a message, and fail within one, free the streams', async () => {
    const before = zlibStreams()
    for (const end of [
      { opcode: 8, payload: hex('03 e8') },
      { opcode: 0, payload: hex('ff ff ff ff') },
      { opcode: 1, payload: 'a new message' },
    ]) {
      const connection = connect(role)
      const open = deflated(compressed('x'.repeat(100)).subarray(0, 5), { final: false })
      const [event] = await hear(connection, [frame(role, open, end)])
      expect(event).toMatch(/^(close 1000|failure 100[27])$/)
      const { open: streams, idle } = zlibStreams()
      expect(streams).toBe(idle)
      expect(idle).toBeLessThanOrEqual(before.idle + 2)
    }
  })
})

describe.each(roles)('what is wrong with the data, as %s', (role) => {
  it.each<[string, FrameParts]>([
    ['no DEFLATE', deflated(hex('ff ff ff ff'))],
    ['a reserved kind of block', deflated(hex('07'))],
    ['a length and its complement that differ', deflated(hex('00 05 00 00 00 48 65 6c 6c 6f 00'))],
    ['a distance beyond what there was', deflated(hex('f2 00 11 00 00'))],
    ['wrong UTF-8', deflated(compressed(hex('48 ff 48')))],
    ['a text that ends within a character', deflated(compressed(hex('48 e2 98')))],
  ])('fails with 1007: %s', async (_, wrong) => {
    for (const chunks of everySplit(frame(role, wrong))) {
      const connection = connect(role)
      expect(await hear(connection, chunks)).toEqual(['failure 1007'])
      expect(describeFrames(concat(...connection.takeOutput()))[0]).toMatch(/^close 1007/)
    }
  })

  it('does not look for UTF-8 in binary messages, nor in what is still compressed', async () => {
    const bytes = Uint8Array.from({ length: 256 }, (_, index) => index)
    expect(await hear(connect(role), [frame(role, deflated(compressed(bytes), { opcode: 2 }))])).toEqual([
      `binary ${Buffer.from(bytes).toString('hex')}`,
    ])
  })

  it('any bytes at all: it never throws, and says 1007 or nothing', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), fc.boolean(), async (payload, final) => {
        const events = await hear(connect(role), [frame(role, deflated(payload, { opcode: 2, final }))])
        for (const event of events) expect(event).toMatch(/^(binary|failure 1007)/)
      }),
      { numRuns: 300 },
    )
  })
})

describe.each(roles)('limits, as %s (R17, R22)', (role) => {
  const limits = { maxMessageBytes: 100_000, maxFrameBytes: 100_000 }

  it('passes a message of the limit, however it is compressed, and fails with 1009 one byte later', async () => {
    const random = Buffer.alloc(limits.maxMessageBytes)
    for (let index = 0; index < random.length; index++) random[index] = (index * index * 31) ^ (index >> 3)
    const stored = zlib.deflateRawSync(random, { level: 0, finishFlush: zlib.constants.Z_SYNC_FLUSH })
    for (const payload of [compressed(random), compressed(Buffer.alloc(100_000)), stored.subarray(0, -4)]) {
      const [event] = await hear(connect(role, limits), [frame(role, deflated(payload, { opcode: 2 }))])
      expect(event).toHaveLength('binary '.length + 200_000)
    }
    const more = frame(role, deflated(compressed(Buffer.alloc(100_001)), { opcode: 2 }))
    expect(await hear(connect(role, limits), [more])).toEqual(['failure 1009'])
  })

  it('stops a bomb as soon as it is over the limit, without inflating the rest', async () => {
    const bomb = compressed(Buffer.alloc(64 * 1024 * 1024))
    const counted = new CountingCompression(agreed(role, {}))
    const connection = connectWith(role, counted, limits)
    expect(await hear(connection, [frame(role, deflated(bomb, { opcode: 2 }))])).toEqual(['failure 1009'])
    expect(counted.inflatedBytes).toBeGreaterThan(limits.maxMessageBytes)
    expect(counted.inflatedBytes).toBeLessThanOrEqual(limits.maxMessageBytes + 64 * 1024)
    expect(describeFrames(concat(...connection.takeOutput()))[0]).toMatch(/^close 1009/)
  })

  it('counts over all fragments', async () => {
    const part = compressed(Buffer.alloc(40_000))
    const frames = [
      deflated(concat(part, hex('00 00 ff ff')), { opcode: 2, final: false }),
      { opcode: 0, final: false, payload: concat(part, hex('00 00 ff ff')) },
      { opcode: 0, payload: part },
    ]
    expect(await hear(connect(role, limits), [frame(role, ...frames)])).toEqual(['failure 1009'])
  })

  it('bounds what has nothing in it: empty blocks without end, frames that declare too much', async () => {
    const nothing = concat(...Array<Uint8Array>(20_000).fill(hex('00 00 00 ff ff')))
    const frames = [
      deflated(nothing, { opcode: 2, final: false }),
      { opcode: 0, final: false, payload: nothing },
    ]
    const events = await hear(connect(role, { ...limits, maxFrameBytes: 200_000 }), [frame(role, ...frames)])
    expect(events).toEqual(['failure 1009'])
    const declared = peerFrame(role, deflated(hex(''), { declaredBytes: 120_000n }))
    expect(await hear(connect(role, limits), [declared])).toEqual(['failure 1009'])
  })
})

describe.each(roles)('taking turns, as %s', (role) => {
  it('keeps everything in its place behind a message that waits, except pings and pongs', () => {
    const stream = new ManualStream()
    const connection = connectWith(role, { ...manual(stream), thresholdBytes: 3 })
    connection.send('text', [utf8('one')])
    stream.mayPull = false
    connection.send('text', [utf8('two'), utf8('2')])
    connection.send('text', [utf8('ok')])
    connection.sendFragment('binary', utf8('ab'), false)
    connection.sendFragment('binary', utf8('cd'), true)
    connection.ping(utf8('?'))
    connection.send('text', [utf8('three')])
    connection.close(1000)
    expect(() => connection.send('text', [])).toThrow(/closing/)
    expect(connection.deflatingBytes).toBe(4 + 2 + 4 + 5 + 2)
    expect(connection).toMatchObject({ closeExpected: false, shouldEnd: false })
    connection.deflate()
    expect(kinds(connection)).toEqual(['text', 'ping'])
    stream.mayPull = true
    connection.deflate()
    expect(connection.deflatingBytes).toBe(0)
    expect(connection.closeExpected).toBe(true)
    expect(kinds(connection)).toEqual(['text', 'text', 'part of binary', 'continuation', 'text', 'close'])
    expect(stream.log).toEqual(['one', 'end', 'two', '2', 'end', 'three', 'end', 'close'])
  })

  it('hands up nothing out of its place while a message waits to be inflated', () => {
    const stream = new ManualStream()
    const connection = connectWith(role, manual(stream))
    stream.mayPull = false
    connection.receive(
      frame(role, deflated(utf8('first'), { final: false }), { opcode: 9 }, { opcode: 0, payload: ' part' }),
    )
    expect(drain(connection)).toEqual([])
    expect(connection).toMatchObject({ isInflating: true, hasInput: true })
    connection.receive(frame(role, { opcode: 1, payload: 'plain' }, { opcode: 8 }))
    expect(drain(connection)).toEqual([])
    stream.mayPull = true
    expect(drain(connection)).toEqual(['ping', 'text first part', 'text plain', 'close 1005'])
    expect(connection.isInflating).toBe(false)
  })

  it('drops what waits when the connection is gone', () => {
    const stream = new ManualStream()
    const connection = connectWith(role, manual(stream))
    stream.mayPull = false
    connection.send('text', [utf8('never')])
    connection.receive(frame(role, deflated(utf8('neither'))))
    expect(drain(connection)).toEqual([])
    connection.release()
    connection.release()
    stream.mayPull = true
    connection.deflate()
    expect(drain(connection)).toEqual([])
    expect(connection.takeOutput()).toEqual([])
    expect(connection).toMatchObject({ deflatingBytes: 0, isInflating: false, isOpen: false })
  })

  it('sends what waits, then the answer to the peer’s close', () => {
    const stream = new ManualStream()
    const connection = connectWith(role, manual(stream))
    stream.mayPull = false
    connection.send('text', [utf8('first')])
    connection.receive(frame(role, { opcode: 8, payload: hex('03 e8') }))
    expect(drain(connection)).toEqual(['close 1000'])
    expect(connection.shouldEnd).toBe(false)
    stream.mayPull = true
    connection.deflate()
    expect(kinds(connection)).toEqual(['text', 'close'])
    expect(connection.shouldEnd).toBe(role === 'server')
  })

  function kinds(connection: Connection): string[] {
    const frames = describeFrames(concat(...connection.takeOutput()))
    return frames.map((seen) =>
      seen.replace(/ [^ ]*$/, '').replace(/^(text|ping|close|continuation).*/s, '$1'),
    )
  }
})

describe('a client and a server in memory', () => {
  const bits = fc.integer({ min: 8, max: 15 })
  const preferences: fc.Arbitrary<DeflateParameters> = fc.record({
    serverNoContextTakeover: fc.boolean(),
    clientNoContextTakeover: fc.boolean(),
    serverMaxWindowBits: bits,
    clientMaxWindowBits: bits,
  })
  const settings = fc.record({
    level: fc.integer({ min: 0, max: 9 }),
    memLevel: fc.integer({ min: 1, max: 9 }),
    thresholdBytes: fc.constantFrom(0, 64, 1024),
  })
  const word = fc.constantFrom('parley ', 'héllo ', '☃', '{"id":', '0123456789', '\u{1f600}', 'x'.repeat(300))
  const message = fc.oneof(
    fc.record({
      text: fc.constant(true),
      bytes: fc.array(word, { maxLength: 200 }).map((words) => utf8(words.join(''))),
    }),
    fc.record({ text: fc.constant(false), bytes: fc.uint8Array({ maxLength: 5000 }) }),
  )

  it('pass any messages both ways, with any parameters, cut anywhere', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.tuple(preferences, preferences, settings, settings),
        fc.array(fc.tuple(fc.constantFrom(...roles), message), { maxLength: 12 }),
        fc.array(fc.integer({ min: 1, max: 3000 }), { minLength: 1, maxLength: 5 }),
        async ([clientWants, serverWants, clientSettings, serverSettings], messages, cuts) => {
          const offer = new Deflate({ ...clientWants, ...clientSettings }).offer()
          const offeredExtensions = parseExtensions(offer.text) ?? []
          const accepted = new Deflate({ ...serverWants, ...serverSettings }).accept({
            key: '',
            offeredSubprotocols: [],
            offeredExtensions,
          })
          const answered = offer.check(accepted?.text ?? '')
          if (accepted === null || answered === null || typeof answered === 'string')
            throw new Error('no agreement')
          const client = connectWith('client', answered.compression)
          const server = connectWith('server', accepted.compression)
          const heard = { client: [] as string[], server: [] as string[] }
          const expected = { client: [] as string[], server: [] as string[] }
          for (const [from, { text, bytes }] of messages) {
            const [sender, receiver] = from === 'client' ? [client, server] : [server, client]
            const to = from === 'client' ? 'server' : 'client'
            sender.send(text ? 'text' : 'binary', [bytes.subarray(0, 7), bytes.subarray(7)])
            await finish(sender)
            const wire = concat(...sender.takeOutput())
            heard[to].push(...(await hear(receiver, pieces(wire, cuts))))
            const hexadecimal = Buffer.from(bytes).toString('hex')
            expected[to].push(
              text ? `text ${Buffer.from(bytes).toString()}` : `binary ${hexadecimal}`.trimEnd(),
            )
          }
          expect(heard).toEqual(expected)
          for (const connection of made.splice(0)) connection.release()
        },
      ),
      { numRuns: 60 },
    )
  })

  function* pieces(bytes: Uint8Array, cuts: readonly number[]): Generator<Uint8Array> {
    let offset = 0
    for (let turn = 0; offset < bytes.length; turn++) {
      const end = offset + (cuts[turn % cuts.length] ?? 1)
      yield bytes.subarray(offset, end)
      offset = end
    }
  }
})

/** Both directions in one: it passes bytes on as they are, when it may. */
class ManualStream implements FlateStream {
  mayPull = true
  readonly log: string[] = []
  #waiting: Uint8Array | null = null

  get pending(): boolean {
    return this.#waiting !== null
  }

  push(bytes: Uint8Array, flush: boolean): void {
    // What a compressor ends with.
    this.#waiting = flush ? concat(bytes, hex('00 00 ff ff')) : bytes
    this.log.push(Buffer.from(bytes).toString())
  }

  pull(): Uint8Array | 'not now' {
    if (!this.mayPull || this.#waiting === null) return 'not now'
    const bytes = this.#waiting
    this.#waiting = null
    return bytes
  }

  endMessage(): void {
    this.log.push('end')
  }

  forgetContext(): void {
    this.log.push('forget')
  }

  close(): void {
    if (this.log.at(-1) !== 'close') this.log.push('close')
  }
}

/** Nothing is really compressed. */
function manual(stream: ManualStream): Compression {
  return {
    deflater: stream,
    inflater: new PlainInflater(stream),
    thresholdBytes: 0,
    sendingWindowBits: 15,
  }
}

/** As its stream is, without the end that a compressor adds. */
class PlainInflater extends ManualStream {
  readonly #stream: ManualStream

  constructor(stream: ManualStream) {
    super()
    this.#stream = stream
  }

  override push(bytes: Uint8Array): void {
    super.push(bytes.length === 4 && bytes[2] === 0xff ? new Uint8Array(0) : bytes, false)
  }

  override pull(): Uint8Array | 'not now' {
    this.mayPull = this.#stream.mayPull
    return super.pull()
  }
}

/** Counts what is really inflated. */
class CountingCompression implements Compression {
  readonly deflater: FlateStream
  readonly inflater: FlateStream
  readonly thresholdBytes = 0
  readonly sendingWindowBits = 15
  inflatedBytes = 0

  constructor({ deflater, inflater }: Compression) {
    this.deflater = deflater
    const pull = inflater.pull.bind(inflater)
    inflater.pull = () => {
      const piece = pull()
      if (typeof piece !== 'string') this.inflatedBytes += piece.length
      return piece
    }
    this.inflater = inflater
  }
}
