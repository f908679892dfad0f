// Polling's client half with a clock that stands still: when it asks, when it rests, and what it makes of answers (R36).
import { beforeEach, describe, expect, test } from 'vitest'
import { ManualClock } from '../clock.harness.ts'
import type { Closed, Delivery, Link, OpenRequest } from '../contract.ts'
import { LinkError, UsageError } from '../errors.ts'
import type { Fetch } from '../http.client.ts'
import { problem } from '../problem.ts'
import { PollingTransport, type Visibility } from './client.ts'

interface Asked {
  readonly url: URL
  readonly headers: Record<string, string>
  answer(response: Response): void
  fail(error: unknown): void
}

const headers = { 'parley-protocol': 'http/1.1' }

function delivery(after: number, count: number, head = after + count): Response {
  const messages = Array.from({ length: count }, (_, index) => {
    const offset = after + index + 1
    return { id: `id-${offset}`, user: 'ada', text: 'x', offset, time: 1 }
  })
  const document = {
    kind: 'messages',
    after: `e.${after}`,
    messages,
    cursor: `e.${after + count}`,
    head: `e.${head}`,
  }
  return new Response(JSON.stringify(document), { headers })
}

const notModified = () => new Response(null, { status: 304, headers })

class Page implements Visibility {
  isHidden = false
  readonly listeners = new Set<() => void>()
  hidden = () => this.isHidden
  changed(callback: () => void): () => void {
    this.listeners.add(callback)
    return () => this.listeners.delete(callback)
  }
  turn(hidden: boolean): void {
    this.isHidden = hidden
    for (const listener of [...this.listeners]) listener()
  }
}

let clock: ManualClock
let page: Page
let asked: Asked[]
let running: number
let received: Delivery[]
let closings: Closed[]
let transport: PollingTransport

const fetch: Fetch = (url, init = {}) =>
  new Promise((resolve, reject) => {
    running += 1
    expect(running, 'polls overlap').toBe(1)
    const settle =
      <T>(then: (value: T) => void) =>
      (value: T) => {
        running -= 1
        then(value)
      }
    init.signal?.addEventListener('abort', () => settle(reject)(init.signal?.reason))
    asked.push({
      url,
      headers: { ...(init.headers as Record<string, string>) },
      answer: settle(resolve),
      fail: settle(reject),
    })
  })

beforeEach(() => {
  clock = new ManualClock()
  page = new Page()
  asked = []
  running = 0
  received = []
  closings = []
  transport = new PollingTransport({ fetch, intervalMs: 1000, visibility: page, clock })
})

function request(more: Partial<OpenRequest> = {}): OpenRequest {
  return {
    base: new URL('http://lab.example'),
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

/** Lets promises and streams of answers settle. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 4; turn++) await new Promise((resolve) => setImmediate(resolve))
}

async function answer(response: Response): Promise<void> {
  asked.at(-1)?.answer(response)
  await settled()
}

async function opened(first = delivery(0, 2), more: Partial<OpenRequest> = {}): Promise<Link> {
  const opening = transport.open(request(more))
  await answer(first)
  return opening
}

async function passes(ms: number): Promise<void> {
  clock.advance(ms)
  await settled()
}

describe('when it asks', () => {
  test('R36: the next poll is timed from the end of the last one, and they never overlap', async () => {
    await opened()
    expect(asked).toHaveLength(1)
    await passes(999)
    expect(asked).toHaveLength(1)
    await passes(1)
    expect(asked).toHaveLength(2)
    // An answer that takes long puts off the next question.
    await passes(9000)
    expect(asked).toHaveLength(2)
    await answer(notModified())
    await passes(999)
    expect(asked).toHaveLength(2)
    await passes(1)
    expect(asked).toHaveLength(3)
  })

  test('the time begins when the application has taken what there was', async () => {
    let take: () => void = () => undefined
    const taken = new Promise<void>((resolve) => {
      take = resolve
    })
    await opened(delivery(0, 2), { receive: () => taken })
    await passes(5000)
    take()
    await settled()
    await passes(999)
    expect(asked).toHaveLength(1)
    await passes(1)
    expect(asked).toHaveLength(2)
  })

  test('where there is more it asks at once', async () => {
    await opened(delivery(0, 2, 9))
    expect(asked).toHaveLength(2)
    await answer(delivery(2, 7, 9))
    expect(asked).toHaveLength(2)
    expect(received).toHaveLength(2)
  })

  test('after a reset it asks at once for what that log has', async () => {
    await opened(new Response('{"kind":"reset","cursor":"f.0","head":"f.9"}', { headers }))
    expect(asked.map(({ url }) => url.searchParams.get('after'))).toEqual([null, 'f.0'])
  })

  test('a server that always has more, and never gives it, is not asked at once for ever', async () => {
    await opened(delivery(0, 2, 9))
    await answer(delivery(2, 0, 9))
    expect(asked).toHaveLength(2)
    await passes(1000)
    expect(asked).toHaveLength(3)
    const reset = () => new Response('{"kind":"reset","cursor":"f.0","head":"f.9"}', { headers })
    await answer(reset())
    expect(asked).toHaveLength(4)
    await answer(reset())
    expect(asked).toHaveLength(4)
  })

  test('a new interval takes effect at once, on a wait that has begun', async () => {
    await opened()
    await passes(300)
    transport.intervalMs = 30_000
    await passes(5000)
    expect(asked).toHaveLength(1)
    transport.intervalMs = 6000
    await passes(699)
    expect(asked).toHaveLength(1)
    await passes(1)
    expect(asked).toHaveLength(2)
    await answer(notModified())
    await passes(200)
    transport.intervalMs = 100
    await settled()
    expect(asked).toHaveLength(3)
  })

  test.each([99, 30_001, 0, -1, Number.NaN, Number.POSITIVE_INFINITY])(
    'an interval of %d ms is refused',
    (intervalMs) => {
      expect(() => new PollingTransport({ fetch, intervalMs })).toThrow(UsageError)
      expect(() => {
        transport.intervalMs = intervalMs
      }).toThrow(UsageError)
      expect(transport.intervalMs).toBe(1000)
    },
  )

  test('a probe asks at once', async () => {
    const link = await opened()
    link.probe()
    await settled()
    expect(asked).toHaveLength(2)
  })
})

describe('a page that nobody sees', () => {
  test('goes on asking, unless it is to rest', async () => {
    await opened()
    page.turn(true)
    await passes(1000)
    expect(asked).toHaveLength(2)
  })

  test('R36: rests when that is chosen, and asks at once when it is seen again', async () => {
    transport.pauseWhenHidden = true
    await opened()
    page.turn(true)
    await passes(300_000)
    expect(asked).toHaveLength(1)
    expect(clock.nextInMs).toBeNull()
    page.turn(false)
    await settled()
    expect(asked).toHaveLength(2)
  })

  test('a short look away does not make it ask earlier', async () => {
    transport.pauseWhenHidden = true
    await opened()
    page.turn(true)
    await passes(400)
    page.turn(false)
    await passes(599)
    expect(asked).toHaveLength(1)
    await passes(1)
    expect(asked).toHaveLength(2)
  })

  test('a link that ends listens no more', async () => {
    transport.pauseWhenHidden = true
    const link = await opened()
    page.turn(true)
    await link.close()
    expect(page.listeners.size).toBe(0)
    page.turn(false)
    await passes(60_000)
    expect(asked).toHaveLength(1)
    expect(clock.nextInMs).toBeNull()
    expect(closings).toHaveLength(1)
  })
})

describe('questions and answers', () => {
  test('it begins where it is told, then follows the cursor, and names what it has', async () => {
    const link = await opened()
    expect(link.head).toEqual({ epoch: 'e', offset: 2 })
    await passes(1000)
    await answer(notModified())
    await passes(1000)
    expect(asked.map(({ url }) => url.search)).toEqual([
      '?last=5&session=a-session-of-22-characters&link=1',
      '?after=e.2&session=a-session-of-22-characters&link=1',
      '?after=e.2&session=a-session-of-22-characters&link=1',
    ])
    expect(asked.map((one) => one.headers['if-none-match'])).toEqual([undefined, '"e.2"', '"e.2"'])
    expect(received).toHaveLength(1)
    await answer(delivery(2, 3))
    await passes(1000)
    expect(asked.at(-1)?.headers['if-none-match']).toBe('"e.5"')
  })

  test('R36: a failed poll ends the link, once, and says when to come back: the session backs off', async () => {
    await opened()
    await passes(1000)
    const busy = problem('overloaded', 'Wait.', { retryAfterMs: 500 })
    await answer(new Response(JSON.stringify(busy), { status: 503 }))
    expect(closings).toEqual([{ cause: 'refused', retry: true, retryAfterMs: 500, detail: 'Wait.' }])
    await passes(60_000)
    expect(asked).toHaveLength(2)
  })

  test.each([
    ['the network', () => asked.at(-1)?.fail(new TypeError('fetch failed')), 'network'],
    ['another server', () => asked.at(-1)?.answer(new Response('<h1>Sign in</h1>')), 'protocol'],
    ['a broken document', () => asked.at(-1)?.answer(new Response('{', { headers })), 'protocol'],
  ])('%s ends it for what it is', async (_what, happen, cause) => {
    await opened()
    await passes(1000)
    happen()
    await settled()
    expect(closings).toMatchObject([{ cause, retry: true }])
  })

  test('an application that throws ends it', async () => {
    await opened(delivery(0, 2), {
      receive: () => {
        throw new Error('a mistake')
      },
    })
    expect(closings).toHaveLength(1)
    await passes(60_000)
    expect(asked).toHaveLength(1)
  })

  test('closing while a question is under way takes it back', async () => {
    const link = await opened()
    await passes(1000)
    expect(running).toBe(1)
    await link.close()
    await settled()
    expect(running).toBe(0)
    expect(closings).toMatchObject([{ cause: 'local' }])
    expect(received).toHaveLength(1)
  })

  test('opening that is not answered as it must be rejects, and nothing is left', async () => {
    for (const first of [notModified(), new Response('x'), new Response('{}', { headers })]) {
      const opening = transport.open(request()).catch((reason: unknown) => reason)
      await answer(first)
      const error = await opening
      expect(error).toBeInstanceOf(LinkError)
      expect(error).toMatchObject({ cause: 'protocol' })
    }
    expect(clock.nextInMs).toBeNull()
    expect(page.listeners.size).toBe(0)
    expect(closings).toEqual([])
  })

  test('a question that is not answered within its time ends the link as idle', async () => {
    await opened()
    await passes(1000)
    clock.sleep(300_000)
    await settled()
    // It was this side that slept (R35).
    expect(closings).toEqual([])
    clock.advance(5000)
    await settled()
    expect(closings).toMatchObject([{ cause: 'idle', retry: true }])
  })
})
