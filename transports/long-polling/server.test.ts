// Long polling's server half: what parks, what ends the wait, and what a poll costs whose client stops reading or goes away.
import { once } from 'node:events'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { type ClientHttp2Session, type ClientHttp2Stream, connect, constants } from 'node:http2'
import { type AddressInfo, connect as connectTcp, createServer, type Socket } from 'node:net'
import { v7 as uuidVersion7 } from 'uuid'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { eventually } from '../eventually.harness.ts'
import { foreignOrigin, type Lab, startLab } from '../lab.harness.ts'
import { serverLimits, wireLimits } from '../limits.ts'
import type { Message } from '../message.ts'
import { longPollingServer } from './server.ts'

let lab: Lab
let session: ClientHttp2Session

beforeEach(async () => {
  lab = await startLab({ transports: [longPollingServer], heartbeatMs: 200 })
  session = connect(lab.https.origin, { ca: lab.certificate })
})

afterEach(async () => {
  vi.useRealTimers()
  session.destroy()
  await lab.close()
})

interface Answer {
  readonly status: number
  readonly headers: Record<string, unknown>
  readonly body: Record<string, unknown> & { messages?: Message[] }
}

const path = (query: string, room = 'lounge') => `/rooms/${room}/messages?${query}`
const identity = (link: number) => `session=aaaaaaaaaaaaaaaaaaaaaa&link=${link}`

async function get(query: string, headers: Record<string, string> = {}): Promise<Answer> {
  const response = await fetch(new URL(path(query), lab.http), { headers })
  return {
    status: response.status,
    headers: Object.fromEntries(response.headers),
    body: (await response.json()) as Answer['body'],
  }
}

/** One request over HTTP/2, whose answer may be left unread. */
class Asked {
  readonly stream: ClientHttp2Stream
  text = ''
  constructor(query: string, over = session) {
    this.stream = over.request({ ':path': path(query) })
    this.stream.on('error', () => this.stream.destroy())
  }
  read(): this {
    this.stream.setEncoding('utf8').on('data', (chunk: string) => {
      this.text += chunk
    })
    return this
  }
  async answer(): Promise<Answer['body']> {
    if (!this.stream.readableEnded) await once(this.stream, 'end')
    return JSON.parse(this.text) as Answer['body']
  }
}

async function publish(count: number, length = 10, room = 'lounge'): Promise<void> {
  const text = 'x'.repeat(length)
  await Promise.all(
    Array.from({ length: count }, () => lab.hub.publish(room, { id: uuidVersion7(), user: 'ada', text })),
  )
}

function parked(count: number): Promise<void> {
  return vi.waitFor(() => expect(lab.hub.stats().subscribers).toBe(count), 5000)
}

const offsets = ({ messages = [] }: Answer['body']) => messages.map(({ offset }) => offset)

describe('a poll that may wait', () => {
  test('is answered at once when there is something behind its cursor', async () => {
    await publish(3)
    const { status, headers, body } = await get('after=test.1&wait=20')
    expect(status).toBe(200)
    expect(headers).toMatchObject({
      'content-type': 'application/json; charset=utf-8',
      etag: '"test.3"',
      'cache-control': 'no-store',
      'parley-protocol': 'http/1.1',
    })
    expect(offsets(body)).toEqual([2, 3])
    expect(body).toMatchObject({ kind: 'messages', after: 'test.1', cursor: 'test.3', head: 'test.3' })
  })

  test('waits for what is not there yet; what one tick brings comes in one answer', async () => {
    const asking = get('after=test.0&wait=20')
    await parked(1)
    await publish(3)
    expect(offsets((await asking).body)).toEqual([1, 2, 3])
    await parked(0)
  })

  test('is told that there was nothing when its time is over', async () => {
    await publish(2)
    const { status, body } = await get('last=0&wait=0')
    expect(status).toBe(200)
    expect(body).toEqual({
      kind: 'messages',
      after: 'test.2',
      messages: [],
      cursor: 'test.2',
      head: 'test.2',
    })
    const began = performance.now()
    expect((await get('after=test.2&wait=1')).body).toMatchObject({ messages: [], cursor: 'test.2' })
    expect(performance.now() - began).toBeGreaterThan(900)
    await parked(0)
  })

  test('reads a page of a long backlog at a time, and says where the head is', async () => {
    await publish(40, 8000)
    const { body } = await get('after=test.0&wait=20')
    expect(offsets(body).length).toBeLessThan(10)
    expect(body.head).toBe('test.40')
  })

  test('a cursor of another log is a reset', async () => {
    await publish(1)
    const { body } = await get('after=other.7&wait=20')
    expect(body).toMatchObject({ kind: 'reset', cursor: 'test.0', head: 'test.1' })
  })

  test('says HTTP/2 where it came over it', async () => {
    const asked = new Asked('last=0&wait=0').read()
    const [headers] = await once(asked.stream, 'response')
    expect(headers['parley-protocol']).toBe('h2; tls')
    await asked.answer()
  })
})

describe('is refused, and parks nothing', () => {
  test.each([
    [`wait=${wireLimits.waitSeconds + 1}`, {}, 400, 'bad-request'],
    ['wait=-1', {}, 400, 'bad-request'],
    ['wait=1.5', {}, 400, 'bad-request'],
    ['wait=', {}, 400, 'bad-request'],
    ['wait=1&wait=2', {}, 400, 'bad-request'],
    ['wait=1&limit=5', {}, 400, 'bad-request'],
    ['wait=1&before=test.1', {}, 400, 'bad-request'],
    ['wait=1&after=nonsense', {}, 400, 'bad-cursor'],
    ['wait=1&link=1', {}, 400, 'bad-request'],
    ['wait=1', { origin: foreignOrigin }, 403, 'forbidden-origin'],
  ])('%s %j', async (query, headers, status, name) => {
    const answer = await get(query, headers)
    expect(answer.status).toBe(status)
    expect(answer.headers['content-type']).toBe('application/problem+json')
    expect(answer.body.type).toBe(`/problems/${name}`)
    expect(lab.hub.stats().subscribers).toBe(0)
  })

  test('a room that cannot be named', async () => {
    const response = await fetch(new URL('/rooms/no%20room/messages?wait=1', lab.http))
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({ type: '/problems/bad-room' })
  })

  test('one more than a connection may park, until one is answered', async () => {
    const all = Array.from({ length: serverLimits.parkedPollsOnConnection }, () =>
      new Asked('after=test.0&wait=20').read(),
    )
    await parked(serverLimits.parkedPollsOnConnection)
    // Again and again: one that is refused had no place that it could free.
    for (let count = 0; count < 3; count++) {
      const more = new Asked('after=test.0&wait=20').read()
      expect(await more.answer()).toMatchObject({ type: '/problems/too-many-requests' })
    }
    expect(lab.hub.stats().subscribers).toBe(serverLimits.parkedPollsOnConnection)
    await publish(1)
    for (const asked of all) expect(offsets(await asked.answer())).toEqual([1])
    expect(offsets(await new Asked('after=test.0&wait=20').read().answer())).toEqual([1])
  })
})

describe('R30: overlapping polls of one link', () => {
  test('the newer wins, the older ends at once with nothing, and nothing is lost', async () => {
    const older = get(`after=test.0&wait=20&${identity(1)}`)
    await parked(1)
    const newer = get(`after=test.0&wait=20&${identity(1)}`)
    expect(await older).toMatchObject({ status: 200, body: { messages: [], cursor: 'test.0' } })
    await parked(1)
    await publish(2)
    expect(offsets((await newer).body)).toEqual([1, 2])
  })

  test('a newer link of the session ends the older one as replaced, a second later (R24)', async () => {
    const older = get(`after=test.0&wait=20&${identity(1)}`)
    await parked(1)
    const newer = get(`after=test.0&wait=20&${identity(2)}`)
    await parked(2)
    expect(await older).toMatchObject({ status: 409, body: { type: '/problems/replaced' } })
    await publish(1)
    expect(offsets((await newer).body)).toEqual([1])
    expect((await get(`after=test.0&wait=20&${identity(1)}`)).status).toBe(409)
  })

  test('one that is refused ends no other: the session is another origin’s', async () => {
    const asking = get(`after=test.0&wait=20&${identity(2)}`, { origin: 'https://one.example' })
    await parked(1)
    const foreign = await get(`after=test.0&wait=20&${identity(2)}`, { origin: 'https://two.example' })
    expect(foreign).toMatchObject({ status: 403, body: { type: '/problems/forbidden-session' } })
    expect(lab.hub.stats().subscribers).toBe(1)
    await publish(1)
    expect(offsets((await asking).body)).toEqual([1])
  })

  test('another session’s poll is another’s', async () => {
    const one = get(`after=test.0&wait=20&${identity(1)}`)
    const other = get('after=test.0&wait=20&session=bbbbbbbbbbbbbbbbbbbbbb&link=1')
    await parked(2)
    await publish(1)
    expect([offsets((await one).body), offsets((await other).body)]).toEqual([[1], [1]])
  })
})

test('R5: a server that goes away answers 100 parked polls at once, each with a time to come back', async () => {
  const asked = Array.from({ length: 50 }, () => new Asked('after=test.0&wait=20').read())
  const plain = Array.from({ length: 50 }, () => get('after=test.0&wait=20'))
  await parked(100)
  const began = performance.now()
  await lab.hub.drain()
  for (const one of asked)
    expect(await one.answer()).toMatchObject({ type: '/problems/draining', retryAfterMs: expect.any(Number) })
  for (const { status, headers } of await Promise.all(plain)) {
    expect(status).toBe(503)
    expect(Number(headers['retry-after'])).toBeGreaterThan(0)
  }
  expect(performance.now() - began).toBeLessThan(1000)
  expect((await get('after=test.0&wait=20')).status).toBe(503)
})

describe('a client that goes away', () => {
  test('frees its place: its connection closes, or its stream (R8)', async () => {
    const asked = httpRequest(new URL(path('after=test.0&wait=20'), lab.http))
    asked.on('error', () => asked.destroy())
    asked.end()
    const stream = new Asked(`after=test.0&wait=20&${identity(1)}`)
    await parked(2)
    asked.destroy()
    stream.stream.close(constants.NGHTTP2_CANCEL)
    await parked(0)
    await publish(1)
  })

  test('without a word is found on its HTTP/2 connection (R34)', async () => {
    const pairs: { near: Socket; far: Socket }[] = []
    const hole = createServer((near) => {
      const far = connectTcp(Number(lab.https.port), '127.0.0.1')
      for (const socket of [near, far]) socket.on('error', () => socket.destroy())
      near.pipe(far).pipe(near)
      pairs.push({ near, far })
    })
    await once(hole.listen(0, '127.0.0.1'), 'listening')
    const gone = connect(`https://127.0.0.1:${(hole.address() as AddressInfo).port}`, { ca: lab.certificate })
    gone.on('error', () => gone.destroy())
    const lost = new Asked('after=test.0&wait=30', gone)
    await parked(1)
    for (const { near, far } of pairs) {
      near.unpipe(far).pause()
      far.unpipe(near).pause()
    }
    await parked(0)
    expect(lost.stream.readableEnded).toBe(false)
    gone.destroy()
    for (const { near, far } of pairs) {
      near.destroy()
      far.destroy()
    }
    hole.close()
  })
})

describe('a connection that asks and takes nothing (R38)', () => {
  test('is held to a bound: beyond it polls are answered with nothing, and can ask again', async () => {
    await publish(200, 8000)
    const slow = connect(lab.https.origin, { ca: lab.certificate, settings: { initialWindowSize: 0 } })
    const asked = Array.from({ length: 60 }, () => new Asked('after=test.0&wait=20', slow))
    await eventually(() => expect(lab.hub.queues().answers.mostBytes).toBeGreaterThan(0))
    await parked(0)
    // One answer may begin below the bound, and be as long as a page.
    const bound = serverLimits.unreadAnswerBytes + serverLimits.batchBytes + 60 * 512
    expect(lab.hub.queues().answers.mostBytes).toBeLessThanOrEqual(bound)
    // Another connection is served as ever.
    expect(offsets(await new Asked('after=test.0&wait=20').read().answer()).length).toBeGreaterThan(0)
    slow.settings({ initialWindowSize: 1 << 20 })
    const answers = await Promise.all(asked.map((one) => one.read().answer()))
    expect(answers.filter(({ messages = [] }) => messages.length === 0).length).toBeGreaterThan(50)
    await eventually(() => expect(lab.hub.queues().answers.holders).toBe(0))
    slow.destroy()
  })
})

test('2,000 polls are parked on 50 connections, and one message answers them all', async () => {
  const sessions = Array.from({ length: 50 }, () => connect(lab.https.origin, { ca: lab.certificate }))
  const asked = sessions.flatMap((one) =>
    Array.from({ length: 40 }, () => new Asked('after=test.0&wait=30', one).read()),
  )
  await parked(2000)
  await publish(1)
  const answers = await Promise.all(asked.map((one) => one.answer()))
  expect(answers.every((body) => offsets(body)[0] === 1)).toBe(true)
  await parked(0)
  for (const one of sessions) one.destroy()
}, 20_000)

test('polls that come in one write over HTTP/1.1 are answered in order', async () => {
  const socket = connectTcp(Number(lab.http.port), '127.0.0.1')
  let text = ''
  socket.setEncoding('latin1').on('data', (chunk: string) => {
    text += chunk
  })
  const ask = (query: string) => `GET ${path(query)} HTTP/1.1\r\nHost: ${lab.http.host}\r\n\r\n`
  socket.write(ask('after=test.0&wait=20') + ask('last=0&wait=0'))
  await eventually(() => expect(lab.hub.stats().subscribers).toBeGreaterThanOrEqual(1))
  await publish(1)
  await eventually(() => expect([...text.matchAll(/HTTP\/1\.1 200/g)]).toHaveLength(2))
  expect(text.indexOf('"after":"test.0","messages":[{')).toBeGreaterThan(0)
  socket.destroy()
})

test('a HEAD, a POST and a read without a wait are not its business', async () => {
  const response = await new Promise<IncomingMessage>((resolve) =>
    httpRequest(new URL(path('wait=20'), lab.http), { method: 'HEAD' }, resolve).end(),
  )
  response.resume()
  expect(response.statusCode).toBe(404)
  expect((await fetch(new URL(path('last=0'), lab.http))).status).toBe(404)
})
