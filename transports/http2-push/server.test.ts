// HTTP/2 push's server half, asked over bare HTTP/2 streams: headers, refusals, slow readers, and what a stream leaves behind.
import { once } from 'node:events'
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  constants,
  type ServerHttp2Stream,
} from 'node:http2'
import { request as httpsRequest } from 'node:https'
import { type AddressInfo, connect as connectTcp, createServer, type Socket } from 'node:net'
import { v7 as uuidVersion7 } from 'uuid'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { ServerTransport } from '../contract.server.ts'
import { eventually } from '../eventually.harness.ts'
import { foreignOrigin, type Lab, startLab } from '../lab.harness.ts'
import { serverLimits } from '../limits.ts'
import type { Message } from '../message.ts'
import { ProblemError, problem } from '../problem.ts'
import { LineDecoder } from './ndjson.ts'
import { http2PushServer } from './server.ts'

/** Holds requests up before they reach the transport, as a slow hook does. */
let gate: Promise<void> | null = null
const gatekeeper: ServerTransport = {
  name: 'gatekeeper',
  mount(app) {
    app.addHook('onRequest', async () => {
      await gate
    })
  },
}

let lab: Lab
let session: ClientHttp2Session
/** The server's ends of the streams. */
let served: ServerHttp2Stream[]

beforeEach(async () => {
  gate = null
  served = []
  lab = await startLab({ transports: [gatekeeper, http2PushServer], heartbeatMs: 200 })
  lab.apps[1]?.server.on('stream', (stream: ServerHttp2Stream) => served.push(stream))
  session = dial()
})

afterEach(async () => {
  vi.restoreAllMocks()
  session.destroy()
  await lab.close()
})

function dial(): ClientHttp2Session {
  return connect(lab.https.origin, { ca: lab.certificate })
}

type Document = Record<string, unknown> & { kind: string; messages?: Message[] }

/** One open stream, and what came down it. */
class Stream {
  readonly stream: ClientHttp2Stream
  readonly documents: Document[] = []
  readonly #lines = new LineDecoder(1 << 20)

  constructor(path: string, headers: Record<string, string> = {}, over: ClientHttp2Session = session) {
    this.stream = over.request({ ':path': path, ...headers })
    this.stream.on('error', () => this.stream.destroy())
  }

  read(): this {
    this.stream.on('data', (chunk: Buffer) => {
      for (const line of this.#lines.push(chunk)) this.documents.push(JSON.parse(line) as Document)
    })
    return this
  }

  async headers(): Promise<Record<string, unknown>> {
    const [headers] = await once(this.stream, 'response')
    return headers as Record<string, unknown>
  }

  async until(kind: string): Promise<Document> {
    return vi.waitFor(() => {
      const found = this.documents.find((one) => one.kind === kind)
      if (found === undefined) throw new Error(`There came no ${kind}.`)
      return found
    }, 5000)
  }

  get offsets(): number[] {
    return this.documents.flatMap((one) => one.messages ?? []).map(({ offset }) => offset)
  }

  get kinds(): string[] {
    return this.documents.map((one) => one.kind)
  }
}

async function publish(count: number, length: number): Promise<void> {
  const text = 'x'.repeat(length)
  for (let number = 0; number < count; number++) {
    await lab.hub.publish('lounge', { id: uuidVersion7(), user: 'ada', text })
  }
}

function numbers(last: number): number[] {
  return Array.from({ length: last }, (_, index) => index + 1)
}

const identity = (link: number) => `session=aaaaaaaaaaaaaaaaaaaaaa&link=${link}`

describe('the answer', () => {
  test('is marked so that nothing buffers, stores or compresses it (R1)', async () => {
    const stream = new Stream('/rooms/lounge/stream', { 'accept-encoding': 'gzip, br' })
    expect(await stream.headers()).toMatchObject({
      ':status': 200,
      'content-type': 'application/x-ndjson; charset=utf-8',
      'cache-control': 'no-cache, no-transform',
      'x-accel-buffering': 'no',
      'parley-protocol': 'h2; tls',
    })
  })

  test('begins with the hello before there is any message, then heartbeats (R2)', async () => {
    const stream = new Stream('/rooms/lounge/stream').read()
    expect(await stream.until('hello')).toEqual({
      kind: 'hello',
      transport: 'http2-push',
      negotiated: { protocol: 'h2', tls: true, subprotocol: null, extensions: [] },
      cursor: 'test.0',
      head: 'test.0',
      heartbeatMs: 200,
    })
    await stream.until('heartbeat')
    expect(stream.kinds[0]).toBe('hello')
  })

  test('begins with the hello even when there is much to catch up with', async () => {
    await publish(20, 8000)
    const stream = new Stream('/rooms/lounge/stream?after=test.0').read()
    await eventually(() => expect(stream.offsets).toHaveLength(20))
    expect(stream.kinds.indexOf('hello')).toBe(0)
    expect(stream.offsets).toEqual(numbers(20))
  })
})

describe('is refused', () => {
  test.each([
    ['/rooms/lounge/stream', { accept: 'text/html' }, 406, 'not-acceptable'],
    ['/rooms/lounge/stream', { accept: 'text/event-stream, text/plain' }, 406, 'not-acceptable'],
    ['/rooms/lounge/stream', { origin: foreignOrigin }, 403, 'forbidden-origin'],
    ['/rooms/no%20room/stream', {}, 400, 'bad-room'],
    ['/rooms/lounge/stream?after=x', {}, 400, 'bad-cursor'],
    ['/rooms/lounge/stream?after=test.0&last=2', {}, 400, 'bad-request'],
    ['/rooms/lounge/stream?link=2', {}, 400, 'bad-request'],
  ])('%s %o with %i', async (path, headers, status, name) => {
    const stream = new Stream(path, headers as Record<string, string>)
    expect(await stream.headers()).toMatchObject({
      ':status': status,
      'content-type': expect.stringContaining('application/problem+json'),
    })
    const body = (await stream.stream.toArray()).join('')
    expect(JSON.parse(body)).toMatchObject({ type: `/problems/${name}`, status })
    expect(lab.hub.stats().subscribers).toBe(0)
  })

  test.each(['application/x-ndjson', 'application/*', '*/*', 'text/html, */*;q=0.1'])(
    'but not for accepting %s',
    async (accept) => {
      const stream = new Stream('/rooms/lounge/stream', { accept })
      expect(await stream.headers()).toMatchObject({ ':status': 200 })
    },
  )

  test('over HTTP/1.1 with 505, on either port', async () => {
    const plain = await fetch(new URL('/rooms/lounge/stream', lab.http))
    expect(plain.status).toBe(505)
    expect(await plain.json()).toMatchObject({ type: '/problems/http-version' })
    const asked = httpsRequest(new URL('/rooms/lounge/stream', lab.https), {
      ca: lab.certificate,
    })
    asked.end()
    const [response] = await once(asked, 'response')
    expect(response.statusCode).toBe(505)
    response.resume()
  })
})

describe('a reader that stops reading', () => {
  test('costs a bounded amount, does not hold up the others, and catches up (R38)', async () => {
    const other = dial()
    const fast = new Stream('/rooms/lounge/stream?after=test.0', {}, other).read()
    await fast.until('hello')
    const slow = new Stream('/rooms/lounge/stream?after=test.0')
    await slow.headers()
    slow.stream.pause()
    const server = served[1]
    if (server === undefined) throw new Error('The server has no such stream.')
    let most = 0
    for (let round = 0; round < 10; round++) {
      await publish(50, 8000)
      most = Math.max(most, server.writableLength)
    }
    await eventually(() => expect(fast.offsets).toHaveLength(500))
    expect(lab.hub.stats().behind).toBe(1)
    // The stream says false at 64 KiB, and has then taken one more write. Below it, flow control bounds what is held.
    expect(most).toBeLessThanOrEqual(64 * 1024 + serverLimits.batchBytes + 1024)
    const queued = server.session?.state.outboundQueueSize ?? 0
    expect(queued).toBeLessThanOrEqual(8)
    slow.read().stream.resume()
    await vi.waitFor(() => expect(slow.offsets).toHaveLength(500), 5000)
    expect(slow.offsets).toEqual(numbers(500))
    expect(fast.offsets).toEqual(numbers(500))
    await eventually(() => expect(lab.hub.stats().behind).toBe(0))
    other.destroy()
  })

  test('gets no heartbeats on top of what it has not read', async () => {
    await publish(60, 8000)
    const slow = new Stream('/rooms/lounge/stream?after=test.0')
    await slow.headers()
    slow.stream.pause()
    await eventually(() => expect(served[0]?.writableNeedDrain).toBe(true))
    const before = served[0]?.writableLength
    const fast = new Stream('/rooms/elsewhere/stream').read()
    await vi.waitFor(
      () => expect(fast.kinds.filter((kind) => kind === 'heartbeat').length).toBeGreaterThanOrEqual(3),
      5000,
    )
    expect(served[0]?.writableLength).toBe(before)
  })
})

describe('a stream that ends', () => {
  test('by being cancelled frees its subscription', async () => {
    const stream = new Stream(`/rooms/lounge/stream?${identity(1)}`).read()
    await stream.until('hello')
    expect(lab.hub.stats().subscribers).toBe(1)
    stream.stream.close(constants.NGHTTP2_CANCEL)
    await eventually(() => expect(lab.hub.stats().subscribers).toBe(0))
    await publish(3, 10)
  })

  test('with its connection does, too, in the middle of a catch-up', async () => {
    await publish(100, 8000)
    const stream = new Stream('/rooms/lounge/stream?after=test.0')
    await stream.headers()
    session.destroy()
    await eventually(() => expect(lab.hub.stats().subscribers).toBe(0))
  })

  test('before the server came to it leaves nothing behind', async () => {
    let release: () => void = () => undefined
    gate = new Promise((resolve) => {
      release = resolve
    })
    const stream = new Stream(`/rooms/lounge/stream?${identity(1)}`)
    await eventually(() => expect(served).toHaveLength(1))
    stream.stream.close(constants.NGHTTP2_CANCEL)
    await eventually(() => expect(served[0]?.destroyed).toBe(true))
    release()
    gate = null
    // Another one, behind it, is served.
    const next = new Stream('/rooms/lounge/stream').read()
    await next.until('hello')
    expect(lab.hub.stats().subscribers).toBe(1)
  })

  test('because a newer one took over does so even when nobody reads its goodbye', async () => {
    await publish(60, 8000)
    const stuck = new Stream(`/rooms/lounge/stream?after=test.0&${identity(1)}`)
    await stuck.headers()
    stuck.stream.pause()
    await eventually(() => expect(served[0]?.writableNeedDrain).toBe(true))
    // The same number again takes over at once.
    const newer = new Stream(`/rooms/lounge/stream?${identity(1)}`).read()
    await newer.until('hello')
    await vi.waitFor(() => expect(served[0]?.destroyed).toBe(true), serverLimits.goodbyeDeadlineMs + 2000)
    await eventually(() => expect(lab.hub.stats().subscribers).toBe(1))
  })
})

describe('a connection whose other end has gone without a word', () => {
  test('is cut, with all its streams (R34); one that only does not read is not', async () => {
    const pairs: { near: Socket; far: Socket }[] = []
    const hole = createServer((near) => {
      const far = connectTcp(Number(lab.https.port), '127.0.0.1')
      for (const socket of [near, far]) socket.on('error', () => socket.destroy())
      near.pipe(far).pipe(near)
      pairs.push({ near, far })
    })
    hole.listen(0, '127.0.0.1')
    await once(hole, 'listening')
    const gone = connect(`https://127.0.0.1:${(hole.address() as AddressInfo).port}`, { ca: lab.certificate })
    for (const room of ['lounge', 'kitchen']) {
      const stream = new Stream(`/rooms/${room}/stream`, {}, gone).read()
      await stream.until('hello')
    }
    const still = new Stream('/rooms/lounge/stream')
    await still.headers()
    still.stream.pause()
    expect(lab.hub.stats().subscribers).toBe(3)
    // From here on nothing passes, and neither side is told.
    for (const { near, far } of pairs) {
      near.unpipe(far).pause()
      far.unpipe(near).pause()
    }
    await vi.waitFor(() => expect(lab.hub.stats().subscribers).toBe(1), 5000)
    const beats = new Stream('/rooms/lounge/stream', {}, session).read()
    await vi.waitFor(
      () => expect(beats.kinds.filter((kind) => kind === 'heartbeat').length).toBeGreaterThanOrEqual(4),
      5000,
    )
    expect(lab.hub.stats().subscribers).toBe(2)
    gone.destroy()
    for (const { near, far } of pairs) {
      near.destroy()
      far.destroy()
    }
    hole.close()
  })
})

test('a link that is refused a place does not take over from the one that has it', async () => {
  const first = new Stream(`/rooms/lounge/stream?${identity(1)}`).read()
  await first.until('hello')
  const enter = vi.spyOn(lab.hub.links, 'enter')
  vi.spyOn(lab.hub, 'subscribe').mockImplementationOnce(() => {
    throw new ProblemError(problem('overloaded', 'Full.'))
  })
  const second = new Stream(`/rooms/lounge/stream?${identity(2)}`)
  expect(await second.headers()).toMatchObject({ ':status': 503 })
  expect(enter).not.toHaveBeenCalled()
  expect(lab.hub.stats().subscribers).toBe(1)
})

test('one whose session is taken gives its place back', async () => {
  const first = new Stream(`/rooms/lounge/stream?${identity(1)}`, { origin: 'https://a.example' }).read()
  await first.until('hello')
  const second = new Stream(`/rooms/lounge/stream?${identity(2)}`, { origin: 'https://b.example' })
  expect(await second.headers()).toMatchObject({ ':status': 403 })
  expect(lab.hub.stats().subscribers).toBe(1)
})
