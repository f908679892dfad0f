// Opening handshakes over real sockets: on an HTTP server's upgrade and on bare sockets.
import { once } from 'node:events'
import { createServer as createHttpServer } from 'node:http'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { Acceptor, type BareAcceptOptions, BareAcceptor } from './accept.node.ts'
import { refusal } from './protocol/handshake.ts'
import { concat, describeFrames, peerFrame } from './protocol/testing.ts'
import type { MessageSocket } from './socket.node.ts'
import { listen, ManualClock, Notes } from './testing.node.ts'

const request = (...extra: string[]): string =>
  [
    'GET /rooms/lobby/socket?after=3 HTTP/1.1',
    'Host: 127.0.0.1',
    'Upgrade: websocket',
    'Connection: keep-alive, Upgrade',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    ...extra,
    '',
    '',
  ].join('\r\n')

const clean: (() => void)[] = []
afterEach(() => {
  for (const each of clean.splice(0)) each()
})

/** A raw client: what it sends, and all that it gets. */
async function rawClient(
  port: number,
): Promise<{ socket: Socket; ended: Promise<string>; head(): Promise<string> }> {
  const socket = connect(port, '127.0.0.1')
  clean.push(() => socket.destroy())
  let got = ''
  socket.on('data', (chunk) => {
    got += chunk.toString('latin1')
  })
  // A connection that is cut may end with an error.
  socket.on('error', () => socket.destroy())
  const ended = new Promise<string>((resolve) => socket.on('close', () => resolve(got)))
  await once(socket, 'connect')
  const head = async (): Promise<string> => {
    while (!got.includes('\r\n\r\n')) await once(socket, 'data')
    return got
  }
  return { socket, ended, head }
}

async function bareServer(change: Partial<BareAcceptOptions<string>> = {}) {
  const notes = new Notes<string>()
  const opened: MessageSocket<string>[] = []
  const clock = new ManualClock()
  const acceptor = new BareAcceptor<string>({
    handler: notes,
    subprotocols: ['json'],
    clock,
    admit: ({ target }) => ({ context: target }),
    opened: (socket) => opened.push(socket),
    ...change,
  })
  const server = createServer((socket) => acceptor.take(socket))
  const port = await start(server)
  return { notes, opened, clock, port, server }
}

async function start(server: Server): Promise<number> {
  clean.push(() => server.close())
  return listen(server)
}

describe('on an HTTP server’s upgrade', () => {
  async function httpServer() {
    const notes = new Notes<string>()
    const sockets: (MessageSocket<string> | null)[] = []
    const acceptor = new Acceptor<string>({ handler: notes, subprotocols: ['json'] })
    const server = createHttpServer((_, response) => response.end('a page'))
    server.on('upgrade', (incoming, socket, head) => {
      if (incoming.headers.origin === 'https://foreign.example') {
        acceptor.refuse(socket, refusal(403, 'Forbidden', 'a foreign origin'))
      } else {
        sockets.push(acceptor.upgrade(incoming, socket, head, incoming.url ?? '', { 'x-room': 'lobby' }))
      }
    })
    clean.push(() => server.closeAllConnections())
    return { notes, sockets, port: await start(server) }
  }

  it('opens, with a subprotocol and more fields', async () => {
    const { port, sockets } = await httpServer()
    const { socket, head } = await rawClient(port)
    socket.write(request('Sec-WebSocket-Protocol: xml, json'))
    expect(await head()).toMatch(/^HTTP\/1\.1 101 .*\r\nSec-WebSocket-Protocol: json\r\nX-Room: lobby\r\n/s)
    expect(sockets[0]).toMatchObject({ subprotocol: 'json', context: '/rooms/lobby/socket?after=3' })
    sockets[0]?.terminate()
  })

  it('decodes frames that came with the request (R20)', async () => {
    const { port, notes } = await httpServer()
    const { socket, head } = await rawClient(port)
    const frames = concat(
      peerFrame('server', { opcode: 1, payload: 'one' }),
      peerFrame('server', { opcode: 1, payload: 'two' }),
    )
    socket.write(concat(Buffer.from(request()), frames))
    await head()
    await notes.until(() => notes.messages.length === 2)
    expect(notes.messages).toEqual(['one', 'two'])
  })

  it.each([
    [403, request('Origin: https://foreign.example')],
    [426, request().replace('Version: 13', 'Version: 12')],
    [400, request().replace('dGhl', '')],
    [426, request().replace('Upgrade: websocket', 'Upgrade: other')],
  ])('refuses with %d and ends', async (status, text) => {
    const { port } = await httpServer()
    const { socket, ended } = await rawClient(port)
    socket.write(text)
    expect(await ended).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `))
  })
})

describe('on bare sockets', () => {
  it('opens, however the request is cut', async () => {
    const { port, opened, notes, clock } = await bareServer()
    const bytes = concat(
      Buffer.from(request('Sec-WebSocket-Protocol: json')),
      peerFrame('server', { opcode: 1, payload: 'with it' }),
    )
    for (const pieceBytes of [bytes.length, 1, 50]) {
      const { socket, head } = await rawClient(port)
      socket.setNoDelay(true)
      for (let at = 0; at < bytes.length; at += pieceBytes) socket.write(bytes.subarray(at, at + pieceBytes))
      expect(await head()).toMatch(/^HTTP\/1\.1 101 /)
      const count = opened.length
      await notes.until(() => notes.messages.length === count)
    }
    expect(opened.map(({ context, subprotocol }) => [context, subprotocol])).toEqual(
      Array(3).fill(['/rooms/lobby/socket?after=3', 'json']),
    )
    expect(notes.messages).toEqual(Array(3).fill('with it'))
    expect(clock.waiting).toBe(0)
  })

  it.each([
    [400, 'GET / HTTP/1.1\r\nno colon\r\n\r\n'],
    [405, request().replace('GET', 'POST')],
    [426, request().replace('Version: 13', 'Version: 8')],
    [431, `${request().slice(0, -2)}x: ${'x'.repeat(16_384)}\r\n\r\n`],
  ])('refuses with %d and serves the next', async (status, text) => {
    const { port } = await bareServer()
    const { socket, ended } = await rawClient(port)
    socket.write(text)
    expect(await ended).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `))
    const next = await rawClient(port)
    next.socket.write(request())
    expect(await next.head()).toMatch(/^HTTP\/1\.1 101 /)
  })

  it('asks the application who may connect', async () => {
    const { port } = await bareServer({ admit: () => refusal(403, 'Forbidden', 'not you') })
    const { socket, ended } = await rawClient(port)
    socket.write(request())
    expect(await ended).toMatch(/^HTTP\/1\.1 403 .*not you\n$/s)
  })

  it('cuts a socket that never finishes its request (R18)', async () => {
    const { port, clock, server } = await bareServer({ handshakeTimeoutMs: 50 })
    const connection = once(server, 'connection')
    const { socket, ended } = await rawClient(port)
    socket.write(request().slice(0, 40))
    await connection
    expect(clock.waiting).toBe(1)
    clock.advance(50)
    expect(await ended).toBe('')
    expect(clock.waiting).toBe(0)
  })

  it('forgets a socket that leaves before its request is there', async () => {
    const { port, server, clock } = await bareServer()
    const connection = once(server, 'connection')
    const { socket } = await rawClient(port)
    const [accepted] = await connection
    socket.end('GET / HT')
    await once(accepted as Socket, 'close')
    expect(clock.waiting).toBe(0)
  })

  it('closes with a code and then the connection', async () => {
    const { port, opened, notes } = await bareServer()
    const { socket, head, ended } = await rawClient(port)
    socket.write(request())
    const before = (await head()).length
    opened[0]?.send('hello')
    opened[0]?.close(1001, 'going away')
    socket.write(peerFrame('server', { opcode: 8, payload: Uint8Array.of(3, 233) }))
    const frames = Buffer.from((await ended).slice(before), 'latin1')
    expect(describeFrames(frames)).toEqual(['text hello', 'close 1001 going away'])
    await notes.until(() => notes.ends.length === 1)
    expect(notes.ends).toMatchObject([{ code: 1001, wasClean: true }])
  })
})
