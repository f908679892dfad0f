// Idle HTTP/2 sessions are closed; one with a stream is not, however long it is silent (R4).
import { once } from 'node:events'
import { connect } from 'node:http2'
import { expect, test, vi } from 'vitest'
import { http2PushServer } from '../transports/http2-push/server.ts'
import { startLab } from '../transports/lab.harness.ts'
import { Connections } from './connections.ts'

test('a session without a stream is closed at the second look; one with a stream stays', async () => {
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
  await vi.waitFor(() => expect(connections.sessionCount).toBe(1))
  expect(busy.closed).toBe(false)
  const cancelled = once(stream, 'close')
  stream.close()
  stream.resume()
  await cancelled
  busy.destroy()
  await lab.close()
})
