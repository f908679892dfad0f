// Our client over HTTP/2 (RFC 8441): opening, every way in which that fails, and many sockets on one connection.
import { once } from 'node:events'
import {
  createSecureServer,
  type Http2SecureServer,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2'
import { createServer } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { Acceptor } from './accept.node.ts'
import type { DeflateOptions } from './deflate.node.ts'
import type { DialOptions } from './dial.node.ts'
import { Http2Dialer, type Http2DialerOptions } from './dial-http2.node.ts'
import { NodeWebSocket } from './node-websocket.node.ts'
import { UsageError } from './protocol/errors.ts'
import { checkConnect } from './protocol/extended-connect.ts'
import { isRefusal } from './protocol/handshake.ts'
import type { MessageSocket } from './socket.node.ts'
import { selfSignedCertificate } from './test-certificate.node.ts'
import { listen, ManualClock, Notes } from './testing.node.ts'

const tls = selfSignedCertificate()
const lengths = [0, 1, 125, 126, 127, 65_535, 65_536, 300_000]
const clean: (() => void)[] = []
afterEach(() => {
  for (const each of clean.splice(0)) each()
})

type Answer = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => void

interface Served {
  readonly url: string
  readonly server: Http2SecureServer
  readonly sessions: Set<ServerHttp2Session>
}

/** A server that answers streams with whatever it likes. */
async function answering(
  answer: Answer,
  settings: object = { enableConnectProtocol: true },
): Promise<Served> {
  const server = createSecureServer({ ...tls, settings })
  const sessions = new Set<ServerHttp2Session>()
  server.on('session', (session) => {
    sessions.add(session)
    session.on('error', () => session.destroy())
    session.on('close', () => sessions.delete(session))
  })
  server.on('stream', (stream, headers) => {
    stream.on('error', () => stream.destroy())
    answer(stream as ServerHttp2Stream, headers)
  })
  clean.push(() => {
    for (const session of sessions) session.destroy()
    server.close()
  })
  return { url: `wss://127.0.0.1:${await listen(server)}/path?query`, server, sessions }
}

interface Echoing extends Served {
  readonly opened: MessageSocket<string>[]
  readonly notes: Notes<string>
}

async function echoing(options: { deflate?: DeflateOptions; settings?: object } = {}): Promise<Echoing> {
  const opened: MessageSocket<string>[] = []
  const notes = new Notes<string>()
  const acceptor = new Acceptor<string>({
    handler: {
      message: (socket, message) => socket.sendParts(message.text ? 'text' : 'binary', message.parts),
      closed: (socket, closed) => notes.closed(socket, closed),
    },
    subprotocols: ['json'],
    limits: { maxMessageBytes: 1_000_000 },
    deflate: options.deflate ?? null,
  })
  const served = await answering(
    (stream, headers) => {
      const offers = checkConnect({ headers, scheme: 'https', ended: stream.endAfterHeaders })
      if (isRefusal(offers)) throw new Error(offers.detail)
      const { ':authority': authority, ':path': path, origin } = headers
      opened.push(acceptor.connect(stream, offers, `${authority} ${path} ${origin}`))
    },
    { enableConnectProtocol: true, ...options.settings },
  )
  return { ...served, opened, notes }
}

function dialer(options: Http2DialerOptions = {}): Http2Dialer {
  const made = new Http2Dialer({ connection: { ca: tls.cert }, ...options })
  clean.push(() => made.close())
  return made
}

function options(change: Partial<DialOptions<null>> = {}) {
  const notes = new Notes<null>()
  return { notes, options: { handler: notes, context: null, ...change } }
}

describe('dialling', () => {
  it('opens, talks and closes; the connection ends with its last socket', async () => {
    const { url, opened, notes: served, sessions } = await echoing()
    const { notes, options: given } = options({
      subprotocols: ['xml', 'json'],
      headers: { origin: 'https://a' },
    })
    const ours = dialer()
    const socket = await ours.dial(url, given)
    expect(socket.subprotocol).toBe('json')
    expect(opened[0]?.context).toBe(`${new URL(url).host} /path?query https://a`)
    socket.send('héllo')
    socket.send(Uint8Array.of(1, 2, 255))
    await notes.until(() => notes.messages.length === 2)
    expect(notes.messages).toEqual(['héllo', '0102ff'])
    const [session] = sessions
    if (session === undefined) throw new Error('the server has no connection')
    const ended = once(session, 'close')
    socket.close(3001, 'done')
    await notes.until(() => notes.ends.length === 1)
    await served.until(() => served.ends.length === 1)
    expect(notes.ends).toEqual([{ code: 3001, reason: '', wasClean: true, failure: null, error: null }])
    expect(served.ends).toMatchObject([{ code: 3001, reason: 'done', wasClean: true }])
    await ended
    await expect.poll(() => ours.connectionCount).toBe(0)
  })

  it.each(lengths)('passes %d bytes both ways', async (length) => {
    const { url } = await echoing()
    const { notes, options: given } = options({ limits: { maxMessageBytes: 1_000_000 } })
    const socket = await dialer().dial(url, given)
    socket.send('x'.repeat(length))
    await notes.until(() => notes.messages.length === 1)
    expect(notes.messages).toEqual(['x'.repeat(length)])
  })

  it('agrees on permessage-deflate as over HTTP/1.1 (RFC 8441 §5)', async () => {
    const { url, opened } = await echoing({ deflate: { thresholdBytes: 0 } })
    const { notes, options: given } = options({ deflate: { thresholdBytes: 0 } })
    const socket = await dialer().dial(url, given)
    expect(socket.extensions).toMatch(/^permessage-deflate/)
    expect(opened[0]?.extensions).toBe(socket.extensions)
    socket.send('again and '.repeat(1000))
    await notes.until(() => notes.messages.length === 1)
    expect(notes.messages).toEqual(['again and '.repeat(1000)])
  })

  it('reads what comes with the answer', async () => {
    const { url } = await answering((stream) => {
      stream.respond({ ':status': 200 })
      stream.write(Buffer.from('810568656c6c6f', 'hex'))
    })
    const { notes, options: given } = options()
    await dialer().dial(url, given)
    await notes.until(() => notes.messages.length === 1)
    expect(notes.messages).toEqual(['hello'])
  })

  it('terminates with RST_STREAM CANCEL (RFC 8441 §5)', async () => {
    const reset = Promise.withResolvers<number | undefined>()
    const { url } = await answering((stream) => {
      stream.respond({ ':status': 200 })
      stream.resume()
      stream.on('close', () => reset.resolve(stream.rstCode))
    })
    const { notes, options: given } = options()
    const socket = await dialer().dial(url, given)
    socket.terminate()
    expect(await reset.promise).toBe(8)
    await notes.until(() => notes.ends.length === 1)
    expect(notes.ends).toMatchObject([{ code: 1006, wasClean: false, error: null }])
  })
})

describe('many sockets', () => {
  it('share a connection, and one that ends takes no other with it', async () => {
    const { url, sessions } = await echoing()
    const ours = dialer()
    const all = Array.from({ length: 20 }, () => options())
    const sockets = await Promise.all(all.map(({ options: given }) => ours.dial(url, given)))
    expect(sessions.size).toBe(1)
    expect(ours.connectionCount).toBe(1)
    for (const [index, socket] of sockets.entries()) {
      if (index % 2 === 0) socket.terminate()
      else socket.send(`${index}`)
    }
    for (const [index, { notes }] of all.entries()) {
      await notes.until(() => notes.ends.length + notes.messages.length === 1)
      expect(notes.messages).toEqual(index % 2 === 0 ? [] : [`${index}`])
    }
    expect(sessions.size).toBe(1)
  })

  it('go as many to a connection as asked', async () => {
    const { url, sessions } = await echoing()
    const ours = dialer({ socketsPerConnection: 3 })
    await Promise.all(Array.from({ length: 10 }, () => ours.dial(url, options().options)))
    expect(ours.connectionCount).toBe(4)
    expect(sessions.size).toBe(4)
  })

  it('go no more to a connection than the server allows', async () => {
    const { url } = await echoing({ settings: { maxConcurrentStreams: 2 } })
    const ours = dialer()
    for (let count = 0; count < 5; count++) await ours.dial(url, options().options)
    expect(ours.connectionCount).toBe(3)
  })

  it('all end with their connection', async () => {
    const { url, sessions } = await echoing()
    const ours = dialer()
    const all = Array.from({ length: 5 }, () => options())
    await Promise.all(all.map(({ options: given }) => ours.dial(url, given)))
    for (const session of sessions) session.destroy()
    for (const { notes } of all) {
      await notes.until(() => notes.ends.length === 1)
      expect(notes.ends).toMatchObject([{ code: 1006, wasClean: false }])
    }
    expect(ours.connectionCount).toBe(0)
  })

  it('after a GOAWAY new ones get a new connection, and the old ones stay', async () => {
    const { url, sessions } = await echoing()
    const ours = dialer()
    const { notes, options: given } = options()
    const old = await ours.dial(url, given)
    const [session] = sessions
    session?.close()
    old.send('still here')
    await notes.until(() => notes.messages.length === 1)
    await ours.dial(url, options().options)
    expect(ours.connectionCount).toBe(2)
    expect(old.isOpen).toBe(true)
  })
})

describe('fails with a DialError', () => {
  async function failure(url: string, change: Partial<DialOptions<null>> = {}, ours = dialer()) {
    const error = await ours.dial(url, options(change).options).catch((reason: unknown) => reason)
    await expect.poll(() => ours.connectionCount).toBe(0)
    return error
  }

  it('when the server does not announce extended CONNECT (RFC 8441 §3)', async () => {
    const { url } = await answering(() => undefined, {})
    expect(await failure(url)).toMatchObject({
      name: 'DialError',
      status: null,
      message: 'the server does not announce WebSockets over HTTP/2 (RFC 8441 §3)',
    })
  })

  it('when it refuses, with its status and fields', async () => {
    const { url } = await answering((stream) => {
      stream.respond({ ':status': 503, 'retry-after': '7' })
      stream.end('busy')
    })
    const error = await failure(url)
    expect(error).toMatchObject({ name: 'DialError', status: 503, headers: { 'retry-after': '7' } })
  })

  it('when it resets the stream', async () => {
    const { url } = await answering((stream) => stream.close(7))
    expect(await failure(url)).toMatchObject({ name: 'DialError', status: null })
  })

  it('when it cuts the connection in the middle', async () => {
    const { url } = await answering((stream) => stream.session?.destroy())
    expect(await failure(url)).toMatchObject({ name: 'DialError', status: null })
  })

  it.each([
    ['a subprotocol that was not offered', { 'sec-websocket-protocol': 'other' }],
    ['an extension that was not offered', { 'sec-websocket-extensions': 'permessage-deflate' }],
  ])('when it chooses %s', async (_what, fields) => {
    const { url } = await answering((stream) => stream.respond({ ':status': 200, ...fields }))
    expect(await failure(url, { subprotocols: ['json'] })).toMatchObject({ name: 'DialError', status: 200 })
  })

  it('when it chooses none, and one is required', async () => {
    const { url } = await answering((stream) => stream.respond({ ':status': 200 }))
    expect(await failure(url, { subprotocols: ['json'], requireSubprotocol: true })).toMatchObject({
      message: 'the server chose no subprotocol',
    })
  })

  it('when nobody listens', async () => {
    expect(await failure('wss://127.0.0.1:1/')).toMatchObject({
      name: 'DialError',
      message: expect.stringContaining('ECONNREFUSED'),
    })
  })

  it('when what listens speaks no TLS', async () => {
    const server = createServer((socket) => socket.on('error', () => socket.destroy()).end('hello\r\n'))
    clean.push(() => server.close())
    const port = await listen(server)
    expect(await failure(`wss://127.0.0.1:${port}/`)).toMatchObject({ name: 'DialError' })
  })

  it('when the certificate is not trusted', async () => {
    const { url } = await echoing()
    expect(await failure(url, {}, dialer({ connection: {} }))).toMatchObject({ name: 'DialError' })
  })

  it.each([
    ['before the settings', false],
    ['before the answer', true],
  ])('when it takes too long: %s', async (_what, answersSettings) => {
    const clock = new ManualClock()
    const mute = createServer((socket) => socket.on('error', () => socket.destroy()).resume())
    clean.push(() => mute.close())
    const asked = Promise.withResolvers<void>()
    const url = answersSettings
      ? (await answering(() => asked.resolve())).url
      : `wss://127.0.0.1:${await listen(mute)}/`
    const failing = failure(url, { clock, handshakeTimeoutMs: 50 })
    if (answersSettings) await asked.promise
    clock.advance(50)
    expect(await failing).toMatchObject({ message: 'the handshake took longer than 50 ms' })
    expect(clock.waiting).toBe(0)
  })
})

it('an aborted opening rejects with the reason, and resets its stream', async () => {
  const asked = Promise.withResolvers<ServerHttp2Stream>()
  const { url } = await answering((stream) => asked.resolve(stream))
  const abort = new AbortController()
  const ours = dialer()
  const opening = ours.dial(url, options({ signal: abort.signal }).options)
  const stream = await asked.promise
  abort.abort(new Error('enough'))
  await expect(opening).rejects.toThrow('enough')
  await once(stream, 'close')
  expect(stream.rstCode).toBe(8)
  await expect(ours.dial(url, options({ signal: abort.signal }).options)).rejects.toThrow('enough')
})

it.each([['ws://127.0.0.1/'], ['http://127.0.0.1/'], ['wss://127.0.0.1/#there'], ['file:///x']])(
  'the URL %s is a mistake of the caller',
  async (url) => {
    await expect(dialer().dial(url, options().options)).rejects.toBeInstanceOf(UsageError)
  },
)

it('stands below the browser’s interface', async () => {
  const { url } = await echoing()
  const ours = dialer()
  const socket = new NodeWebSocket(url, ['json'], {
    dial: (address, given) => ours.dial(address, given),
  })
  const answered = new Promise<unknown>((resolve) => {
    socket.onmessage = ({ data }) => resolve(data)
  })
  socket.onopen = () => socket.send('hello')
  expect(await answered).toBe('hello')
  expect(socket.protocol).toBe('json')
  const closed = new Promise((resolve) => {
    socket.onclose = resolve
  })
  socket.close(1000)
  expect(await closed).toEqual({ code: 1000, reason: '', wasClean: true })
})
