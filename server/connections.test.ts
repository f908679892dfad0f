// Idle HTTP/2 sessions are closed; one with a stream is not, however long it is silent (R4).
import { EventEmitter, once } from 'node:events'
import { connect } from 'node:http2'
import type { FastifyInstance } from 'fastify'
import { expect, test, vi } from 'vitest'
import { eventually } from '../transports/eventually.harness.ts'
import { http2PushServer } from '../transports/http2-push/server.ts'
import { startLab } from '../transports/lab.harness.ts'
import { Http2Dialer } from '../transports/websocket/dial-http2.node.ts'
import { webSocketHttp2Server } from '../transports/websocket/over-http2.server.ts'
import { Connections } from './connections.ts'

test('R4: a session without a stream is closed at the second look; one with a stream stays, and takes requests', async () => {
  const following: Connections[] = []
  const lab = await startLab({
    transports: [http2PushServer],
    begin: (app) => following.push(new Connections(app)),
  })
  const connections = following[1]
  if (connections === undefined) throw new Error('the TLS application is the second one')
  const [idle, busy] = [1, 2].map(() => connect(lab.https.origin, { ca: lab.certificate }))
  if (idle === undefined || busy === undefined) throw new Error('two sessions')
  const ended = once(idle, 'close')
  await Promise.all([once(idle, 'remoteSettings'), once(busy, 'remoteSettings')])
  const stream = busy.request({ ':path': '/rooms/lounge/stream?last=0' })
  await once(stream, 'response')
  expect(connections.sessionCount).toBe(2)
  for (let look = 0; look < 4; look++) connections.closeIdle()
  await ended
  await eventually(() => expect(connections.sessionCount).toBe(1))
  expect(busy.closed).toBe(false)
  // Four times the limit without a word, and it is as good as new (a GOAWAY would let the stream live and refuse this).
  const another = busy.request({ ':path': '/rooms/lounge/stream?last=0' })
  const [headers] = (await once(another, 'response')) as [{ ':status': number }]
  expect(headers[':status']).toBe(200)
  another.close()
  const cancelled = once(stream, 'close')
  stream.close()
  stream.resume()
  await cancelled
  busy.destroy()
  await lab.close()
})

test('R4: a session whose one stream is a WebSocket (RFC 8441) stays', async () => {
  const following: Connections[] = []
  const lab = await startLab({
    transports: [webSocketHttp2Server],
    begin: (app) => following.push(new Connections(app)),
  })
  const connections = following[2]
  if (connections === undefined) throw new Error('the application of extended CONNECT is the third one')
  const dialer = new Http2Dialer({ connection: { ca: lab.certificate } })
  const ended = vi.fn()
  const socket = await dialer.dial(new URL('/rooms/lounge/socket', lab.h2WebSocket), {
    handler: { message: () => undefined, closed: ended },
    context: null,
  })
  for (let look = 0; look < 4; look++) connections.closeIdle()
  expect(connections.sessionCount).toBe(1)
  expect(socket.isOpen).toBe(true)
  socket.close()
  await eventually(() => expect(ended).toHaveBeenCalled())
  // The connection ends with its last socket.
  await eventually(() => expect(connections.sessionCount).toBe(0))
  await lab.close()
})

test('a session that is destroyed but never closes does not keep its socket', () => {
  const server = new EventEmitter()
  const connections = new Connections({ server } as unknown as FastifyInstance)
  const end = { remoteAddress: '127.0.0.1', remotePort: 50_000 }
  const socket = Object.assign(new EventEmitter(), end, { destroy: vi.fn() })
  const session = Object.assign(new EventEmitter(), { socket: { ...end }, destroyed: false, close: vi.fn() })
  server.emit('connection', socket)
  server.emit('session', session)
  connections.closeIdle()
  expect(socket.destroy).not.toHaveBeenCalled()
  session.destroyed = true
  connections.closeIdle()
  expect(socket.destroy).toHaveBeenCalledOnce()
  expect(connections.sessionCount).toBe(0)
  expect(session.close).not.toHaveBeenCalled()
  connections.askToEnd()
})
