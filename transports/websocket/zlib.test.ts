// Raw DEFLATE in pieces, streams that are used again, and turns.
import zlib from 'node:zlib'
import { describe, expect, it, vi } from 'vitest'
import { Deflate } from './deflate.node.ts'
import { UsageError } from './protocol/errors.ts'
import { keepPiece } from './protocol/flate.ts'
import { compressor, decompressor, giveZlib, takeZlib, ZlibStream, zlibStreams } from './zlib.node.ts'
import { type TurnTaker, ZlibTurns } from './zlib-turns.node.ts'

function run(stream: ZlibStream, bytes: Uint8Array, flush = true): Buffer {
  const pieces: Uint8Array[] = []
  stream.push(bytes, flush)
  while (stream.pending) {
    const piece = stream.pull()
    if (piece === 'corrupt') throw new Error('corrupt')
    pieces.push(keepPiece(piece))
  }
  return Buffer.concat(pieces)
}

/** Text that refers back as far as it may. */
function chatter(length: number): Buffer {
  let text = ''
  for (let index = 0; text.length < length; index++) text += `message ${(index * 7919) % 1013} of ${index}; `
  return Buffer.from(text.slice(0, length))
}

describe('a stream', () => {
  it('gives back what went in, at every size around its buffers', () => {
    const compress = new ZlibStream(compressor(15, 6, 8))
    const inflate = new ZlibStream(decompressor(15))
    for (const size of [1, 100, 32_767, 32_768, 32_769, 65_535, 65_536, 65_537, 131_072, 1_000_000]) {
      for (const payload of [chatter(size), Buffer.alloc(size, 7)]) {
        expect(run(inflate, run(compress, payload)).equals(payload)).toBe(true)
      }
    }
    compress.close()
    inflate.close()
  })

  it('does not overwrite a piece that may be kept', () => {
    const inflate = new ZlibStream(decompressor(15))
    const payload = Buffer.alloc(200_000, 1)
    inflate.push(zlib.deflateRawSync(payload, { finishFlush: zlib.constants.Z_SYNC_FLUSH }), true)
    const first = inflate.pull() as Uint8Array
    expect(keepPiece(first)).toBe(first)
    while (inflate.pending) inflate.pull()
    run(inflate, zlib.deflateRawSync(Buffer.alloc(200_000, 2), { finishFlush: zlib.constants.Z_SYNC_FLUSH }))
    expect(first.every((byte) => byte === 1)).toBe(true)
    inflate.close()
  })

  it('knows when its input is no DEFLATE', () => {
    const inflate = new ZlibStream(decompressor(15))
    inflate.push(Uint8Array.of(0xff), true)
    expect(inflate.pull()).toBe('corrupt')
    expect(inflate).toMatchObject({ isBroken: true, pending: false })
    inflate.close()
  })
})

describe('RFC 7692 §7.1.2 windows', () => {
  /** Byte by byte, so that nothing can be read but what the window holds. */
  function readableWithin(windowBits: number, compressed: Buffer): boolean {
    const inflate = new ZlibStream({ compress: false, windowBits, level: 0, memLevel: 0 })
    try {
      for (const byte of compressed) run(inflate, Uint8Array.of(byte))
      return true
    } catch {
      return false
    } finally {
      inflate.close()
    }
  }

  it('a peer with a window of 256 bytes can read what zlib compresses with 512', () => {
    for (const level of [1, 6, 9]) {
      for (const size of [1000, 20_000]) {
        const compress = new ZlibStream(compressor(8, level, 8))
        const wider = new ZlibStream(compressor(10, level, 8))
        expect(readableWithin(8, run(compress, chatter(size)))).toBe(true)
        expect(readableWithin(8, run(wider, chatter(size)))).toBe(false)
        compress.close()
        wider.close()
      }
    }
  })

  it('takes no options that zlib does not have', () => {
    for (const options of [
      { level: 10 },
      { level: 1.5 },
      { memLevel: 0 },
      { serverMaxWindowBits: 7 },
      { clientMaxWindowBits: 16 },
    ]) {
      expect(() => new Deflate(options)).toThrow(UsageError)
    }
  })
})

describe('streams that nobody uses', () => {
  it('are used again from nothing, and at most four of a kind are kept', () => {
    const kind = compressor(11, 5, 3)
    const before = zlibStreams()
    const streams = Array.from({ length: 10 }, () => takeZlib(kind))
    expect(zlibStreams()).toEqual({ open: before.open + 10, idle: before.idle })
    const [first] = streams.map((stream) => run(stream, chatter(500)))
    // One of them in the middle of something.
    streams[1]?.push(chatter(500), false)
    for (const stream of streams) giveZlib(stream)
    expect(zlibStreams()).toEqual({ open: before.open + 4, idle: before.idle + 4 })
    for (let count = 0; count < 4; count++) expect(run(takeZlib(kind), chatter(500))).toEqual(first)
    expect(zlibStreams()).toEqual({ open: before.open + 4, idle: before.idle })
  })

  it('are freed, handle and all, when they are broken', () => {
    const create = vi.spyOn(zlib, 'createInflateRaw')
    const stream = takeZlib(decompressor(13))
    stream.push(Uint8Array.of(0xff), true)
    stream.pull()
    const before = zlibStreams()
    giveZlib(stream)
    expect(zlibStreams()).toEqual({ open: before.open - 1, idle: before.idle })
    expect(create.mock.results[0]?.value).toMatchObject({ destroyed: true, _handle: null })
    create.mockRestore()
  })
})

describe('turns', () => {
  const nextTurn = () => new Promise((resolve) => setImmediate(resolve))

  it('come to those that wait first, each in its order, as far as there is room', async () => {
    const turns = new ZlibTurns()
    const log: string[] = []
    const taker = (name: string, cost: number, again = 0): TurnTaker => {
      let left = again
      return {
        onTurn() {
          log.push(name)
          turns.spend(cost)
          if (left-- > 0) turns.wait(this)
        },
      }
    }
    expect(turns.isOpen).toBe(true)
    turns.spend(1e9)
    expect(turns.isOpen).toBe(false)
    turns.wait(taker('big', 1e9, 1))
    turns.wait(taker('small', 1))
    turns.wait(taker('other', 1))
    await nextTurn()
    expect(log).toEqual(['big'])
    await nextTurn()
    expect(log).toEqual(['big', 'small', 'other', 'big'])
    await nextTurn()
    await nextTurn()
    expect(log).toHaveLength(4)
    expect(turns.isOpen).toBe(true)
  })

  it('come to the others when one throws in its own', async () => {
    const turns = new ZlibTurns()
    const log: string[] = []
    const faults: unknown[] = []
    const told = process.listeners('uncaughtException')
    process.removeAllListeners('uncaughtException')
    process.on('uncaughtException', (fault) => faults.push(fault))
    try {
      turns.wait({
        onTurn() {
          throw new Error('a fault of the application')
        },
      })
      turns.wait({ onTurn: () => void log.push('other') })
      await nextTurn()
      await nextTurn()
    } finally {
      process.removeAllListeners('uncaughtException')
      for (const listener of told) process.on('uncaughtException', listener)
    }
    expect(faults).toHaveLength(1)
    expect(log).toEqual(['other'])
  })
})
