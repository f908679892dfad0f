// HTTP/2 push's client half over a stream that the test writes: openings, silence, goodbyes and whatever else a server may say.
import { beforeEach, describe, expect, test } from 'vitest'
import { ManualClock } from '../clock.harness.ts'
import type { Closed, Delivery, Link, OpenRequest } from '../contract.ts'
import { LinkError } from '../errors.ts'
import type { Fetch } from '../http.client.ts'
import { problem } from '../problem.ts'
import { encodeDocument, type ServerDocument } from '../wire.ts'
import { Http2PushTransport } from './client.ts'

const hello: ServerDocument = {
  kind: 'hello',
  transport: 'http2-push',
  negotiated: { protocol: 'h2', tls: true, subprotocol: null, extensions: [] },
  cursor: { epoch: 'e', offset: 3 },
  head: { epoch: 'e', offset: 5 },
  heartbeatMs: 1000,
}
const utf8 = new TextEncoder()

let clock: ManualClock
let stream: ReadableStreamDefaultController<Uint8Array>
let isCancelled: boolean
let received: Delivery[]
let closings: Closed[]

/** What a request beside the stream is answered with. */
let beside: ((signal: AbortSignal | null | undefined) => Promise<Response>) | null
let besides: URL[]

const fetch: Fetch = async (url, init = {}) => {
  init.signal?.throwIfAborted()
  if (beside !== null && url.pathname.endsWith('/messages')) {
    besides.push(url)
    return beside(init.signal)
  }
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      stream = controller
      // As the platform's does.
      init.signal?.addEventListener('abort', () => {
        isCancelled = true
        controller.error(init.signal?.reason)
      })
    },
  })
  return new Response(body)
}

beforeEach(() => {
  clock = new ManualClock()
  isCancelled = false
  beside = null
  besides = []
  received = []
  closings = []
})

function request(more: Partial<OpenRequest> = {}): OpenRequest {
  return {
    base: new URL('https://lab.example'),
    room: 'lounge',
    session: 'a-session-of-22-characters',
    link: 1,
    start: { last: 5 },
    receive: (one) => {
      received.push(one)
    },
    closed: (reason) => closings.push(reason),
    signal: new AbortController().signal,
    ...more,
  }
}

async function settled(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve))
}

async function say(...documents: readonly (ServerDocument | string)[]): Promise<void> {
  const lines = documents.map((one) => (typeof one === 'string' ? one : encodeDocument(one)))
  stream.enqueue(utf8.encode(lines.map((line) => `${line}\n`).join('')))
  await settled()
}

/** Opens, the server having said this; an opening that rejects gives its error. */
async function open(
  first: readonly (ServerDocument | string)[],
  more: Partial<OpenRequest> = {},
): Promise<Link | LinkError> {
  const transport = new Http2PushTransport({ fetch, clock })
  const opening = transport.open(request(more)).catch((error: unknown) => error)
  await settled()
  await say(...first)
  return (await opening) as Link | LinkError
}

async function opened(more: Partial<OpenRequest> = {}): Promise<Link> {
  const link = await open([hello], more)
  if (link instanceof LinkError) throw link
  return link
}

const messages = (offset: number): ServerDocument => ({
  kind: 'messages',
  after: { epoch: 'e', offset: offset - 1 },
  messages: [{ id: `id-${offset}`, user: 'ada', text: 'x', offset, time: 1 }],
  cursor: { epoch: 'e', offset },
})

describe('opening', () => {
  test('the hello makes the link, and what came with it follows', async () => {
    const link = await open([hello, messages(4), messages(5)])
    expect(link).toMatchObject({ head: { offset: 5 }, start: { offset: 3 }, negotiated: { protocol: 'h2' } })
    expect(received.map((one) => one.cursor.offset)).toEqual([4, 5])
  })

  test.each([
    ['a message first', [messages(4)], 'protocol'],
    ['something that is no document', ['<h1>Sign in</h1>'], 'protocol'],
    [
      'another protocol than the one it is for (R11)',
      [
        {
          ...hello,
          negotiated: { protocol: 'http/1.1' as const, tls: true, subprotocol: null, extensions: [] },
        },
      ],
      'protocol',
    ],
    [
      'a goodbye first',
      [{ kind: 'goodbye' as const, cause: 'peer' as const, retry: true, retryAfterMs: 9, detail: 'x' }],
      'peer',
    ],
  ] as [string, (ServerDocument | string)[], string][])(
    '%s is refused, and the request taken back',
    async (_what, first, cause) => {
      const error = await open(first)
      expect(error).toBeInstanceOf(LinkError)
      expect(error).toMatchObject({ cause })
      expect(isCancelled).toBe(true)
      expect(closings).toEqual([])
      expect(clock.nextInMs).toBeNull()
    },
  )

  test('an answer that is a problem is told in the server’s words', async () => {
    const busy = problem('overloaded', 'Full.', { retryAfterMs: 5000 })
    const refusing: Fetch = async () => new Response(JSON.stringify(busy), { status: 503 })
    const opening = new Http2PushTransport({ fetch: refusing, clock }).open(request())
    await expect(opening).rejects.toMatchObject({
      cause: 'refused',
      retry: true,
      retryAfterMs: 5000,
      message: 'Full.',
    })
  })

  test('given up while the server is silent: the request is taken back', async () => {
    const abort = new AbortController()
    const opening = new Http2PushTransport({ fetch, clock }).open(request({ signal: abort.signal }))
    const refused = expect(opening).rejects.toMatchObject({ cause: 'local' })
    await settled()
    abort.abort()
    await refused
    expect(isCancelled).toBe(true)
  })
})

describe('silence', () => {
  test('of two heartbeats ends the link as idle (R1, R34)', async () => {
    await opened()
    clock.advance(1999)
    expect(closings).toEqual([])
    clock.advance(1)
    expect(closings).toMatchObject([{ cause: 'idle', retry: true }])
    expect(isCancelled).toBe(true)
    expect(clock.nextInMs).toBeNull()
  })

  test('is broken by anything: a heartbeat, a message, a part of a line', async () => {
    await opened()
    for (const sign of [
      () => say({ kind: 'heartbeat', time: 1 }),
      () => say(messages(4)),
      async () => {
        stream.enqueue(utf8.encode('{"kind":'))
        await settled()
      },
    ]) {
      clock.advance(1900)
      await sign()
    }
    clock.advance(1900)
    expect(closings).toEqual([])
    clock.advance(100)
    expect(closings).toHaveLength(1)
  })

  test('of an application that is busy is not the server’s', async () => {
    let take: () => void = () => undefined
    await opened({
      receive: () =>
        new Promise((resolve) => {
          take = resolve
        }),
    })
    await say(messages(4))
    clock.advance(60_000)
    expect(closings).toEqual([])
    take()
    await settled()
    clock.advance(1999)
    expect(closings).toEqual([])
    clock.advance(1)
    expect(closings).toMatchObject([{ cause: 'idle' }])
  })
})

describe('R35: a probe, when somebody looks at the page again', () => {
  const poll = (offset: number): Response =>
    Response.json({ kind: 'messages', after: 'e.5', messages: [], cursor: 'e.5', head: `e.${offset}` })

  test('asks beside the stream, at what the stream has brought; nothing new is a good sign', async () => {
    const link = await opened()
    await say(messages(4))
    beside = async () => new Response(null, { status: 304 })
    link.probe()
    link.probe()
    await settled()
    expect(besides.map(({ searchParams }) => searchParams.get('after'))).toEqual(['e.4'])
    expect(closings).toEqual([])
    link.probe()
    await settled()
    expect(besides).toHaveLength(2)
  })

  test('a server that cannot be reached ends the link at once', async () => {
    const link = await opened()
    beside = () => Promise.reject(new TypeError('fetch failed'))
    link.probe()
    await settled()
    expect(closings).toMatchObject([{ cause: 'network', retry: true }])
  })

  test('a stream that has missed something must bring it soon, or it is dead', async () => {
    const slow: ServerDocument = { ...hello, heartbeatMs: 10_000 }
    const link = await open([slow])
    if (link instanceof LinkError) throw link
    beside = async () => poll(7)
    link.probe()
    await settled()
    clock.advance(4999)
    expect(closings).toEqual([])
    clock.advance(1)
    expect(closings).toMatchObject([{ cause: 'idle' }])
  })

  test('one that brings it lives on, and so does one that is ahead of the answer', async () => {
    const link = await open([{ ...hello, heartbeatMs: 10_000 }])
    if (link instanceof LinkError) throw link
    beside = async () => poll(4)
    link.probe()
    await settled()
    await say(messages(4))
    beside = async () => poll(3)
    link.probe()
    await settled()
    clock.advance(19_000)
    expect(closings).toEqual([])
  })

  test('an answer that does not come in time ends the link, unless the stream brought something meanwhile', async () => {
    beside = (signal) =>
      new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason)))
    const slow = await open([{ ...hello, heartbeatMs: 10_000 }])
    if (slow instanceof LinkError) throw slow
    slow.probe()
    await say(messages(4))
    clock.advance(5000)
    await settled()
    expect(closings).toEqual([])
    slow.probe()
    await settled()
    clock.advance(5000)
    await settled()
    expect(closings).toMatchObject([{ cause: 'idle' }])
  })

  test('a server that turns requests away for now is there', async () => {
    const link = await opened()
    beside = async () => new Response('busy', { status: 503 })
    link.probe()
    await settled()
    expect(closings).toEqual([])
  })
})

describe('the end', () => {
  test('a goodbye is handed on as it is said, and nothing behind it', async () => {
    await opened()
    await say(
      messages(4),
      { kind: 'goodbye', cause: 'peer', retry: true, retryAfterMs: 777, detail: 'Soon.' },
      messages(5),
    )
    expect(closings).toEqual([{ cause: 'peer', retry: true, retryAfterMs: 777, detail: 'Soon.' }])
    expect(received).toHaveLength(1)
  })

  test('a stream that ends without one is a failure of the network', async () => {
    await opened()
    stream.close()
    await settled()
    expect(closings).toMatchObject([{ cause: 'network', retry: true }])
  })

  test('a stream that breaks is, too', async () => {
    await opened()
    stream.error(new TypeError('terminated', { cause: new Error('ECONNRESET') }))
    await settled()
    expect(closings).toMatchObject([{ cause: 'network', detail: expect.stringContaining('ECONNRESET') }])
  })

  test.each([
    ['a second hello', hello],
    ['a receipt', { kind: 'receipt', id: 'x', offset: 1, time: 1, created: true }],
    ['no JSON', '{'],
    ['a hole within a delivery', '{"kind":"messages","after":"e.3","messages":[],"cursor":"e.9"}'],
    ['a line without an end', 'x'.repeat(200_000)],
  ] as [string, ServerDocument | string][])('%s is a breach of the protocol', async (_what, document) => {
    await opened()
    await say(document, messages(4))
    expect(closings).toMatchObject([{ cause: 'protocol', retry: true }])
    expect(received).toEqual([])
    expect(isCancelled).toBe(true)
  })

  test('closing here takes the request back; what comes afterwards is not handed up', async () => {
    const link = await opened()
    await link.close()
    expect(isCancelled).toBe(true)
    expect(closings).toMatchObject([{ cause: 'local' }])
    expect(clock.nextInMs).toBeNull()
  })

  test('closing from within a delivery is the last of it', async () => {
    const link = await opened({
      receive: (one) => {
        received.push(one)
        void link.close()
      },
    })
    await say(messages(4), messages(5))
    expect(received).toHaveLength(1)
    expect(closings).toMatchObject([{ cause: 'local' }])
  })
})

test('what is missing where it cannot run', () => {
  const transport = new Http2PushTransport({ fetch, clock })
  expect(transport.missing(new URL('https://lab.example'))).toEqual([])
  expect(transport.missing(new URL('http://lab.example'))).toHaveLength(1)
})
