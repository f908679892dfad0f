// Server-sent events' client half over an EventSource that the test plays, as a browser's behaves: openings, outages, back-pressure and ends.
import { beforeEach, describe, expect, test } from 'vitest'
import { ManualClock } from '../clock.harness.ts'
import type { Closed, Delivery, Link, OpenRequest } from '../contract.ts'
import { LinkError } from '../errors.ts'
import type { Fetch } from '../http.client.ts'
import { problem } from '../problem.ts'
import { encodeDocument, type Hello, type ServerDocument } from '../wire.ts'
import { ServerSentEventsTransport } from './client.ts'
import { healTimeoutMs } from './event-link.ts'
import { type EventSourceLike, readyStates } from './fetch-event-source.ts'

const hello: Hello = {
  kind: 'hello',
  transport: 'server-sent-events',
  negotiated: { protocol: 'http/1.1', tls: false, subprotocol: null, extensions: [] },
  cursor: { epoch: 'e', offset: 3 },
  head: { epoch: 'e', offset: 5 },
  heartbeatMs: 1000,
}
const heartbeat: ServerDocument = { kind: 'heartbeat', time: 1 }
const goodbye: ServerDocument = {
  kind: 'goodbye',
  cause: 'peer',
  retry: true,
  retryAfterMs: 9,
  detail: 'Away.',
}

/** Plays a browser's EventSource: it can't be paused, and says nothing about why it failed. */
class PlayedSource implements EventSourceLike {
  readyState: number = readyStates.connecting
  onopen: ((event: never) => void) | null = null
  onmessage: ((event: never) => void) | null = null
  onerror: ((event: never) => void) | null = null

  readonly url: string

  constructor(url: string) {
    this.url = url
    sources.push(this)
  }

  say(...documents: readonly (ServerDocument | string)[]): void {
    this.readyState = readyStates.open
    for (const one of documents) {
      const data = typeof one === 'string' ? one : encodeDocument(one)
      this.onmessage?.({ data } as never)
    }
  }

  /** The connection is lost: it will try again. */
  breaks(): void {
    this.readyState = readyStates.connecting
    this.onerror?.({} as never)
  }

  /** It was answered with something that is no stream. */
  failsForGood(): void {
    this.readyState = readyStates.closed
    this.onerror?.({} as never)
  }

  close(): void {
    this.readyState = readyStates.closed
  }
}

let sources: PlayedSource[]
let clock: ManualClock
let received: Delivery[]
let closings: Closed[]
let isReady: Promise<void> | null
let asked: URL[]
/** What the same address answers by `fetch`. */
let answer: (signal: AbortSignal | null | undefined) => Promise<Response>

beforeEach(() => {
  sources = []
  clock = new ManualClock()
  received = []
  closings = []
  isReady = null
  asked = []
  answer = () => Promise.reject(new TypeError('fetch failed'))
})

const fetch: Fetch = (url, init = {}) => {
  asked.push(url)
  return answer(init.signal)
}

function open(more: Partial<OpenRequest> = {}): Promise<Link | LinkError> {
  const transport = new ServerSentEventsTransport({ EventSource: PlayedSource, fetch, clock })
  const request: OpenRequest = {
    base: new URL('http://lab.example'),
    room: 'lounge',
    session: 'a-session-of-22-characters',
    link: 4,
    start: { last: 5 },
    receive: (one) => {
      received.push(one)
      return isReady ?? undefined
    },
    closed: (reason) => closings.push(reason),
    signal: new AbortController().signal,
    ...more,
  }
  return transport.open(request).catch((error: unknown) => error as LinkError)
}

function source(): PlayedSource {
  const last = sources.at(-1)
  if (last === undefined) throw new Error('Nothing was opened.')
  return last
}

async function opened(): Promise<Link> {
  const opening = open()
  source().say(hello)
  const link = await opening
  if (link instanceof LinkError) throw link
  return link
}

async function settled(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve))
}

const messages = (offset: number): ServerDocument => ({
  kind: 'messages',
  after: { epoch: 'e', offset: offset - 1 },
  messages: [{ id: `id-${offset}`, user: 'ada', text: 'x', offset, time: 1 }],
  cursor: { epoch: 'e', offset },
})
const offsets = (): number[] => received.map(({ cursor }) => cursor.offset)

describe('opening', () => {
  test('the hello makes the link, and what came with it follows in order', async () => {
    const opening = open()
    source().say(hello, messages(4), messages(5))
    expect(await opening).toMatchObject({
      start: { offset: 3 },
      head: { offset: 5 },
      negotiated: hello.negotiated,
    })
    expect(offsets()).toEqual([4, 5])
    expect(source().url).toBe(
      'http://lab.example/rooms/lounge/stream?last=5&session=a-session-of-22-characters&link=4',
    )
  })

  test.each([
    ['a message first', messages(4), 'protocol'],
    ['something that is no document', '<h1>Sign in</h1>', 'protocol'],
    ['a goodbye first', goodbye, 'peer'],
  ] as const)('%s is refused, and the source closed', async (_what, first, cause) => {
    const opening = open()
    source().say(first)
    expect(await opening).toMatchObject({ name: 'LinkError', cause })
    expect([source().readyState, closings, clock.nextInMs]).toEqual([readyStates.closed, [], null])
  })

  test('an EventSource that fails says nothing: the same address by fetch does', async () => {
    const busy = problem('draining', 'The server is going away.', { retryAfterMs: 5000 })
    answer = async () => new Response(JSON.stringify(busy), { status: 503 })
    const opening = open()
    source().failsForGood()
    expect(await opening).toMatchObject({
      cause: 'peer',
      message: 'The server is going away.',
      retryAfterMs: 5000,
    })
    expect(asked.map(String)).toEqual([source().url])
  })

  test.each([
    ['nobody is there', () => Promise.reject(new TypeError('fetch failed')), 'cannot be reached'],
    ['a proxy answers', async () => new Response('', { status: 407 }), 'answers 407'],
    [
      'a page answers',
      async () => new Response('<h1>', { headers: { 'content-type': 'text/html' } }),
      'no event stream but "text/html"',
    ],
    [
      'it works by now',
      async () => new Response('', { headers: { 'content-type': 'text/event-stream' } }),
      'though the server can be reached',
    ],
  ])('%s: cause network, in words', async (_what, how, words) => {
    answer = how
    const opening = open()
    // A failure of the network is one that a browser would try again for ever.
    source().breaks()
    const error = await opening
    expect(error).toMatchObject({ cause: 'network', retry: true, message: expect.stringContaining(words) })
    expect(source().readyState).toBe(readyStates.closed)
  })

  test('what is asked by fetch is let go as soon as its head is there', async () => {
    let signal: AbortSignal | null | undefined
    answer = async (given) => {
      signal = given
      return new Response('', { headers: { 'content-type': 'text/event-stream' } })
    }
    const opening = open()
    source().failsForGood()
    await opening
    expect(signal?.aborted).toBe(true)
  })
})

describe('an outage', () => {
  test('is healed by the EventSource itself: one link, nothing lost, nothing twice', async () => {
    await opened()
    source().say(messages(4))
    source().breaks()
    clock.advance(2000)
    source().say({ ...hello, cursor: { epoch: 'e', offset: 4 } }, messages(5))
    clock.advance(1000)
    expect([offsets(), closings, sources.length]).toEqual([[4, 5], [], 1])
  })

  test('that lasts longer than a reconnect may take ends the link: the session goes on', async () => {
    await opened()
    source().breaks()
    clock.advance(healTimeoutMs - 1)
    expect(closings).toEqual([])
    clock.advance(1)
    expect(closings).toEqual([expect.objectContaining({ cause: 'network', retry: true })])
    expect(source().readyState).toBe(readyStates.closed)
    expect(clock.nextInMs).toBeNull()
  })

  test('at whose reconnect there is nobody ends the link at once', async () => {
    await opened()
    source().breaks()
    source().breaks()
    expect(closings.map(({ cause }) => cause)).toEqual(['network'])
  })

  test('is healed again later, when the stream has brought something meanwhile', async () => {
    await opened()
    for (let round = 0; round < 3; round++) {
      source().breaks()
      source().say(hello, heartbeat)
    }
    expect(closings).toEqual([])
  })

  test('behind an outage is not: a proxy that cuts each stream behind its hello is the session’s to skip (R31)', async () => {
    await opened()
    source().breaks()
    source().say(hello)
    source().breaks()
    expect(closings).toEqual([expect.objectContaining({ cause: 'network' })])
  })

  test('that ends in a refusal is told in the server’s words', async () => {
    answer = async () =>
      new Response(JSON.stringify(problem('replaced', 'Link 5 took over.')), { status: 409 })
    await opened()
    source().breaks()
    source().failsForGood()
    await settled()
    expect(closings).toEqual([
      expect.objectContaining({ cause: 'replaced', retry: false, detail: 'Link 5 took over.' }),
    ])
  })

  test('finds liveness watching again behind it', async () => {
    await opened()
    source().breaks()
    clock.advance(3500)
    source().say(hello)
    clock.advance(1999)
    expect(closings).toEqual([])
    clock.advance(1)
    expect(closings.map(({ cause }) => cause)).toEqual(['idle'])
  })

  test('that comes back over another protocol is no healing (R11)', async () => {
    await opened()
    source().breaks()
    source().say({ ...hello, negotiated: { ...hello.negotiated, protocol: 'h2' } })
    expect(closings.map(({ cause }) => cause)).toEqual(['network'])
  })
})

describe('an application that pushes back, on a source that cannot be paused (R39)', () => {
  test('is handed one at a time; an outage meanwhile keeps the order', async () => {
    await opened()
    const { promise, resolve } = Promise.withResolvers<void>()
    isReady = promise
    source().say(messages(4), messages(5))
    source().breaks()
    source().say({ ...hello, cursor: { epoch: 'e', offset: 5 } }, messages(6))
    expect(offsets()).toEqual([4])
    isReady = null
    resolve()
    await settled()
    expect([offsets(), closings]).toEqual([[4, 5, 6], []])
  })

  test('gets all that came before a goodbye, and the source does not reconnect behind it', async () => {
    await opened()
    const { promise, resolve } = Promise.withResolvers<void>()
    isReady = promise
    source().say(messages(4), messages(5), goodbye)
    expect([source().readyState, closings]).toEqual([readyStates.closed, []])
    isReady = null
    resolve()
    await settled()
    expect(offsets()).toEqual([4, 5])
    expect(closings).toEqual([{ cause: 'peer', retry: true, retryAfterMs: 9, detail: 'Away.' }])
  })

  test('gets nothing more once the link has ended', async () => {
    const link = await opened()
    const { promise, resolve } = Promise.withResolvers<void>()
    isReady = promise
    source().say(messages(4), messages(5))
    await link.close()
    resolve()
    await settled()
    expect(offsets()).toEqual([4])
    expect(closings.map(({ cause }) => cause)).toEqual(['local'])
  })
})

describe('silence', () => {
  test('of two heartbeats ends the link as idle, behind a proxy that buffers too (R1)', async () => {
    await opened()
    clock.advance(1500)
    source().say(heartbeat)
    clock.advance(1999)
    expect(closings).toEqual([])
    clock.advance(1)
    expect(closings.map(({ cause }) => cause)).toEqual(['idle'])
  })

  test('that somebody asks about: a request beside the stream finds that nobody is there (R35)', async () => {
    const link = await opened()
    source().say(messages(4))
    link.probe()
    await settled()
    expect(`${asked[0]?.pathname} ${asked[0]?.searchParams.get('after')}`).toBe('/rooms/lounge/messages e.4')
    expect(closings.map(({ cause }) => cause)).toEqual(['network'])
  })
})

test.each(['receipt', 'hello'])('a %s in the middle of a stream is an error of protocol', async (kind) => {
  await opened()
  source().say(kind === 'hello' ? hello : { kind: 'receipt', id: 'x', offset: 1, time: 1, created: true })
  expect(closings.map(({ cause }) => cause)).toEqual(['protocol'])
})
