// Our client: opening over real sockets, every way in which that fails, TLS, and the browser's interface on top.
import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import { afterEach, describe, expect, it } from 'vitest'
import { BareAcceptor } from './accept.node.ts'
import { type DialOptions, dial } from './dial.node.ts'
import { NodeWebSocket } from './node-websocket.node.ts'
import { sha1Base64 } from './primitives.node.ts'
import { UsageError } from './protocol/errors.ts'
import { acceptResponse, checkRequest, isRefusal, parseRequest } from './protocol/handshake.ts'
import { concat, peerFrame } from './protocol/testing.ts'
import type { MessageSocket } from './socket.node.ts'
import { selfSignedCertificate } from './test-certificate.node.ts'
import { listen, ManualClock, Notes } from './testing.node.ts'

const clean: (() => void)[] = []
afterEach(() => {
  for (const each of clean.splice(0)) each()
})

async function start(server: Server): Promise<number> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket) => sockets.add(socket))
  clean.push(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return listen(server)
}

/** A server that answers the request's text with whatever it likes. */
async function answering(answer: (socket: Socket, request: string) => void): Promise<string> {
  const server = createServer((socket) => {
    socket.on('error', () => socket.destroy())
    socket.once('data', (chunk) => answer(socket, chunk.toString('latin1')))
  })
  return `ws://127.0.0.1:${await start(server)}/`
}

/** The right answer to a request. */
function welcome(request: string): string {
  const parsed = parseRequest(Buffer.from(request, 'latin1'))
  const handshake = isRefusal(parsed) ? parsed : checkRequest(parsed)
  if (isRefusal(handshake)) throw new Error(handshake.detail)
  return acceptResponse(handshake, null, {}, sha1Base64)
}

async function echoServer(subprotocols: readonly string[] = ['json'], tls?: { key: string; cert: string }) {
  const notes = new Notes<string>()
  const opened: MessageSocket<string>[] = []
  const acceptor = new BareAcceptor<string>({
    handler: {
      message: (socket, message) => socket.sendParts(message.text ? 'text' : 'binary', message.parts),
      closed: (socket, closed) => notes.closed(socket, closed),
    },
    subprotocols,
    admit: ({ target, headers }) => ({ context: `${headers.host} ${target} ${headers.origin ?? ''}` }),
    opened: (socket) => opened.push(socket),
  })
  const server =
    tls === undefined
      ? createServer((socket) => acceptor.take(socket))
      : createTlsServer(tls, (socket) => acceptor.take(socket)).on('tlsClientError', (_, socket) =>
          socket.destroy(),
        )
  const port = await start(server)
  return { notes, opened, port, url: `${tls === undefined ? 'ws' : 'wss'}://127.0.0.1:${port}/path?query` }
}

function options(change: Partial<DialOptions<null>> = {}) {
  const notes = new Notes<null>()
  return { notes, options: { handler: notes, context: null, ...change } }
}

describe('dialling', () => {
  it('opens, talks and closes', async () => {
    const { url, port, opened, notes: served } = await echoServer()
    const { notes, options: given } = options({
      subprotocols: ['xml', 'json'],
      headers: { origin: 'http://a' },
    })
    const socket = await dial(url, given)
    expect(socket.subprotocol).toBe('json')
    expect(opened[0]?.context).toBe(`127.0.0.1:${port} /path?query http://a`)
    socket.send('héllo')
    socket.send(Uint8Array.of(1, 2, 255))
    await notes.until(() => notes.messages.length === 2)
    expect(notes.messages).toEqual(['héllo', '0102ff'])
    socket.close(3001, 'done')
    await notes.until(() => notes.ends.length === 1)
    await served.until(() => served.ends.length === 1)
    expect(notes.ends).toEqual([{ code: 3001, reason: '', wasClean: true, failure: null, error: null }])
    expect(served.ends).toMatchObject([{ code: 3001, reason: 'done', wasClean: true }])
  })

  it('decodes frames that came with the answer', async () => {
    const hello = concat(...['one', 'two'].map((payload) => peerFrame('client', { opcode: 1, payload })))
    const url = await answering((socket, request) =>
      socket.write(concat(Buffer.from(welcome(request)), hello)),
    )
    const { notes, options: given } = options()
    const socket = await dial(url, given)
    await notes.until(() => notes.messages.length === 2)
    expect(notes.messages).toEqual(['one', 'two'])
    socket.terminate()
    await notes.until(() => notes.ends.length === 1)
  })

  it('takes an answer in pieces', async () => {
    const url = await answering((socket, request) => {
      socket.setNoDelay(true)
      for (const character of welcome(request)) socket.write(character)
    })
    const socket = await dial(url, options().options)
    expect(socket.isOpen).toBe(true)
    socket.terminate()
  })

  it('passes messages of every length both ways (R13)', async () => {
    const { url } = await echoServer()
    const { notes, options: given } = options()
    const socket = await dial(url, given)
    const lengths = [0, 125, 126, 127, 65_535, 65_536, 1024 * 1024]
    for (const length of lengths) socket.send(new Uint8Array(length).fill(length % 251))
    await notes.until(() => notes.messages.length === lengths.length)
    for (const [index, length] of lengths.entries()) {
      expect(notes.messages[index] === Buffer.alloc(length, length % 251).toString('hex')).toBe(true)
    }
    socket.send(new Uint8Array(1024 * 1024 + 1))
    await notes.until(() => notes.ends.length === 1)
    expect(notes.ends).toMatchObject([{ code: 1009, wasClean: true }])
  })

  it('says why when nobody listens', async () => {
    const server = createServer()
    const port = await listen(server)
    server.close()
    await once(server, 'close')
    await expect(dial(`ws://127.0.0.1:${port}/`, options().options)).rejects.toMatchObject({
      name: 'DialError',
      status: null,
      cause: { code: 'ECONNREFUSED' },
    })
  })

  it('says what the server answered', async () => {
    const url = await answering((socket) =>
      socket.end('HTTP/1.1 503 Service Unavailable\r\nRetry-After: 7\r\n\r\n'),
    )
    await expect(dial(url, options().options)).rejects.toMatchObject({
      name: 'DialError',
      status: 503,
      headers: { 'retry-after': '7' },
    })
  })

  it.each([
    ['another protocol', (socket: Socket) => socket.write('SSH-2.0-x\r\n\r\n'), /malformed|not HTTP/],
    [
      'a wrong proof',
      (socket: Socket, request: string) =>
        socket.write(welcome(request).replace(/Accept: .*/, 'Accept: AAAA')),
      /Accept/,
    ],
    ['an endless head', (socket: Socket) => socket.write('x'.repeat(40_000)), /too long/],
    ['the end', (socket: Socket) => socket.end(), /ended before/],
  ] as const)('rejects %s', async (_, answer, message) => {
    const url = await answering(answer)
    await expect(dial(url, options().options)).rejects.toThrow(message)
  })

  it('gives up after a time', async () => {
    const clock = new ManualClock()
    const url = await answering(() => clock.advance(50))
    const { options: given } = options({ clock, handshakeTimeoutMs: 50 })
    await expect(dial(url, given)).rejects.toThrow('the handshake took longer than 50 ms')
    expect(clock.waiting).toBe(0)
  })

  it('gives up when it is told to, before and while it opens, and not later', async () => {
    const { options: aborted } = options({ signal: AbortSignal.abort(new Error('never mind')) })
    await expect(dial('ws://127.0.0.1:1/', aborted)).rejects.toThrow('never mind')
    const controller = new AbortController()
    const url = await answering(() => controller.abort(new Error('enough')))
    await expect(dial(url, options({ signal: controller.signal }).options)).rejects.toThrow('enough')
    const later = new AbortController()
    const { url: echo } = await echoServer()
    const socket = await dial(echo, options({ signal: later.signal }).options)
    later.abort()
    expect(socket.isOpen).toBe(true)
    socket.terminate()
  })

  it('throws for what can never work', async () => {
    for (const url of ['ftp://127.0.0.1/', 'ws://127.0.0.1/#fragment']) {
      await expect(dial(url, options().options)).rejects.toBeInstanceOf(UsageError)
    }
    const bad = options({ subprotocols: ['a b'] }).options
    await expect(dial('ws://127.0.0.1/', bad)).rejects.toBeInstanceOf(UsageError)
  })
})

describe('over TLS', () => {
  it('opens with a certificate that it was told to trust, and with no other', async () => {
    const tls = selfSignedCertificate()
    const { url } = await echoServer(['json'], tls)
    await expect(dial(url, options().options)).rejects.toMatchObject({ name: 'DialError' })
    const { notes, options: given } = options({ tls: { ca: tls.cert } })
    const socket = await dial(url, given)
    socket.send('secret')
    await notes.until(() => notes.messages.length === 1)
    socket.close()
    await notes.until(() => notes.ends.length === 1)
    expect(notes.ends).toMatchObject([{ code: 1000, wasClean: true, error: null }])
  })
})

describe('the browser’s interface', () => {
  /** Everything that happens on one, until it is closed. */
  async function story(socket: NodeWebSocket, act: (socket: NodeWebSocket, happened: string) => void) {
    const happened: string[] = []
    const note = (what: string): void => {
      happened.push(what)
      act(socket, what)
    }
    await new Promise<void>((resolve) => {
      socket.onopen = () => note(`open ${socket.readyState} ${socket.protocol}`)
      socket.onmessage = ({ data }) =>
        note(typeof data === 'string' ? `text ${data}` : `binary ${Buffer.from(data).toString('hex')}`)
      socket.onerror = ({ message }) => note(`error ${message}`)
      socket.onclose = ({ code, reason, wasClean }) => {
        note(`close ${socket.readyState} ${code} ${reason} ${wasClean}`)
        resolve()
      }
    })
    return happened
  }

  it('opens, talks and closes', async () => {
    const { url } = await echoServer()
    const socket = new NodeWebSocket(url, 'json')
    expect(socket.readyState).toBe(NodeWebSocket.CONNECTING)
    expect(() => socket.send('too early')).toThrow(UsageError)
    const happened = await story(socket, (_, what) => {
      if (what.startsWith('open')) {
        socket.send('héllo')
        socket.send(Uint8Array.of(7, 8))
        expect(socket.bufferedAmount).toBeGreaterThan(0)
      }
      if (what.startsWith('binary')) {
        socket.close(3000, 'bye')
        expect(socket.readyState).toBe(NodeWebSocket.CLOSING)
      }
    })
    expect(happened).toEqual(['open 1 json', 'text héllo', 'binary 0708', 'close 3 3000  true'])
    socket.send('dropped')
    socket.close()
  })

  it('says goodbye without a code, or hears one', async () => {
    const { url, opened } = await echoServer()
    expect(
      await story(new NodeWebSocket(url), (socket, what) => what.startsWith('open') && socket.close()),
    ).toEqual(['open 1 ', 'close 3 1005  true'])
    const heard = await story(new NodeWebSocket(url), (_, what) => {
      if (what.startsWith('open')) opened[1]?.close(1012, 'restart')
    })
    expect(heard).toEqual(['open 1 ', 'close 3 1012 restart true'])
  })

  it('fails as a browser does: refused, closed too early, no subprotocol', async () => {
    const refusing = await answering((socket) => socket.end('HTTP/1.1 403 Forbidden\r\n\r\n'))
    const nothing = (): void => undefined
    expect(await story(new NodeWebSocket(refusing), nothing)).toEqual([
      'error the server answered 403',
      'close 3 1006  false',
    ])
    const early = new NodeWebSocket(refusing)
    early.close()
    expect(await story(early, nothing)).toEqual(['error closed before it was open', 'close 3 1006  false'])
    const { url } = await echoServer(['json'])
    expect(await story(new NodeWebSocket(url, ['xml']), nothing)).toEqual([
      'error the server chose no subprotocol',
      'close 3 1006  false',
    ])
    expect(() => new NodeWebSocket('no url')).toThrow()
  })

  it('refuses codes that are not for applications', async () => {
    const { url } = await echoServer()
    const socket = new NodeWebSocket(url)
    for (const code of [1001, 1005, 2999, 5000]) expect(() => socket.close(code)).toThrow(UsageError)
    await story(socket, (_, what) => what.startsWith('open') && socket.close(1000))
  })

  it('reads nothing while it is paused', async () => {
    const { url, opened } = await echoServer()
    const socket = new NodeWebSocket(url)
    socket.pause()
    let paused = true
    const happened = await story(socket, (_, what) => {
      if (what.startsWith('open')) {
        const server = opened[0] as MessageSocket<string>
        server.send('kept')
        server.flush()
        server.duplex.write(Buffer.alloc(0), () =>
          setImmediate(() => {
            paused = false
            socket.resume()
          }),
        )
      }
      if (what.startsWith('text')) {
        expect(paused).toBe(false)
        socket.close()
      }
    })
    expect(happened).toEqual(['open 1 ', 'text kept', 'close 3 1005  true'])
  })
})
