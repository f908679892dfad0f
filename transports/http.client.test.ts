// What the halves over HTTP share: addresses, refusals, times to wait, and sending one draft after the other (R29).
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { LinkError, SendError } from './errors.ts'
import { eventually } from './eventually.harness.ts'
import {
  closedFor,
  DraftSender,
  type Fetch,
  negotiatedIn,
  newCounter,
  refusal,
  roomUrl,
  unreachable,
} from './http.client.ts'
import type { Draft } from './message.ts'
import { problem } from './problem.ts'

const base = new URL('https://lab.example:8443/some/page?x#y')
const request = { base, room: 'lounge', session: 'session-of-one', link: 3 }

function draft(number: number): Draft {
  return { id: `id-${number}`, user: 'ada', text: `text ${number}` }
}

function json(status: number, value: unknown, headers: Record<string, string> = {}): Response {
  return new Response(JSON.stringify(value), { status, headers })
}

describe('addresses', () => {
  test('of a room’s resource, behind a cursor or at the last messages', () => {
    expect(roomUrl(request, 'stream', { after: { epoch: 'e', offset: 5 } }).href).toBe(
      'https://lab.example:8443/rooms/lounge/stream?after=e.5&session=session-of-one&link=3',
    )
    expect(roomUrl(request, 'messages', { last: 0 }).searchParams.get('last')).toBe('0')
  })

  test('a room cannot lead elsewhere', () => {
    for (const room of ['../../etc', 'a/b', 'a?b', 'a#b', '//evil.example']) {
      const url = roomUrl({ ...request, room }, 'messages', { last: 0 })
      expect(url.host).toBe(base.host)
      expect(url.pathname).toBe(`/rooms/${encodeURIComponent(room)}/messages`)
    }
  })
})

describe('what was spoken', () => {
  const said = (value: string | null) =>
    negotiatedIn(new Response('', { headers: value === null ? {} : { 'parley-protocol': value } }))

  test('is read from the answer', () => {
    expect(said('h2; tls')).toMatchObject({ protocol: 'h2', tls: true })
    expect(said('http/1.1')).toMatchObject({ protocol: 'http/1.1', tls: false })
  })

  test.each([null, '', 'h3', 'h2;tls', 'h2; tls; more', 'HTTP/1.1'])('%j is not Parley’s', (value) => {
    expect(said(value)).toBeNull()
  })
})

describe('refusals', () => {
  beforeEach(() => {
    vi.useFakeTimers({ now: Date.parse('2030-01-01T00:00:00Z'), toFake: ['Date'] })
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  test.each([
    ['draining', { cause: 'peer', retry: true }],
    ['replaced', { cause: 'replaced', retry: false }],
    ['overloaded', { cause: 'refused', retry: true }],
    ['too-many-requests', { cause: 'refused', retry: true }],
    ['internal', { cause: 'refused', retry: true }],
    ['bad-cursor', { cause: 'refused', retry: false }],
    ['forbidden-origin', { cause: 'refused', retry: false }],
  ] as const)('%s', async (name, expected) => {
    const error = await refusal(
      json(problem(name, 'Why.').status, problem(name, 'Why.', { retryAfterMs: 77 })),
    )
    expect(error).toBeInstanceOf(LinkError)
    expect(error).toMatchObject({ ...expected, message: 'Why.' })
    if (expected.retry) expect(error.retryAfterMs).toBe(77)
  })

  test.each([
    [502, true],
    [503, true],
    [429, true],
    [408, true],
    [404, false],
    [407, false],
    [304, false],
  ])('a proxy’s page with status %i', async (status, retry) => {
    const body = status === 304 ? null : '<h1>Proxy</h1>'
    const error = await refusal(new Response(body, { status, statusText: 'Words' }))
    expect(error).toMatchObject({ cause: 'refused', retry, message: `The server answered ${status} Words.` })
  })

  test.each([
    ['0', 0],
    ['7', 7000],
    ['Tue, 01 Jan 2030 00:00:30 GMT', 30_000],
    ['Mon, 31 Dec 2029 23:00:00 GMT', 0],
    ['soon', undefined],
    ['', undefined],
  ])('Retry-After: %j', async (value, wait) => {
    const error = await refusal(new Response('', { status: 503, headers: { 'retry-after': value } }))
    expect(error.retryAfterMs).toBe(wait)
  })

  test('the problem’s milliseconds come before the header’s seconds', async () => {
    const value = problem('overloaded', 'Why.', { retryAfterMs: 1234 })
    expect((await refusal(json(503, value, { 'retry-after': '2' }))).retryAfterMs).toBe(1234)
  })

  test('a body that cannot be read is no reason to fail otherwise', async () => {
    const body = new ReadableStream({ start: (controller) => controller.error(new Error('cut')) })
    expect(await refusal(new Response(body, { status: 500 }))).toMatchObject({
      cause: 'refused',
      retry: true,
    })
  })
})

describe('requests without an answer', () => {
  test('the innermost reason is told', () => {
    const error = new TypeError('fetch failed', {
      cause: new Error('outer', { cause: new Error('ECONNREFUSED') }),
    })
    expect(unreachable(error, new AbortController().signal)).toMatchObject({
      cause: 'network',
      retry: true,
      message: 'The server cannot be reached: ECONNREFUSED',
    })
  })

  test('one that was given up is no failure of the network; a LinkError stays what it is', () => {
    expect(unreachable(new Error('x'), AbortSignal.abort())).toMatchObject({ cause: 'local' })
    const error = new LinkError('idle', 'Silent.')
    expect(unreachable(error, AbortSignal.abort())).toBe(error)
  })

  test('how a link ends that met an error', () => {
    expect(closedFor(new LinkError('peer', 'Soon.', { retryAfterMs: 5 }))).toEqual({
      cause: 'peer',
      retry: true,
      retryAfterMs: 5,
      detail: 'Soon.',
    })
    const refused = problem('forbidden-origin', 'No.')
    expect(closedFor(new LinkError('refused', 'No.', { problem: refused }))).toEqual({
      cause: 'refused',
      retry: false,
      detail: 'No.',
    })
    // Somebody on the way: the link was open, so that it may be again.
    expect(closedFor(new LinkError('refused', 'The server answered 403.'))).toMatchObject({ retry: true })
  })
})

describe('sending', () => {
  interface Asked {
    readonly url: URL
    readonly init: RequestInit
    answer(response: Response): void
    fail(error: unknown): void
  }
  let asked: Asked[]
  let sender: DraftSender
  const counter = newCounter()
  const fetch: Fetch = (url, init = {}) =>
    new Promise((resolve, reject) => {
      init.signal?.addEventListener('abort', () => reject(init.signal?.reason))
      asked.push({ url, init, answer: resolve, fail: reject })
    })

  beforeEach(() => {
    asked = []
    sender = new DraftSender(fetch, request, counter)
  })

  async function nth(number: number): Promise<Asked> {
    await eventually(() => expect(asked.length).toBeGreaterThanOrEqual(number))
    const found = asked[number - 1]
    if (found === undefined) throw new Error('Nothing was asked.')
    return found
  }

  const stored = (number: number, offset = number) => json(201, { ...draft(number), offset, time: 5 })

  async function failure(sending: Promise<unknown>): Promise<SendError> {
    const error = await sending.catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(SendError)
    return error as SendError
  }

  test('R29: one at a time, in order, each with its own receipt', async () => {
    const sends = [1, 2, 3].map((number) => sender.send(draft(number)))
    for (const number of [1, 2, 3]) {
      const one = await nth(number)
      expect(asked).toHaveLength(number)
      expect(one.url.href).toBe('https://lab.example:8443/rooms/lounge/messages')
      expect(JSON.parse(String(one.init.body))).toEqual(draft(number))
      one.answer(stored(number))
    }
    expect((await Promise.all(sends)).map((receipt) => [receipt.id, receipt.offset])).toEqual([
      ['id-1', 1],
      ['id-2', 2],
      ['id-3', 3],
    ])
  })

  test('200 says that it was there before', async () => {
    const sending = sender.send(draft(1))
    ;(await nth(1)).answer(json(200, { ...draft(1), offset: 9, time: 5 }))
    expect(await sending).toEqual({ id: 'id-1', offset: 9, time: 5, created: false })
  })

  test('one that is refused for good does not hold up the next', async () => {
    const sends = [sender.send(draft(1)), sender.send(draft(2))]
    ;(await nth(1)).answer(json(400, problem('bad-draft', 'Never.')))
    expect(await failure(sends[0] as Promise<unknown>)).toMatchObject({
      stored: 'no',
      retry: false,
      message: 'Never.',
    })
    ;(await nth(2)).answer(stored(2))
    expect(await sends[1]).toMatchObject({ id: 'id-2' })
  })

  test('R29: behind one that is to be sent again, none is sent, and all say so', async () => {
    const sends = [1, 2, 3].map((number) => sender.send(draft(number)))
    ;(await nth(1)).answer(json(503, problem('overloaded', 'Wait.', { retryAfterMs: 800 })))
    for (const sending of sends) {
      expect(await failure(sending)).toMatchObject({ stored: 'no', retry: true, retryAfterMs: 800 })
    }
    expect(asked).toHaveLength(1)
    const again = sender.send(draft(1))
    ;(await nth(2)).answer(stored(1))
    expect(await again).toMatchObject({ id: 'id-1' })
  })

  test.each([
    [500, '<h1>Proxy</h1>', 'unknown', true],
    [502, '', 'unknown', true],
    [503, '{"type":"about:blank","title":"Proxy","status":503}', 'unknown', true],
    [429, '<h1>Slow down</h1>', 'no', true],
    [408, '', 'no', true],
    [404, '<h1>Nothing here</h1>', 'no', false],
    [413, '', 'no', false],
    [200, '<h1>Sign in</h1>', 'unknown', true],
    [201, JSON.stringify({ ...draft(2), offset: 1, time: 5 }), 'unknown', true],
    [204, null, 'no', false],
  ] as const)('an answer %i that is not the server’s own', async (status, body, fate, retry) => {
    const sending = sender.send(draft(1))
    ;(await nth(1)).answer(new Response(body, { status, headers: { 'retry-after': '3' } }))
    const error = await failure(sending)
    expect(error).toMatchObject({ stored: fate, retry })
    if (status === 429) expect(error.retryAfterMs).toBe(3000)
  })

  test.each([
    ['internal', 'unknown', true],
    ['overloaded', 'no', true],
    ['draining', 'no', true],
    ['too-many-requests', 'no', true],
    ['draft-conflict', 'no', false],
  ] as const)('the server’s own %s', async (name, fate, retry) => {
    const sending = sender.send(draft(1))
    const value = problem(name, 'Why.')
    ;(await nth(1)).answer(json(value.status, value))
    expect(await failure(sending)).toMatchObject({ stored: fate, retry, problem: value })
  })

  test('no answer at all: nobody knows', async () => {
    const sending = sender.send(draft(1))
    ;(await nth(1)).fail(new TypeError('fetch failed', { cause: new Error('ECONNRESET') }))
    expect(await failure(sending)).toMatchObject({ stored: 'unknown', retry: true })
  })

  test('close: what is on its way has an unknown fate, what waits was not sent, and nothing is taken afterwards', async () => {
    const sends = [1, 2].map((number) => sender.send(draft(number)))
    await nth(1)
    sender.close()
    sender.close()
    expect(await failure(sends[0] as Promise<unknown>)).toMatchObject({ stored: 'unknown', retry: true })
    expect(await failure(sends[1] as Promise<unknown>)).toMatchObject({ stored: 'no', retry: true })
    expect(await failure(sender.send(draft(3)))).toMatchObject({ stored: 'no', retry: true })
    expect(asked).toHaveLength(1)
  })
})
