// WebSocket over HTTP/2 (RFC 8441), server half: what it refuses, how streams end, and peers that misbehave.
import { once } from 'node:events'
import type { ServerHttp2Stream } from 'node:http2'
import { connect as connectTls } from 'node:tls'
import { v7 as uuidVersion7 } from 'uuid'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { eventually } from '../eventually.harness.ts'
import { foreignOrigin, type Lab, startLab } from '../lab.harness.ts'
import { serverLimits } from '../limits.ts'
import type { Message as RoomMessage } from '../message.ts'
import { type Problem, problemName } from '../problem.ts'
import { DialError, dial } from './dial.node.ts'
import { Http2Dialer } from './dial-http2.node.ts'
import {
  encodeFields,
  encodeFrame,
  endStream,
  errorCodes,
  type Fields,
  frameTypes,
  Http2Peer,
  opening,
  settingNames,
} from './http2-peer.harness.ts'
import { webSocketHttp2Server } from './over-http2.server.ts'
import { messageText } from './primitives.node.ts'
import { peerFrame } from './protocol/testing.ts'
import { webSocketServer } from './server.ts'
import type { MessageSocket } from './socket.node.ts'
import type { SocketClosed, SocketHandler } from './socket-handler.ts'

/** What one client has heard. */
class Heard {
  readonly documents: { readonly kind: string; readonly messages?: readonly RoomMessage[] }[] = []
  readonly ends: SocketClosed[] = []

  get offsets(): number[] {
    return this.documents.flatMap((one) => one.messages ?? []).map(({ offset }) => offset)
  }
}

const handler: SocketHandler<Heard> = {
  message: (socket, message) => socket.context.documents.push(JSON.parse(messageText(message))),
  closed: (socket, end) => socket.context.ends.push(end),
}

const path = '/rooms/lounge/socket'
let lab: Lab
let dialer: Http2Dialer
let bystander: MessageSocket<Heard>
let peers: Http2Peer[]
/** The server's ends of the streams, in their order. */
let served: ServerHttp2Stream[]

async function begin(heartbeatMs: number): Promise<void> {
  served = []
  peers = []
  lab = await startLab({
    transports: [webSocketServer, webSocketHttp2Server],
    heartbeatMs,
    begin: (app) => app.server.on('stream', (stream: ServerHttp2Stream) => served.push(stream)),
  })
  dialer = new Http2Dialer({ connection: { ca: lab.certificate } })
  bystander = await open()
}

beforeEach(() => begin(10_000))

// Whatever a peer did: the server serves on, on the connection of somebody else.
afterEach(async () => {
  vi.restoreAllMocks()
  for (const peer of peers) peer.destroy()
  if (!lab.hub.draining) {
    await publish(1, 10)
    const last = lab.hub.head('lounge').offset
    await eventually(() => expect(bystander.context.offsets).toEqual(numbers(last)))
    await eventually(() => expect(lab.hub.stats().subscribers).toBe(dialer.connectionCount === 0 ? 0 : 1))
  }
  dialer.close()
  await lab.close()
})

function numbers(last: number): number[] {
  return Array.from({ length: last }, (_, index) => index + 1)
}

async function publish(count: number, length: number): Promise<void> {
  const text = 'x'.repeat(length)
  await Promise.all(
    Array.from({ length: count }, () => lab.hub.publish('lounge', { id: uuidVersion7(), user: 'ada', text })),
  )
}

async function open(query = '', base = lab.h2WebSocket): Promise<MessageSocket<Heard>> {
  const options = { handler, context: new Heard(), subprotocols: ['json'] }
  return dialer.dial(new URL(`${path}?${query}`, base), options)
}

async function connectPeer(settings: readonly (readonly [number, number])[] = []): Promise<Http2Peer> {
  const peer = await Http2Peer.connect(Number(lab.h2WebSocket.port), lab.certificate, settings)
  peers.push(peer)
  return peer
}

/** A peer with a socket on stream 1, whose hello has come. */
async function openPeer(settings: readonly (readonly [number, number])[] = []): Promise<Http2Peer> {
  const peer = await connectPeer(settings)
  peer.headers(1, right())
  await peer.next(frameTypes.headers, 1)
  return peer
}

function right(changes: Readonly<Record<string, string | null>> = {}): Fields {
  return opening(lab.h2WebSocket.host, path, changes)
}

/** A request over HTTP/2 as Node's client makes it, and the problem that answers it. */
async function problemOf(
  fields: Readonly<Record<string, string>>,
  more: { readonly endStream?: boolean } = {},
): Promise<{ status: number; name: string | null; version: unknown; retryAfter: unknown }> {
  const { connect } = await import('node:http2')
  const session = connect(lab.h2WebSocket.origin, { ca: lab.certificate })
  try {
    await once(session, 'remoteSettings')
    const stream = session.request(fields, { endStream: false, ...more })
    const [headers] = (await once(stream, 'response')) as [Record<string, unknown>]
    expect(headers['content-type']).toBe('application/problem+json')
    let body = ''
    for await (const chunk of stream.setEncoding('utf8')) body += chunk
    const found = JSON.parse(body) as Problem
    expect(found.status).toBe(headers[':status'])
    // Nothing is left of it: a request behind it on the same connection is served.
    const next = session.request({ ':path': path })
    // A draining server tells a plain request so, too.
    const [served] = (await once(next, 'response')) as [Record<string, unknown>]
    expect(served[':status']).toBe(lab.hub.draining ? 503 : 426)
    next.resume()
    return {
      status: found.status,
      name: problemName(found),
      version: headers['sec-websocket-version'],
      retryAfter: headers['retry-after'],
    }
  } finally {
    session.destroy()
  }
}

const connectOf = (changes: Readonly<Record<string, string>> = {}): Readonly<Record<string, string>> => ({
  ':method': 'CONNECT',
  ':protocol': 'websocket',
  ':path': path,
  'sec-websocket-version': '13',
  ...changes,
})

const tunnel = { ':method': 'CONNECT', ':authority': 'localhost:443' }

describe('the announcement (RFC 8441 §3)', () => {
  test('is made on the port that serves it, and on no other (R12)', async () => {
    const peer = await connectPeer()
    expect((await peer.settings()).get(settingNames.enableConnectProtocol)).toBe(1)
    const other = await Http2Peer.connect(Number(lab.https.port), lab.certificate)
    peers.push(other)
    expect((await other.settings()).get(settingNames.enableConnectProtocol)).toBeUndefined()
    // Who doesn't wait for it breaks the protocol (RFC 8441 §4).
    other.headers(1, opening(lab.https.host, path))
    expect(await other.resetOf(1)).toBe(errorCodes.protocolError)
  })

  test('is missed by our client in words', async () => {
    const error = await open('', lab.https).catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(DialError)
    expect(error).toMatchObject({ status: null, message: expect.stringContaining('does not announce') })
  })
})

describe('is refused before the 200 (RFC 8441 §4 and §5)', () => {
  test.each([
    ['a CONNECT without :protocol (RFC 9113 §8.5)', tunnel, 501, 'not-implemented'],
    ['another protocol', connectOf({ ':protocol': 'connect-udp' }), 501, 'not-implemented'],
    ['the protocol in capitals', connectOf({ ':protocol': 'WebSocket' }), 501, 'not-implemented'],
    ['the scheme http', connectOf({ ':scheme': 'http' }), 400, 'bad-request'],
    ['the scheme wss', connectOf({ ':scheme': 'wss' }), 400, 'bad-request'],
    ['no version', connectOf({ 'sec-websocket-version': '' }), 400, 'bad-request'],
    ['two versions', connectOf({ 'sec-websocket-version': '13, 8' }), 400, 'bad-request'],
    ['a body', connectOf({ 'content-length': '5' }), 400, 'bad-request'],
    ['a subprotocol twice', connectOf({ 'sec-websocket-protocol': 'json, json' }), 400, 'bad-request'],
    ['broken extensions', connectOf({ 'sec-websocket-extensions': 'a;;' }), 400, 'bad-request'],
    ['a page of another origin (R23)', connectOf({ origin: foreignOrigin }), 403, 'forbidden-origin'],
    ['a wrong room', connectOf({ ':path': '/rooms/no%20room/socket' }), 400, 'bad-room'],
    ['a wrong cursor', connectOf({ ':path': `${path}?after=x` }), 400, 'bad-cursor'],
    ['half of an identity', connectOf({ ':path': `${path}?link=1` }), 400, 'bad-request'],
    ['another resource', connectOf({ ':path': '/rooms/lounge/messages' }), 404, 'not-found'],
    ['another address', connectOf({ ':path': '/elsewhere' }), 404, 'not-found'],
  ] as const)('%s', async (_what, fields, status, name) => {
    const enter = vi.spyOn(lab.hub.links, 'enter')
    expect(await problemOf(fields)).toMatchObject({ status, name })
    expect(lab.hub.stats().subscribers).toBe(1)
    expect(enter).not.toHaveBeenCalled()
  })

  test('another version: 400 with the one that is spoken, as 426 has no meaning without Upgrade', async () => {
    const fields = connectOf({ 'sec-websocket-version': '8' })
    expect(await problemOf(fields)).toMatchObject({ status: 400, version: '13' })
  })

  test('a stream that has ended with its request', async () => {
    const found = await problemOf(connectOf(), { endStream: true })
    expect(found).toMatchObject({ status: 400, name: 'bad-request' })
  })

  test('a draining server: 503, with a time to come back', async () => {
    await lab.hub.drain()
    const found = await problemOf(connectOf())
    expect(found).toMatchObject({ status: 503, name: 'draining', retryAfter: expect.any(String) })
  })

  test('a session of another origin, which gives its place back', async () => {
    const identity = (link: number) => `${path}?session=aaaaaaaaaaaaaaaaaaaaaa&link=${link}`
    const owner = await connectPeer()
    owner.headers(1, right({ ':path': identity(1), origin: 'https://a.example' }))
    await owner.next(frameTypes.headers, 1)
    const stolen = connectOf({ ':path': identity(2), origin: 'https://b.example' })
    expect(await problemOf(stolen)).toMatchObject({ status: 403, name: 'forbidden-session' })
    expect(lab.hub.stats().subscribers).toBe(2)
  })

  test('and asked for no more, with NO_ERROR behind the whole answer (RFC 9113 §8.1)', async () => {
    const peer = await connectPeer()
    peer.headers(1, right({ ':protocol': 'x' }))
    expect(await peer.resetOf(1)).toBe(errorCodes.noError)
    expect(JSON.parse(peer.bytes(1).toString())).toMatchObject({ status: 501 })
  })

  test('and a peer that does not take its answer is not waited for', async () => {
    const peer = await connectPeer([[settingNames.initialWindowSize, 0]])
    peer.headers(1, right({ ':protocol': 'x' }))
    await peer.next(frameTypes.headers, 1)
    expect(await peer.resetOf(1)).toBe(errorCodes.cancel)
  })
})

describe('a request that is malformed is reset (RFC 9113 §8.1.1), and its connection goes on', () => {
  test.each([
    ['no :scheme', { ':scheme': null }],
    ['no :path', { ':path': null }],
    ['an empty :path', { ':path': '' }],
    ['the :path *', { ':path': '*' }],
    ['a :path that is none', { ':path': 'rooms/lounge/socket' }],
    ['no :authority', { ':authority': null }],
    [':protocol with GET', { ':method': 'GET' }],
    ['Connection', { connection: 'Upgrade' }],
    ['Upgrade', { upgrade: 'websocket' }],
    ['Transfer-Encoding', { 'transfer-encoding': 'chunked' }],
    ['a name in capitals', { 'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==' }],
    ['an unknown pseudo-header field', { ':key': 'x' }],
  ])('%s', async (_what, changes) => {
    const peer = await openPeer()
    peer.headers(3, right(changes))
    expect(await peer.resetOf(3)).toBe(errorCodes.protocolError)
    peer.headers(5, right())
    await peer.next(frameTypes.headers, 5)
    expect(lab.hub.stats().subscribers).toBe(3)
  })

  test('a pseudo-header field twice', async () => {
    const peer = await openPeer()
    peer.headers(3, [...right(), [':protocol', 'websocket']])
    expect(await peer.resetOf(3)).toBe(errorCodes.protocolError)
  })
})

describe('a peer by hand', () => {
  test('is answered 200 without a proof of a key, and what came before the answer is read (R20)', async () => {
    const peer = await connectPeer()
    const probe = peerFrame('server', { opcode: 1, payload: '{"kind":"probe"}' })
    peer.socket.write(
      Buffer.concat([
        encodeFrame(frameTypes.headers, 4, 1, encodeFields(right())),
        encodeFrame(frameTypes.data, 0, 1, probe),
      ]),
    )
    const { payload } = await peer.next(frameTypes.headers, 1)
    // :status 200 in HPACK's static table (RFC 7541, appendix A).
    expect(payload[0]).toBe(0x88)
    await peer.until(() => peer.bytes(1).includes('"kind":"heartbeat"'))
    expect(peer.bytes(1).toString()).toContain(
      '"transport":"websocket-h2","negotiated":{"protocol":"h2","tls":true',
    )
  })

  test('that cuts its frames into one byte a DATA frame is understood', async () => {
    const peer = await openPeer()
    for (const byte of peerFrame('server', { opcode: 1, payload: '{"kind":"probe"}' }))
      peer.data(1, Buffer.of(byte))
    await peer.until(() => peer.bytes(1).includes('"kind":"heartbeat"'))
  })

  test('closes: the close frame is answered, and the stream ends on both sides with END_STREAM (RFC 8441 §5)', async () => {
    const peer = await openPeer()
    peer.data(1, peerFrame('server', { opcode: 8, payload: Buffer.of(0x03, 0xe8) }))
    const isEnd = (flags: number) => (flags & endStream) !== 0
    await peer.until(() => peer.frames.some(({ stream, flags }) => stream === 1 && isEnd(flags)))
    expect(peer.bytes(1).subarray(-4)).toEqual(Buffer.of(0x88, 2, 0x03, 0xe8))
    peer.data(1, Buffer.alloc(0), endStream)
    await eventually(() => expect(served.at(-1)?.closed).toBe(true))
    expect(peer.frames.some(({ type }) => type === frameTypes.reset)).toBe(false)
  })

  test('that ends the stream without a close frame is gone, as after a FIN (RFC 8441 §5)', async () => {
    const peer = await openPeer()
    expect(lab.hub.stats().subscribers).toBe(2)
    peer.data(1, Buffer.alloc(0), endStream)
    await eventually(() => expect(lab.hub.stats().subscribers).toBe(1))
    await eventually(() => expect(served.at(-1)?.closed).toBe(true))
  })

  test.each(Object.entries(errorCodes))('that resets the stream with %s is gone', async (_name, code) => {
    const peer = await openPeer()
    peer.reset(1, code)
    await eventually(() => expect(lab.hub.stats().subscribers).toBe(1))
  })

  test('that breaks RFC 6455 gets 1002, and the other socket of its connection goes on', async () => {
    const peer = await openPeer()
    peer.headers(3, right())
    await peer.next(frameTypes.headers, 3)
    peer.data(1, peerFrame('client', { opcode: 1, payload: 'not masked' }))
    await peer.until(() => peer.bytes(1).includes(Buffer.of(0x03, 0xea)))
    peer.data(3, peerFrame('server', { opcode: 1, payload: '{"kind":"probe"}' }))
    await peer.until(() => peer.bytes(3).includes('"kind":"heartbeat"'))
  })

  test('that says GOAWAY keeps the sockets that it has', async () => {
    const peer = await openPeer()
    peer.frame(frameTypes.goaway, 0, 0, Buffer.alloc(8))
    peer.data(1, peerFrame('server', { opcode: 1, payload: '{"kind":"probe"}' }))
    await peer.until(() => peer.bytes(1).includes('"kind":"heartbeat"'))
  })

  test('that says nonsense in place of frames loses its connection', async () => {
    const peer = await openPeer()
    peer.socket.write(Buffer.alloc(64, 0xff))
    await once(peer.socket, 'close')
  })

  test('that resets each stream as it opens it, 10,000 times, costs nothing that stays', async () => {
    const peer = await connectPeer()
    const fields = encodeFields(right())
    const reset = Buffer.of(0, 0, 0, errorCodes.cancel)
    let opened = 0
    while (opened < 10_000 && !peer.socket.destroyed) {
      const burst: Buffer[] = []
      for (let end = opened + 100; opened < end; opened++) {
        burst.push(encodeFrame(frameTypes.headers, 4, opened * 2 + 1, fields))
        burst.push(encodeFrame(frameTypes.reset, 0, opened * 2 + 1, reset))
      }
      peer.socket.write(Buffer.concat(burst))
      await new Promise((resolve) => setImmediate(resolve))
    }
    await eventually(() => expect(lab.hub.stats().subscribers).toBe(1))
    expect(served.every((stream, index) => index === 0 || stream.closed)).toBe(true)
  })

  test('whose connection is cut in the middle of it all leaves nothing behind', async () => {
    const peer = await openPeer()
    for (let stream = 3; stream < 100; stream += 2) peer.headers(stream, right())
    await eventually(() => expect(lab.hub.stats().subscribers).toBeGreaterThan(10))
    peer.destroy()
    await eventually(() => expect(lab.hub.stats().subscribers).toBe(1))
  })
})

describe('a peer that does not read', () => {
  test('costs a bounded amount, holds nobody up, not even on its own connection, and catches up (R38)', async () => {
    const peer = await openPeer([[settingNames.initialWindowSize, 0]])
    const server = served.at(-1)
    if (server === undefined) throw new Error('The server has no such stream.')
    const neighbour = await open('after=test.0')
    const slow = await open('after=test.0')
    slow.pause()
    let most = 0
    while (lab.hub.stats().behind < 2) {
      await publish(100, 8000)
      most = Math.max(most, server.writableLength)
    }
    for (let round = 0; round < 5; round++) {
      await publish(100, 8000)
      most = Math.max(most, server.writableLength)
    }
    const last = lab.hub.head('lounge').offset
    await eventually(() => expect(neighbour.context.offsets).toHaveLength(last))
    // It says false at its high-water mark, and has then taken one more batch.
    expect(most).toBeLessThanOrEqual(64 * 1024 + serverLimits.batchBytes + 1024)
    slow.resume()
    await eventually(() => expect(slow.context.offsets).toEqual(numbers(last)))
    // With a window it reads on from the log.
    peer.windowUpdate(1, 0x7fff_0000)
    peer.windowUpdate(0, 0x7fff_0000)
    await eventually(() => expect(peer.bytes(1).includes(`"offset":${last},`)).toBe(true))
    slow.terminate()
    neighbour.terminate()
  })
})

describe('a peer that is silent', () => {
  beforeEach(async () => {
    dialer.close()
    await lab.close()
    await begin(100)
  })

  test.each([
    ['and reads', []],
    ['with a window of 0 for ever', [[settingNames.initialWindowSize, 0]]],
  ] as const)(
    '%s: its stream is reset with CANCEL, its connection stands (R34, RFC 8441 §5)',
    async (_what, settings) => {
      const peer = await openPeer(settings)
      expect(await peer.resetOf(1)).toBe(errorCodes.cancel)
      expect(lab.hub.stats().subscribers).toBe(1)
      peer.headers(3, right())
      await peer.next(frameTypes.headers, 3)
    },
  )
})

test('an upgrade over HTTP/1.1 is told in a goodbye why it cannot stay, and takes no place', async () => {
  const heard = new Heard()
  const socket = await dial(new URL(path, lab.h2WebSocket), {
    handler,
    context: heard,
    subprotocols: ['json'],
    tls: { ca: lab.certificate },
  })
  await eventually(() => expect(heard.ends).toMatchObject([{ code: 1008, wasClean: true }]))
  expect(socket.context.documents).toMatchObject([{ kind: 'goodbye', cause: 'protocol', retry: true }])
  expect(lab.hub.stats().subscribers).toBe(1)
})

test('a client that offers no HTTP/2 is served as far as HTTP/1.1 goes', async () => {
  const socket = connectTls({ host: '127.0.0.1', port: Number(lab.h2WebSocket.port), ca: lab.certificate })
  socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`)
  const answer = (await socket.toArray()).join('')
  expect(answer).toMatch(/^HTTP\/1\.1 426 /)
  expect(answer).toContain('/problems/upgrade-required')
})
