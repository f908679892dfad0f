// What a compressed message is found to be, the same however it arrives: too big, corrupt, not UTF-8, or behind a last block.
import zlib from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { Deflate } from './deflate.node.ts'
import { frameArena, nodePrimitives } from './primitives.node.ts'
import { Connection, connectionSettings } from './protocol/connection.ts'
import { parseExtensions } from './protocol/extensions.ts'
import { defaultLimits } from './protocol/limits.ts'
import { concat, describeFrames, drain, everySplit, peerFrame, utf8 } from './protocol/testing.ts'

const maxMessageBytes = 100

function connect(): Connection {
  const offeredExtensions = parseExtensions('permessage-deflate') ?? []
  const inForce = new Deflate({}).accept({ key: '', offeredSubprotocols: [], offeredExtensions })
  const limits = { ...defaultLimits, maxMessageBytes }
  const settings = connectionSettings('server', limits, nodePrimitives, frameArena)
  return new Connection(settings, inForce?.compression)
}

/** Events and answers of a trace, which must be the same for every split. */
async function hear(trace: Uint8Array): Promise<string[]> {
  let first: string[] | null = null
  for (const chunks of everySplit(trace)) {
    const connection = connect()
    const seen: string[] = []
    for (const chunk of chunks) {
      connection.receive(chunk.slice())
      seen.push(...drain(connection))
      while (connection.isInflating) {
        await new Promise((resolve) => setImmediate(resolve))
        seen.push(...drain(connection))
      }
    }
    seen.push(...describeFrames(concat(...connection.takeOutput())))
    connection.release()
    first ??= seen
    expect(seen, `cut into ${chunks.map((chunk) => chunk.length).join(' ')}`).toEqual(first)
  }
  return first ?? []
}

const compressed = (opcode: number, payload: Uint8Array): Uint8Array =>
  peerFrame('server', { opcode, reserved: 4, payload })

/** Deflated, without its end. */
function deflated(content: Uint8Array, level = 6): Uint8Array {
  const options = { level, strategy: zlib.constants.Z_FIXED, finishFlush: zlib.constants.Z_SYNC_FLUSH }
  return new Uint8Array(zlib.deflateRawSync(content, options))
}

const reservedBlock = Uint8Array.of(0x06)
const letters = (count: number): Uint8Array =>
  new Uint8Array(count).map((_, index) => 97 + ((index * 7) % 26))
const corrupt = ['failure 1007', 'close 1007 a compressed message is corrupt']
const corruptText = ['failure 1007', 'close 1007 a compressed text is corrupt or not UTF-8']
const tooBig = ['failure 1009', 'close 1009 a message is too big when it is inflated']

describe('RFC 6455 §7.1.7 the first fault counts, however the bytes arrive (R14)', () => {
  it.each<[string, number, Uint8Array[], string[]]>([
    ['at the limit and then corrupt', 2, [deflated(letters(100)), reservedBlock], corrupt],
    ['one byte above it and then corrupt', 2, [deflated(letters(101)), reservedBlock], tooBig],
    ['far above it and then corrupt', 2, [deflated(letters(5000)), reservedBlock], tooBig],
    ['corrupt and then too big', 2, [deflated(letters(50)), reservedBlock, deflated(letters(100))], corrupt],
    ['at the limit and then too big', 2, [deflated(letters(100)), deflated(letters(1), 0)], tooBig],
    ['not UTF-8 and then too big', 1, [deflated(Uint8Array.of(0xff)), deflated(letters(200))], corruptText],
    ['too big and then not UTF-8', 1, [deflated(letters(101)), deflated(Uint8Array.of(0xff))], tooBig],
    ['not UTF-8 and then corrupt', 1, [deflated(Uint8Array.of(0xff)), reservedBlock], corruptText],
  ])('%s', async (_, opcode, parts, expected) => {
    expect(await hear(compressed(opcode, concat(...parts)))).toEqual(expected)
  })

  it('lets a message have the limit, and empty blocks behind it', async () => {
    const flushes = concat(...Array.from({ length: 5 }, () => deflated(new Uint8Array(0), 0)))
    const payload = concat(deflated(letters(100)), flushes).subarray(0, -4)
    const text = `text ${new TextDecoder().decode(letters(100))}`
    expect(await hear(concat(compressed(1, payload), compressed(1, payload)))).toEqual([text, text])
  })

  it('finds a symbol that is none right behind the limit', async () => {
    // 100 letters in a fixed code, and behind them the symbols 286, 97 and 286 again.
    for (const behind of ['11000110', '1001000111000110', '10010001110001101']) {
      const literals = Array.from(letters(100), (letter) => (0x30 + letter).toString(2).padStart(8, '0'))
      const bits = `010${literals.join('')}${behind}000`.padEnd(1100, '0')
      const bytes = (bits.match(/.{8}/g) ?? []).map((byte) =>
        Number.parseInt([...byte].reverse().join(''), 2),
      )
      await hear(compressed(2, Uint8Array.from(bytes)))
    }
  })
})

describe('RFC 7692 §7.2.1 a last block without the empty one that has to follow it', () => {
  const hello = new Uint8Array(zlib.deflateRawSync('Hello'))

  it('does not spoil the next message', async () => {
    const twice = concat(compressed(1, hello), compressed(1, hello))
    expect(await hear(twice)).toEqual(['text Hello', 'text Hello'])
    const next = deflated(utf8('Hello')).subarray(0, -4)
    expect(await hear(concat(compressed(1, hello), compressed(1, next)))).toEqual([
      'text Hello',
      'text Hello',
    ])
  })

  it('may end within what the sender has left out', async () => {
    // A block with a fixed code whose end is in the zeros; then in the length of an empty block.
    for (const [start, text] of [
      ['f3', 'text H'],
      ['01', 'text'],
    ] as const) {
      const payload = Uint8Array.from(Buffer.from(start, 'hex'))
      const seen = await hear(concat(compressed(1, payload), compressed(1, hello)))
      expect(seen.map((one) => one.trimEnd())).toEqual([text, 'text Hello'])
    }
  })
})
