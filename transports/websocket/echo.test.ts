// The echo server: as a command, as a broadcaster, and with a client that does not read.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Server, Socket } from 'node:net'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, it } from 'vitest'
import { dial } from './dial.node.ts'
import { createEchoServer } from './echo.node.ts'
import { listen, Notes } from './testing.node.ts'

const clean: (() => void)[] = []
afterEach(() => {
  for (const each of clean.splice(0)) each()
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

const generous = { maxMessageBytes: 2 ** 27, maxFrameBytes: 2 ** 27, maxFragments: 100_000 }

describe('npm run echo', () => {
  /** Runs the command to its end; its output, and its status. */
  async function run(...args: string[]): Promise<{ out: string; error: string; status: number }> {
    const child = echo(...args)
    let out = ''
    let error = ''
    child.stdout.on('data', (chunk) => {
      out += chunk
    })
    child.stderr.on('data', (chunk) => {
      error += chunk
    })
    const [status] = await once(child, 'close')
    return { out, error, status }
  }

  function echo(...args: string[]) {
    const file = fileURLToPath(new URL('echo.node.ts', import.meta.url))
    const child = spawn(process.execPath, [file, ...args])
    clean.push(() => child.kill())
    return child
  }

  it('says how it is used', async () => {
    const { out, status } = await run('--help')
    expect(out).toMatch(/--port N [\s\S]*--broadcast [\s\S]*--compress/)
    expect(status).toBe(0)
  })

  it('says in one line what is wrong, with status 2', async () => {
    const taken = new URL(await start(createEchoServer({ broadcast: false }))).port
    for (const [args, message] of [
      [[], /--port/],
      [['--port', '65536'], /--port/],
      [['--port', 'x'], /--port/],
      [['--port', '0', '--loud'], /--loud/],
      [['--port', '0', 'stray'], /stray/],
      [['--port', taken], /is in use.*--port/],
      [['--port', '0', '--host', '192.0.2.1'], /no address 192\.0\.2\.1.*--host/],
    ] as const) {
      const { out, error, status } = await run(...args)
      expect(error).toMatch(message)
      expect(error.trimEnd().split('\n')).toHaveLength(1)
      expect({ out, status }).toEqual({ out: '', status: 2 })
    }
  })

  it('prints its URL when it is ready, and echoes with any subprotocol, compressed if told so', async () => {
    const child = echo('--port', '0', '--compress')
    const [line] = await once(child.stdout, 'data')
    const notes = new Notes<null>()
    const subprotocols = ['made.up', 'json']
    const socket = await dial(String(line).trim(), {
      handler: notes,
      context: null,
      subprotocols,
      deflate: {},
    })
    expect(socket.subprotocol).toBe('made.up')
    expect(socket.extensions).toBe('permessage-deflate')
    socket.send('hello')
    await notes.until(() => notes.messages.length === 1)
    expect(notes.messages).toEqual(['hello'])
    socket.close()
    await notes.until(() => notes.ends.length === 1)
  })
})

describe('npm run echo -- --compress', () => {
  it('answers compressed where that is offered, whatever the parameters, and plainly elsewhere', async () => {
    const url = await start(createEchoServer({ broadcast: false, compress: true }))
    const text = 'parley '.repeat(1000)
    for (const [deflate, extensions] of [
      [{}, 'permessage-deflate'],
      [
        { serverNoContextTakeover: true, serverMaxWindowBits: 9 },
        'permessage-deflate; server_no_context_takeover; server_max_window_bits=9',
      ],
      [
        { clientNoContextTakeover: true, clientMaxWindowBits: 8 },
        'permessage-deflate; client_no_context_takeover; client_max_window_bits=8',
      ],
      [null, ''],
    ] as const) {
      const notes = new Notes<null>()
      const socket = await dial(url, { handler: notes, context: null, deflate })
      expect(socket.extensions).toBe(extensions)
      const before = (socket.duplex as Socket).bytesRead
      for (let count = 0; count < 10; count++) socket.send(text)
      socket.send('short')
      await notes.until(() => notes.messages.length === 11)
      expect(notes.messages).toEqual([...Array(10).fill(text), 'short'])
      const compressed = (socket.duplex as Socket).bytesRead - before < text.length
      expect(compressed).toBe(deflate !== null)
      socket.terminate()
    }
  })
})

describe('echo', () => {
  it('echoes big messages, and messages in 65,536 fragments', async () => {
    const url = await start(createEchoServer({ broadcast: false }))
    const notes = new Notes<null>()
    let echoed = Buffer.alloc(0)
    notes.message = (_, message) => {
      echoed = Buffer.from(message.bytes())
      notes.drained()
    }
    const socket = await dial(url, { handler: notes, context: null, limits: generous })
    const payload = Buffer.alloc(16 * 1024 * 1024, 'parley ☃ ')
    for (const kind of ['binary', 'text'] as const) {
      // As text, cut where a character ends.
      const cut = kind === 'text' ? payload.subarray(0, payload.lastIndexOf(' ')) : payload
      socket.sendParts(kind, [cut])
      await notes.until(() => echoed.length > 0)
      expect(echoed.equals(cut)).toBe(true)
      echoed = Buffer.alloc(0)
    }
    const fragment = Buffer.from([0, 0x80 | 64, 0, 0, 0, 0, ...Array(64).fill(0x2a)])
    const fragments = Buffer.concat(Array.from({ length: 65_536 }, () => fragment))
    fragments[0] = 2
    fragments[fragments.length - fragment.length] = 0x80
    socket.duplex.write(fragments)
    await notes.until(() => echoed.length > 0)
    expect(echoed.equals(Buffer.alloc(4 * 1024 * 1024, 0x2a))).toBe(true)
    socket.terminate()
  })

  it('does not read from a client that does not read, and loses nothing', async () => {
    const server = createEchoServer({ broadcast: false })
    const connection = once(server, 'connection') as Promise<[Socket]>
    const notes = new Notes<null>()
    let messages = 0
    notes.message = () => {
      messages++
      notes.drained()
    }
    const socket = await dial(await start(server), { handler: notes, context: null })
    const [accepted] = await connection
    socket.pause()
    const count = 128
    for (let sent = 0; sent < count; sent++) socket.send(new Uint8Array(512 * 1024))
    // Both directions fill up: the server stops reading because its own writes are not taken.
    await once(accepted, 'pause')
    while (!accepted.isPaused() || accepted.writableLength === 0) await once(accepted, 'pause')
    expect(accepted.bytesRead).toBeLessThan((count * 512 * 1024) / 2)
    expect(accepted.writableLength).toBeLessThan(2 * 1024 * 1024)
    socket.resume()
    await notes.until(() => messages === count)
    socket.terminate()
  })
})

describe('broadcast', () => {
  it('sends every message to everybody, in one order', async () => {
    const url = await start(createEchoServer({ broadcast: true }))
    const members = await Promise.all(
      Array.from({ length: 10 }, async () => {
        const notes = new Notes<null>()
        return { notes, socket: await dial(url, { handler: notes, context: null }) }
      }),
    )
    for (let round = 0; round < 5; round++) {
      for (const [index, { socket }] of members.entries()) socket.send(`${index} says ${round}`)
    }
    for (const { notes } of members) await notes.until(() => notes.messages.length === 50)
    for (const { notes } of members) expect(notes.messages).toEqual(members[0]?.notes.messages)
    const [gone, ...others] = members
    gone?.socket.close()
    await gone?.notes.until(() => gone.notes.ends.length === 1)
    others[0]?.socket.send('still here')
    for (const { notes } of others) await notes.until(() => notes.messages.length === 51)
    for (const { socket } of others) socket.terminate()
  })
})
