// permessage-deflate on real sockets: both our halves, what is freed, order, and frames that are shared.
import { createServer, type Server, type Socket } from 'node:net'
import fc from 'fast-check'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { Acceptor, BareAcceptor } from './accept.node.ts'
import { Deflate, type DeflateOptions } from './deflate.node.ts'
import { DialError, type DialOptions, dial } from './dial.node.ts'
import { createEchoServer } from './echo.node.ts'
import { NodeWebSocket } from './node-websocket.node.ts'
import { frameArena, nodePrimitives } from './primitives.node.ts'
import { connectionSettings } from './protocol/connection.ts'
import { UsageError } from './protocol/errors.ts'
import { defaultLimits } from './protocol/limits.ts'
import { describeFrames, peerFrame } from './protocol/testing.ts'
import { SharedFrames } from './shared-frames.node.ts'
import { MessageSocket } from './socket.node.ts'
import type { SocketSettings } from './socket-handler.ts'
import { listen, ManualClock, ManualWire, Notes, tick } from './testing.node.ts'
import { zlibStreams } from './zlib.node.ts'
import { zlibTurns } from './zlib-turns.node.ts'

const clean: (() => void)[] = []
afterEach(async () => {
  for (const each of clean.splice(0).reverse()) each()
  // No test leaves a stream behind, once its sockets have closed.
  while (zlibStreams().open > zlibStreams().idle) await tick()
})

async function start(server: Server): Promise<string> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket) => sockets.add(socket))
  clean.push(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return `ws://127.0.0.1:${await listen(server)}/`
}

/** A server whose sockets are in the test's hands. */
async function serve(deflate: DeflateOptions | null) {
  const notes = new Notes<null>()
  const opened: MessageSocket<null>[] = []
  const acceptor = new BareAcceptor<null>({
    handler: notes,
    subprotocols: 'any',
    deflate,
    admit: () => ({ context: null }),
    opened: (socket) => opened.push(socket),
  })
  const url = await start(createServer((socket) => acceptor.take(socket)))
  return { notes, opened, url }
}

async function connect(url: string, options: Partial<DialOptions<null>> = {}) {
  const notes = new Notes<null>()
  const socket = await dial<null>(url, { handler: notes, context: null, ...options })
  clean.push(() => socket.terminate())
  return { notes, socket }
}

/** What has come over the wire. */
function bytesRead(socket: MessageSocket<null>): number {
  return (socket.duplex as Socket).bytesRead
}

const everything: DeflateOptions = { thresholdBytes: 0 }
const json = JSON.stringify(
  Array.from({ length: 30 }, (_, id) => ({ id, user: 'ada', text: 'hello, world' })),
)

describe('the option', () => {
  it('is off on either side unless it is asked for', async () => {
    const [off, on] = [await serve(null), await serve({})]
    for (const [url, deflate, extensions] of [
      [off.url, {}, ''],
      [on.url, null, ''],
      [on.url, {}, 'permessage-deflate'],
      [
        on.url,
        { serverNoContextTakeover: true, serverMaxWindowBits: 10 },
        'permessage-deflate; server_no_context_takeover; server_max_window_bits=10',
      ],
    ] as const) {
      const { socket } = await connect(url, { deflate })
      expect(socket.extensions).toBe(extensions)
    }
    expect([...off.opened, ...on.opened].map((socket) => socket.extensions)).toEqual([
      '',
      '',
      'permessage-deflate',
      'permessage-deflate; server_no_context_takeover; server_max_window_bits=10',
    ])
  })

  it('compresses from its threshold on, both ways', async () => {
    const { url, opened, notes } = await serve({ thresholdBytes: 100 })
    const { socket, notes: heard } = await connect(url, { deflate: { thresholdBytes: 100 } })
    const before = bytesRead(socket)
    opened[0]?.send('x'.repeat(99))
    opened[0]?.send('x'.repeat(100_000))
    await heard.until(() => heard.messages.length === 2)
    expect(heard.messages).toEqual(['x'.repeat(99), 'x'.repeat(100_000)])
    expect(bytesRead(socket) - before).toBeLessThan(500)
    socket.send('y'.repeat(100_000))
    await notes.until(() => notes.messages.length === 1)
    expect((socket.duplex as Socket).bytesWritten).toBeLessThan(1000)
  })

  it('fails to open when the server answers what was not offered (RFC 7692 §7.1)', async () => {
    let answer = ''
    const server = createServer((socket) => {
      socket.once('data', async (request: Buffer) => {
        const key = /key: (.*)\r/i.exec(request.toString())?.[1] ?? ''
        const { acceptValue } = await import('./protocol/handshake.ts')
        const { sha1Base64 } = await import('./primitives.node.ts')
        socket.write(
          `HTTP/1.1 101 OK\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${acceptValue(key, sha1Base64)}\r\nSec-WebSocket-Extensions: ${answer}\r\n\r\n`,
        )
      })
    })
    const url = await start(server)
    for (const [sent, message] of [
      ['permessage-deflate; client_max_window_bits=7', /value/],
      ['permessage-deflate; server_max_window_bits=15; extra', /unknown/],
      ['permessage-foo', /not offered/],
    ] as const) {
      answer = sent
      await expect(connect(url, { deflate: {} })).rejects.toThrow(message)
      await expect(connect(url, { deflate: {} })).rejects.toThrow(DialError)
      await expect(connect(url)).rejects.toThrow(/not offered/)
    }
    expect(zlibStreams().open).toBe(zlibStreams().idle)
  })

  it('is told by the browser’s interface', async () => {
    const { url } = await serve({})
    const socket = new NodeWebSocket(url, [], { deflate: {} })
    expect(socket.extensions).toBe('')
    await new Promise<void>((resolve) => {
      socket.onopen = resolve
    })
    expect(socket.extensions).toBe('permessage-deflate')
    socket.socket?.terminate()
  })
})

describe('what is held (R22)', () => {
  it('is freed with the connection, however and whenever it ends', async () => {
    const { url, opened, notes } = await serve(everything)
    const endings: ((client: MessageSocket<null>, server: MessageSocket<null>) => void)[] = [
      (client) => client.close(),
      (_, server) => server.close(1001),
      (client) => client.terminate(),
      (_, server) => server.terminate(),
      (client) => client.duplex.end(),
      // In the middle of a message.
      (client) => {
        client.duplex.write(Buffer.from([0x41, 0x83, 0, 0, 0, 0, 0xf2, 0x48, 0xcd]))
        setImmediate(() => client.terminate())
      },
      // No DEFLATE.
      (client) => client.duplex.write(Buffer.from([0xc1, 0x81, 0, 0, 0, 0, 0xff])),
      // While much is still to be compressed.
      (client) => {
        client.send(Buffer.alloc(4 * 1024 * 1024, json))
        client.terminate()
      },
      (_, server) => {
        server.send(Buffer.alloc(4 * 1024 * 1024, json))
        setImmediate(() => server.terminate())
      },
    ]
    for (let round = 0; round < 5; round++) {
      for (const end of endings) {
        const { socket, notes: heard } = await connect(url, { deflate: everything })
        const server = opened.pop() as MessageSocket<null>
        const before = notes.messages.length
        socket.send(json)
        server.send(json)
        await heard.until(() => heard.messages.length === 1)
        await notes.until(() => notes.messages.length === before + 1)
        const { open, idle } = zlibStreams()
        expect(open - idle).toBe(4)
        const ended = notes.ends.length
        end(socket, server)
        await notes.until(() => notes.ends.length === ended + 1)
        await heard.until(() => heard.ends.length === 1)
        expect(zlibStreams().open).toBe(zlibStreams().idle)
      }
    }
    expect(zlibStreams().idle).toBeLessThanOrEqual(8)
  })

  it('is nothing between messages without context takeover, and nothing before the first', async () => {
    const { url, opened, notes } = await serve({
      ...everything,
      serverNoContextTakeover: true,
      clientNoContextTakeover: true,
    })
    const clients = await Promise.all(Array.from({ length: 20 }, () => connect(url, { deflate: everything })))
    for (const { socket } of clients) socket.send(json)
    for (const socket of opened) socket.send(json)
    for (const { notes: heard } of clients) await heard.until(() => heard.messages.length === 1)
    await notes.until(() => notes.messages.length === 20)
    expect(zlibStreams().open).toBe(zlibStreams().idle)
    const first = await connect((await serve(everything)).url, { deflate: everything })
    expect(first.socket.extensions).toBe('permessage-deflate')
    expect(zlibStreams().open).toBe(zlibStreams().idle)
  })

  it('has a bound on contexts, beyond which streams are shared', async () => {
    const { url, opened } = await serve({ maxContexts: 3 })
    const [first, second, third] = [
      await connect(url, { deflate: { maxContexts: 100 } }),
      await connect(url, { deflate: { maxContexts: 100 } }),
      await connect(url, { deflate: { maxContexts: 100 } }),
    ]
    // Both sides of all three live in this process: two contexts on each side of the first.
    const shared = 'permessage-deflate; server_no_context_takeover; client_no_context_takeover'
    expect(opened.map((socket) => socket.extensions)).toEqual(['permessage-deflate', shared, shared])
    for (const { socket, notes } of [first, second, third]) {
      socket.close()
      await notes.until(() => notes.ends.length === 1)
    }
    const again = await connect(url, { deflate: {} })
    expect(again.socket.extensions).toBe('permessage-deflate')
  })

  it('gives contexts back when the answer cannot be written', async () => {
    const handler = new Notes<null>()
    const acceptor = new Acceptor<null>({ handler, subprotocols: 'any', deflate: { maxContexts: 100 } })
    const handshake = {
      key: 'dGhlIHNhbXBsZSBub25jZQ==',
      offeredSubprotocols: [],
      offeredExtensions: [{ name: 'permessage-deflate', parameters: [] }],
    }
    const open = (headers: Record<string, string>): MessageSocket<null> =>
      acceptor.open(new ManualWire(), handshake, new Uint8Array(0), null, headers)
    for (let count = 0; count < 50; count++)
      expect(() => open({ 'x-room': 'two\r\nlines' })).toThrow(UsageError)
    const socket = open({ 'x-room': 'one line' })
    expect(socket.extensions).toBe('permessage-deflate')
    socket.terminate()
    await tick()
  })
})

describe('order', () => {
  it('holds for messages of every size, and the close comes last', async () => {
    const url = await start(createEchoServer({ broadcast: false, compress: true }))
    const limits = { maxMessageBytes: 2 ** 24, maxFrameBytes: 2 ** 24 }
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom(0, 1, 100, 5000, 60_000, 300_000, 1_500_000), {
          minLength: 1,
          maxLength: 12,
        }),
        async (sizes) => {
          const { socket, notes } = await connect(url, { deflate: { thresholdBytes: 50 }, limits })
          for (const [index, size] of sizes.entries()) socket.send(`${index} `.repeat(size).slice(0, size))
          await notes.until(() => notes.messages.length === sizes.length)
          expect(notes.messages.map((each) => each.length)).toEqual(sizes)
          for (const [index, size] of sizes.entries()) {
            expect(notes.messages[index] === `${index} `.repeat(size).slice(0, size)).toBe(true)
          }
          socket.close()
          await notes.until(() => notes.ends.length === 1)
          expect(notes.ends).toMatchObject([{ code: 1000, wasClean: true }])
        },
      ),
      { numRuns: 10 },
    )
  })

  it('sends all that it was given before it closes', async () => {
    const { url, opened } = await serve(everything)
    const limits = { maxMessageBytes: 2 ** 24, maxFrameBytes: 2 ** 24 }
    const { notes } = await connect(url, { deflate: everything, limits })
    const [server] = opened
    for (let count = 0; count < 5; count++) server?.send('z'.repeat(2_000_000))
    server?.close(1001, 'enough')
    await notes.until(() => notes.ends.length === 1)
    expect(notes.messages.map((each) => each.length)).toEqual(Array(5).fill(2_000_000))
    expect(notes.ends).toMatchObject([{ code: 1001, reason: 'enough', wasClean: true }])
  })

  it('lets others in while a big message is compressed and inflated', async () => {
    const url = await start(createEchoServer({ broadcast: false, compress: true }))
    const limits = { maxMessageBytes: 2 ** 26, maxFrameBytes: 2 ** 26 }
    const big = await connect(url, { deflate: everything, limits })
    const small = await connect(url, { deflate: everything })
    let echoes = 0
    small.notes.message = (socket) => {
      echoes++
      socket.send('again')
    }
    small.socket.send('first')
    big.socket.send('big '.repeat(4_000_000))
    await big.notes.until(() => big.notes.messages.length === 1)
    expect(echoes).toBeGreaterThan(20)
  })
})

describe('waiting for a turn', () => {
  it('tells the sender to wait, counts what is not compressed yet, and says when to go on', async () => {
    const { url, opened, notes } = await serve(everything)
    const { notes: heard } = await connect(url, { deflate: everything })
    const server = opened[0] as MessageSocket<null>
    let left = Number.NaN
    notes.drained = () => {
      left = server.bufferedBytes
    }
    expect(server.send(Buffer.alloc(900_000, json))).toBe(false)
    expect(server.send(Buffer.alloc(100_000, json))).toBe(false)
    expect(server.bufferedBytes).toBeGreaterThanOrEqual(1_000_000)
    await heard.until(() => heard.messages.length === 2)
    expect(left).toBe(0)
    expect(server.send('more')).toBe(true)
  })

  it('reads nothing meanwhile, whatever the application resumes, and is cut in the midst of it', async () => {
    for (const cut of [false, true]) {
      const wire = new ManualWire()
      const notes = new Notes<null>()
      const settings: SocketSettings<null> = {
        connection: connectionSettings('server', defaultLimits, nodePrimitives, frameArena),
        handler: notes,
        closeTimeoutMs: 100,
        clock: new ManualClock(),
      }
      const offeredExtensions = [{ name: 'permessage-deflate', parameters: [] }]
      const deflate = new Deflate({}).accept({ key: '', offeredSubprotocols: [], offeredExtensions })
      const socket = new MessageSocket(wire, settings, null, null, new Uint8Array(0), deflate)
      await tick()
      zlibTurns.spend(1e9)
      const hello = Buffer.from('f248cdc9c90700', 'hex')
      wire.push(peerFrame('server', { opcode: 1, reserved: 4, payload: hello }))
      const next = peerFrame('server', { opcode: 1, payload: 'next' })
      await new Promise(process.nextTick)
      expect(wire.isPaused()).toBe(true)
      wire.push(next)
      socket.pause()
      socket.resume()
      await new Promise(process.nextTick)
      expect(wire.isPaused()).toBe(true)
      expect(wire.readableLength).toBe(next.length)
      expect(notes.messages).toEqual([])
      if (cut) socket.terminate()
      await tick()
      expect(notes.messages).toEqual(cut ? [] : ['Hello', 'next'])
      expect(wire.isPaused()).toBe(cut)
      socket.terminate()
    }
  })
})

describe('an application that pauses while a message waits to be inflated', () => {
  it('takes no turns until it resumes', async () => {
    const wire = new ManualWire()
    const notes = new Notes<null>()
    const settings: SocketSettings<null> = {
      connection: connectionSettings('server', defaultLimits, nodePrimitives, frameArena),
      handler: notes,
      closeTimeoutMs: 100,
      clock: new ManualClock(),
    }
    const offeredExtensions = [{ name: 'permessage-deflate', parameters: [] }]
    const deflate = new Deflate({}).accept({ key: '', offeredSubprotocols: [], offeredExtensions })
    const socket = new MessageSocket(wire, settings, null, null, new Uint8Array(0), deflate)
    clean.push(() => socket.terminate())
    await tick()
    zlibTurns.spend(1e9)
    wire.push(peerFrame('server', { opcode: 1, reserved: 4, payload: Buffer.from('f248cdc9c90700', 'hex') }))
    await new Promise(process.nextTick)
    socket.pause()
    await tick()
    const waits = vi.spyOn(zlibTurns, 'wait')
    for (let turn = 0; turn < 5; turn++) await tick()
    expect(waits).toHaveBeenCalledTimes(0)
    waits.mockRestore()
    expect(notes.messages).toEqual([])
    socket.resume()
    await notes.until(() => notes.messages.length === 1)
    expect(notes.messages).toEqual(['Hello'])
    expect(wire.isPaused()).toBe(false)
  })
})

describe('shared frames', () => {
  const messages = [
    { kind: 'text', payload: Buffer.from(json) },
    { kind: 'binary', payload: Buffer.from('short') },
    { kind: 'text', payload: Buffer.from(json) },
  ] as const
  const asHeard = [json, Buffer.from('short').toString('hex'), json]

  it('are made once for each form, and are plain where they are short', () => {
    const before = zlibStreams()
    const shared = new SharedFrames(messages, { thresholdBytes: 100 })
    const plain = shared.bytes(null)
    expect(shared.bytes(null)).toBe(plain)
    expect(describeFrames(plain)).toEqual([`text ${json}`, 'binary 73686f7274', `text ${json}`])
    const compressed = shared.bytes(15)
    expect(shared.bytes(15)).toBe(compressed)
    expect(shared.bytes(9)).not.toBe(compressed)
    expect(compressed.length).toBeLessThan(plain.length / 4)
    expect(new SharedFrames(messages).bytes(15)[0]).toBe(0xc1)
    expect(zlibStreams().open - zlibStreams().idle).toBe(before.open - before.idle)
  })

  it('reach every socket in its form, between messages of its own', async () => {
    const { url, opened } = await serve({ thresholdBytes: 10 })
    const members = []
    for (const deflate of [
      null,
      {},
      { serverNoContextTakeover: true },
      { serverMaxWindowBits: 8 },
      { serverMaxWindowBits: 9, clientNoContextTakeover: true },
    ]) {
      members.push(await connect(url, { deflate }))
    }
    for (let round = 0; round < 3; round++) {
      const shared = new SharedFrames(messages, { thresholdBytes: 10 })
      for (const [index, socket] of opened.entries()) {
        // What refers to earlier messages must not be led astray by what was compressed elsewhere.
        socket.send(`${json} for ${index}`)
        // With something that waits before it, and without.
        if (round > 0) socket.flush()
        expect(socket.writeShared(shared)).toBe(true)
        socket.send(`${json} for ${index}`)
        socket.flush()
      }
    }
    for (const [index, { notes, socket }] of members.entries()) {
      await notes.until(() => notes.messages.length === 15 || notes.ends.length > 0)
      const own = `${json} for ${index}`
      const round = [own, ...asHeard, own]
      expect(notes.messages).toEqual([...round, ...round, ...round])
      const plainBytes = 12 * json.length
      if (index > 0) expect(bytesRead(socket)).toBeLessThan(plainBytes / 3)
      else expect(bytesRead(socket)).toBeGreaterThan(plainBytes)
    }
  })

  it('are what a broadcast with compression sends', async () => {
    const url = await start(createEchoServer({ broadcast: true, compress: true }))
    const compressed = await connect(url, { deflate: { maxContexts: 100 } })
    const plain = await connect(url)
    expect(compressed.socket.extensions).toBe('permessage-deflate; server_no_context_takeover')
    for (let count = 0; count < 3; count++) plain.socket.send(json)
    compressed.socket.send(json)
    for (const { notes } of [compressed, plain]) {
      await notes.until(() => notes.messages.length === 4)
      expect(notes.messages).toEqual([json, json, json, json])
    }
    expect(bytesRead(compressed.socket) * 3).toBeLessThan(bytesRead(plain.socket))
  })
})
