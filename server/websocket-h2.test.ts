// The port of WebSockets over HTTP/2 (RFC 8441) on the real server: what it serves, who may come, and what one connection may take.
import { once } from 'node:events'
import { connect, constants } from 'node:http2'
import { createServer } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventually } from '../transports/eventually.harness.ts'
import { serverLimits } from '../transports/limits.ts'
import { problemName } from '../transports/problem.ts'
import { Http2Dialer } from '../transports/websocket/dial-http2.node.ts'
import { Http2Peer, opening, settingNames } from '../transports/websocket/http2-peer.harness.ts'
import type { MessageSocket } from '../transports/websocket/socket.node.ts'
import { ask, askHttp2, problemOf, startTestServer, type TestServer } from './server.harness.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(() => server.end())

const path = '/rooms/lobby/socket'
const silent = { message: () => undefined, closed: () => undefined }

function dialer(more: { socketsPerConnection?: number } = {}): Http2Dialer {
  return new Http2Dialer({ connection: { rejectUnauthorized: false }, ...more })
}

function socket(from: Http2Dialer, headers: Record<string, string> = {}): Promise<MessageSocket<null>> {
  return from.dial(new URL(path, server.h2WebSocketUrl), { handler: silent, context: null, headers })
}

test('it says how the lab is, and serves neither rooms nor the page', async () => {
  const url = server.h2WebSocketUrl
  expect((await askHttp2(url, '/healthz')).body).toBe('ok\n')
  expect(JSON.parse((await askHttp2(url, '/transports')).body).ports.h2WebSocket).toBe(Number(url.port))
  expect((await askHttp2(url, '/')).body).toContain(server.tlsUrl.href)
  expect((await ask(url, '/')).body).toContain(server.tlsUrl.href)
  for (const elsewhere of ['/rooms/lobby/messages', '/rooms/lobby/stream']) {
    expect((await askHttp2(url, elsewhere)).status).toBe(404)
  }
  expect((await askHttp2(url, path)).status).toBe(426)
})

test.each([
  ['its own name', {}, 200],
  ['a page of the lab', { origin: 'TLS' }, 200],
  ['a page of the lab on the plain port', { origin: 'PLAIN' }, 200],
  ['another name (DNS rebinding)', { ':authority': 'rebound.example' }, 403],
  [
    'another name, and ours in Host, which must not count (RFC 9113 §8.3.1)',
    { ':authority': 'rebound.example', host: 'HOST' },
    403,
  ],
  ['a page of another site', { origin: 'https://elsewhere.example' }, 403],
  ['a page of this very port, which has none', { origin: 'OWN' }, 403],
])('%s: %j is answered %d (R23)', async (_what, changes, status) => {
  const { tlsUrl, plainUrl, h2WebSocketUrl } = server
  const names: Record<string, string> = {
    TLS: tlsUrl.origin,
    PLAIN: plainUrl.origin,
    OWN: h2WebSocketUrl.origin,
    HOST: h2WebSocketUrl.host,
  }
  const given = Object.entries(changes).map(([name, value]) => [name, names[value] ?? value])
  const session = connect(h2WebSocketUrl.origin, { rejectUnauthorized: false })
  await once(session, 'remoteSettings')
  const stream = session.request(
    {
      ':method': 'CONNECT',
      ':protocol': 'websocket',
      ':path': path,
      'sec-websocket-version': '13',
      ...Object.fromEntries(given),
    },
    { endStream: false },
  )
  const [headers] = (await once(stream, 'response')) as [Record<string, unknown>]
  expect(headers[':status']).toBe(status)
  stream.close(constants.NGHTTP2_CANCEL)
  session.destroy()
  await eventually(() => expect(server.hub.stats().subscribers).toBe(0))
})

test('a CONNECT to another port is no tunnel either', async () => {
  const session = connect(server.tlsUrl.origin, { rejectUnauthorized: false })
  const stream = session.request({ ':method': 'CONNECT', ':authority': server.tlsUrl.host })
  const [headers] = (await once(stream, 'response')) as [Record<string, unknown>]
  let body = ''
  for await (const chunk of stream.setEncoding('utf8')) body += chunk
  expect(headers[':status']).toBe(501)
  expect(problemName(JSON.parse(body))).toBe('not-implemented')
  session.destroy()
})

test('one connection has so many sockets and no more; with more, a client of ours opens another', async () => {
  const most = serverLimits.socketsOnConnection
  const peer = await Http2Peer.connect(Number(server.h2WebSocketUrl.port), undefined)
  expect((await peer.settings()).get(settingNames.maxConcurrentStreams)).toBe(most)
  const fields = opening(server.h2WebSocketUrl.host, path)
  for (let index = 0; index < most; index++) peer.headers(index * 2 + 1, fields)
  await eventually(() => expect(server.hub.stats().subscribers).toBe(most))
  // RFC 9113 §5.1.2: a peer that has acknowledged the bound and goes beyond it breaks the protocol.
  const ended = once(peer.socket, 'close')
  peer.headers(most * 2 + 1, fields)
  await ended
  await eventually(() => expect(server.hub.stats().subscribers).toBe(0))
  const ours = dialer()
  // The first tells how many the server allows.
  await socket(ours)
  await Promise.all(Array.from({ length: most }, () => socket(ours)))
  expect(ours.connectionCount).toBe(2)
  ours.close()
  await eventually(() => expect(server.hub.stats().subscribers).toBe(0))
})

test('a default port that is in use is no reason not to start; one that was asked for is', async () => {
  const taken = createServer().listen(0, '127.0.0.1')
  await once(taken, 'listening')
  const { port } = taken.address() as { port: number }
  const other = await startTestServer({ h2WebSocketPorts: [port, 0] })
  expect(Number(other.h2WebSocketUrl.port)).not.toBe(port)
  expect((await askHttp2(other.h2WebSocketUrl, '/readyz')).status).toBe(200)
  await other.end()
  await expect(startTestServer({ h2WebSocketPorts: [port] })).rejects.toThrow('--h2-websocket-port')
  taken.close()
})

test('a refusal is a problem over HTTP/1.1 too', async () => {
  expect(problemName(problemOf(await ask(server.h2WebSocketUrl, '/rooms/lobby/messages')))).toBe('not-found')
})
