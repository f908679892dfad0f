// What the server holds for peers that do not read: it is bounded, it is told in `/metrics`, and it is let go when they read (R38).
import { once } from 'node:events'
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect as connectHttp2,
  constants,
} from 'node:http2'
import { connect as connectTls } from 'node:tls'
import { v7 as uuidVersion7 } from 'uuid'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { eventually } from '../transports/eventually.harness.ts'
import { serverLimits } from '../transports/limits.ts'
import { ask, startTestServer, type TestServer } from './server.harness.ts'

/** What one peer may cost above an idle one. */
const boundBytes = 256 * 1024

let server: TestServer

beforeEach(async () => {
  server = await startTestServer({ heartbeatMs: 60_000 })
})
afterEach(() => server.end())

async function publish(count: number): Promise<void> {
  await Promise.all(
    Array.from({ length: count }, () =>
      server.hub.publish('lounge', { id: uuidVersion7(), user: 'ada', text: 'x'.repeat(8000) }),
    ),
  )
}

async function metric(name: string): Promise<number> {
  const { body } = await ask(server.plainUrl, '/metrics')
  const value = new RegExp(`^${name} (.+)$`, 'm').exec(body)?.[1]
  if (value === undefined) throw new Error(`There is no ${name}.`)
  return Number(value)
}

/** Publishes until the reader is behind, then some more: the most that was held for it. */
async function mostHeld(): Promise<number> {
  let most = 0
  let roundsBehind = 0
  while (roundsBehind < 10) {
    await publish(40)
    most = Math.max(most, server.hub.queues().readers.mostBytes)
    if (server.hub.stats().behind > 0) roundsBehind += 1
  }
  return most
}

interface Peer {
  resume(): unknown
  destroy(): unknown
}

/** A peer that reads its connection and one of its streams no further. */
async function stuckStream(path: string): Promise<Peer & { readonly stream: ClientHttp2Stream }> {
  const session = connectHttp2(server.tlsUrl.origin, { rejectUnauthorized: false })
  const stream = session.request({ ':path': path })
  await once(stream, 'response')
  return { stream, resume: () => stream.resume(), destroy: () => session.destroy() }
}

async function stuckSocket(): Promise<Peer> {
  const { host, port } = server.tlsUrl
  const socket = connectTls({ port: Number(port), host: '127.0.0.1', rejectUnauthorized: false })
  await once(socket, 'secureConnect')
  socket.write(
    `GET /rooms/lounge/socket?last=0 HTTP/1.1\r\nHost: ${host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
      'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
  )
  await once(socket, 'readable')
  return { resume: () => socket.resume(), destroy: () => socket.destroy() }
}

describe('a reader that stops reading (R38)', () => {
  test.each<[string, () => Promise<Peer>]>([
    ['a stream', () => stuckStream('/rooms/lounge/stream?last=0')],
    ['a WebSocket over TLS', stuckSocket],
  ])('%s: what is held for it is bounded, told, and let go when it reads again', async (_name, open) => {
    const peer = await open()
    await eventually(() => expect(server.hub.stats().subscribers).toBe(1))
    const most = await mostHeld()
    expect(most).toBeGreaterThan(32 * 1024)
    expect(most).toBeLessThan(boundBytes)
    expect(await metric('parley_subscriber_queued_bytes_max')).toBeGreaterThan(32 * 1024)
    expect(await metric('parley_subscribers_queued')).toBe(1)
    const ofConnection = await metric('parley_queued_bytes_max')
    expect(ofConnection).toBeGreaterThan(32 * 1024)
    expect(ofConnection).toBeLessThan(boundBytes)
    peer.resume()
    await vi.waitFor(() => expect(server.hub.queues().readers.bytes).toBe(0), 5000)
    await vi.waitFor(async () => expect(await metric('parley_queued_bytes')).toBe(0), 5000)
    peer.destroy()
  })
})

test('an answer to a poll counts until it is taken', async () => {
  await publish(40)
  const session = connectHttp2(server.tlsUrl.origin, {
    rejectUnauthorized: false,
    settings: { initialWindowSize: 0 },
  })
  const path = '/rooms/lounge/messages?last=4'
  const stream = session.request({ ':path': path })
  await once(stream, 'response')
  expect(await metric('parley_poll_unread_bytes')).toBeGreaterThan(32_000)
  expect(await metric('parley_queued_bytes')).toBeGreaterThan(32_000)
  expect(server.hub.queues().answers.holders).toBe(1)
  session.settings({ initialWindowSize: 1_000_000 })
  stream.resume()
  await once(stream, 'close')
  await eventually(() => expect(server.hub.queues().answers.bytes).toBe(0))
  expect(await metric('parley_queued_bytes')).toBe(0)
  session.destroy()
})

describe('a poller that asks on and takes no answer (R38)', () => {
  async function deafSession(): Promise<ClientHttp2Session> {
    const session = connectHttp2(server.tlsUrl.origin, {
      rejectUnauthorized: false,
      settings: { initialWindowSize: 0 },
    })
    await once(session, 'connect')
    return session
  }

  test('a few of its answers are held, a few requests wait, the rest is reset; its connection goes on', async () => {
    await publish(40)
    const session = await deafSession()
    const path = `/rooms/lounge/messages?after=${server.hub.head('lounge').epoch}.0`
    let answered = 0
    const resets: (number | undefined)[] = []
    const streams = Array.from({ length: 60 }, () => session.request({ ':path': path }))
    for (const stream of streams) {
      stream.on('response', () => {
        answered += 1
      })
      stream.on('error', () => stream.destroy())
      stream.on('close', () => resets.push(stream.rstCode))
    }
    const { unreadAnswerBytes, batchBytes, waitingRequests } = serverLimits
    await eventually(() => expect(resets).toHaveLength(60 - 2 - waitingRequests))
    expect(new Set(resets)).toEqual(new Set([constants.NGHTTP2_ENHANCE_YOUR_CALM]))
    expect(answered).toBeLessThanOrEqual(2)
    expect(server.hub.queues().answers.bytes).toBeLessThanOrEqual(unreadAnswerBytes + batchBytes + 1024)
    expect(await metric('parley_queued_bytes_max')).toBeLessThan(boundBytes)
    // It reads again: what waited is answered, and another question is.
    for (const stream of streams) stream.resume()
    session.settings({ initialWindowSize: 1_000_000 })
    await eventually(() => expect(resets).toHaveLength(60))
    expect(answered).toBe(2 + waitingRequests)
    const again = session.request({ ':path': path }).resume()
    const [headers] = await once(again, 'response')
    expect(headers[':status']).toBe(200)
    await once(again, 'close')
    expect(server.hub.queues().answers.bytes).toBe(0)
    session.destroy()
  })

  test('one that goes on and on loses its connection, and nothing is left of it', async () => {
    await publish(40)
    const session = await deafSession()
    session.on('error', () => session.destroy())
    const path = `/rooms/lounge/messages?after=${server.hub.head('lounge').epoch}.0`
    for (let asked = 0; asked < 20 + serverLimits.resetsInRow; asked++) {
      const stream = session.request({ ':path': path })
      stream.on('error', () => stream.destroy())
    }
    await eventually(() => expect(session.destroyed).toBe(true))
    await eventually(() => expect(server.hub.queues().answers.bytes).toBe(0))
    expect(await metric('parley_queued_bytes')).toBe(0)
  })

  test('a request that is given up while it waits leaves its place to the next', async () => {
    await publish(40)
    const session = await deafSession()
    const path = `/rooms/lounge/messages?after=${server.hub.head('lounge').epoch}.0`
    const ask = () => session.request({ ':path': path })
    const first = [ask(), ask()]
    await eventually(() => expect(server.hub.queues().answers.bytes).toBeGreaterThan(60_000))
    const waiting = Array.from({ length: serverLimits.waitingRequests }, ask)
    for (const stream of waiting) stream.close(constants.NGHTTP2_CANCEL)
    await Promise.all(waiting.map((stream) => once(stream, 'close')))
    const last = ask()
    for (const stream of [...first, last]) stream.resume()
    session.settings({ initialWindowSize: 1_000_000 })
    const [headers] = await once(last, 'response')
    expect(headers[':status']).toBe(200)
    session.destroy()
  })
})
