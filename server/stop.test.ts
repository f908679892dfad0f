// The end of the server: everybody is told, what doesn't take it is cut, and all of it within a bound (R5).
import { once } from 'node:events'
import { request } from 'node:http'
import { type ClientHttp2Session, connect as connectHttp2 } from 'node:http2'
import type { Socket } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import type { ServerTransport } from '../transports/contract.server.ts'
import { problemName } from '../transports/problem.ts'
import { frameTypes, Http2Peer, opening } from '../transports/websocket/http2-peer.harness.ts'
import { ask, dialTcp, problemOf, startTestServer, type TestServer } from './server.harness.ts'
import { serverTransports } from './transports.ts'

const servers: TestServer[] = []
afterEach(async () => {
  for (const server of servers.splice(0)) await server.end()
})

async function start(transports: readonly ServerTransport[]): Promise<TestServer> {
  const server = await startTestServer({ transports })
  servers.push(server)
  return server
}

/** A transport that parks requests and never answers them: the worst that a bug in one could do. */
const parking: ServerTransport = {
  name: 'parking',
  mount(app) {
    app.get('/rooms/:room/park', (_request, reply) => {
      reply.hijack()
    })
  },
}

/** Opens HTTP/2 streams of a room, ten on each session, and collects what each says. */
async function openStreams(
  server: TestServer,
  count: number,
): Promise<{ sessions: ClientHttp2Session[]; said: string[] }> {
  const sessions = Array.from({ length: count / 10 }, () => {
    const session = connectHttp2(server.tlsUrl.origin, { rejectUnauthorized: false })
    return session.on('error', () => session.destroy())
  })
  const said: string[] = []
  await Promise.all(
    Array.from({ length: count }, async (_, index) => {
      const session = sessions[index % sessions.length] as ClientHttp2Session
      const stream = session.request({ ':path': '/rooms/lobby/stream' })
      stream.on('error', () => stream.destroy())
      said[index] = ''
      stream.setEncoding('utf8').on('data', (text: string) => {
        said[index] += text
      })
      await once(stream, 'data')
    }),
  )
  return { sessions, said }
}

/** Opens WebSockets that never answer: not even the closing handshake. */
async function openSockets(
  server: TestServer,
  count: number,
): Promise<{ sockets: Socket[]; said: string[] }> {
  const said: string[] = []
  const sockets = await Promise.all(
    Array.from({ length: count }, async (_, index) => {
      const socket = await dialTcp(server.plainUrl)
      socket.write(
        `GET /rooms/lobby/socket HTTP/1.1\r\nHost: ${server.plainUrl.host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: json\r\n\r\n`,
      )
      said[index] = ''
      socket.setEncoding('latin1').on('data', (text: string) => {
        said[index] += text
      })
      await once(socket, 'data')
      return socket
    }),
  )
  return { sockets, said }
}

/** Opens WebSockets over HTTP/2, 50 on each connection, that never answer either; collects what each says. */
async function openStreamSockets(
  server: TestServer,
  count: number,
): Promise<{ peers: Http2Peer[]; said: () => string[] }> {
  const { port, host } = server.h2WebSocketUrl
  const peers = await Promise.all(
    Array.from({ length: count / 50 }, () => Http2Peer.connect(Number(port), undefined)),
  )
  const streams = Array.from({ length: 50 }, (_, index) => index * 2 + 1)
  for (const peer of peers) {
    for (const stream of streams) peer.headers(stream, opening(host, '/rooms/lobby/socket'))
    for (const stream of streams) await peer.next(frameTypes.data, stream)
  }
  return {
    peers,
    said: () => peers.flatMap((peer) => streams.map((stream) => peer.bytes(stream).toString('latin1'))),
  }
}

/** Parks requests; gives how each ends. */
function park(server: TestServer, count: number): Promise<string>[] {
  return Array.from({ length: count }, () => {
    const sent = request(new URL('/rooms/lobby/park', server.plainUrl), { agent: false, family: 4 })
    sent.end()
    return new Promise<string>((resolve) => {
      sent.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? ''))
      sent.on('response', (response) => resolve(String(response.statusCode)))
    })
  })
}

test('R5: with 100 streams, 100 parked requests, 100 sockets and 100 on streams it ends within a second, and says goodbye', async () => {
  const server = await start([...serverTransports, parking])
  const streams = await openStreams(server, 100)
  const sockets = await openSockets(server, 100)
  const streamSockets = await openStreamSockets(server, 100)
  const parked = park(server, 100)
  while (Number(/parley_sockets ([0-9]+)/.exec((await ask(server.plainUrl, '/metrics')).body)?.[1]) < 213) {
    // Asks again until the last one has arrived.
  }
  const streamEnds = streams.sessions.map((session) => once(session, 'close'))
  const socketEnds = sockets.sockets.map((socket) => once(socket, 'close'))

  const peerEnds = streamSockets.peers.map(({ socket }) => once(socket, 'close'))

  const startedAt = performance.now()
  await server.stop()
  const durationMs = performance.now() - startedAt

  await Promise.all([...streamEnds, ...socketEnds, ...peerEnds])
  for (const text of streams.said) expect(text).toContain('"kind":"goodbye"')
  for (const text of sockets.said) expect(text).toContain('"kind":"goodbye"')
  for (const text of streamSockets.said()) expect(text).toContain('"kind":"goodbye"')
  expect(new Set(await Promise.all(parked))).toEqual(new Set(['ECONNRESET']))
  // Told at different times, so that they do not come back together (R33).
  const waits = streams.said.map((text) => /"retryAfterMs":([0-9]+)/.exec(text)?.[1])
  expect(new Set(waits).size).toBeGreaterThan(50)
  expect(durationMs).toBeLessThan(1000)
})

test.each([0, 1, 2])('closing one application alone ends as well (%i)', async (index) => {
  const server = await start(serverTransports)
  const { sessions } = await openStreams(server, 10)
  const { peers } = await openStreamSockets(server, 50)
  const startedAt = performance.now()
  await server.apps[index]?.close()
  expect(performance.now() - startedAt).toBeLessThan(1000)
  for (const session of sessions) session.destroy()
  for (const peer of peers) peer.destroy()
})

test('while it drains it is not ready, and refuses what is new with the time to come back', async () => {
  const server = await start(serverTransports)
  const { sockets } = await openSockets(server, 1)
  const drained = server.hub.drain()
  const ready = await ask(server.plainUrl, '/readyz')
  expect(ready.status).toBe(503)
  expect(problemName(problemOf(ready))).toBe('draining')
  expect((await ask(server.plainUrl, '/healthz')).status).toBe(200)
  const refused = await ask(server.plainUrl, '/rooms/lobby/messages', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ id: '0199aabb-ccdd-7000-8000-000000000001', user: 'ada', text: 'late' }),
  })
  expect(refused.status).toBe(503)
  expect(Number(refused.headers['retry-after'])).toBeGreaterThanOrEqual(0)
  for (const socket of sockets) socket.destroy()
  await drained
})
