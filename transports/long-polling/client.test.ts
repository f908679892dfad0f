// Long polling's client half before a server that the test plays: when it asks anew, when it does not, and what it makes of answers.
import { beforeEach, describe, expect, test } from 'vitest'
import { ManualClock } from '../clock.harness.ts'
import type { Closed, Delivery, Link, OpenRequest } from '../contract.ts'
import { UsageError } from '../errors.ts'
import type { Fetch } from '../http.client.ts'
import { problem } from '../problem.ts'
import { turn } from '../session.harness.ts'
import { LongPollingTransport } from './client.ts'

interface Asked {
  readonly url: URL
  readonly method: string
  readonly signal: AbortSignal
  answer(response: Response): Promise<void>
  fail(error: unknown): Promise<void>
}

const headers = { 'parley-protocol': 'http/1.1' }

/** `count` messages behind `after`. */
function news(after: number, count: number, head = after + count): Response {
  const messages = Array.from({ length: count }, (_, index) => {
    const offset = after + index + 1
    return { id: `id-${offset}`, user: 'ada', text: 'x', offset, time: 1 }
  })
  const [from, to] = [`e.${after}`, `e.${after + count}`]
  return new Response(
    JSON.stringify({ kind: 'messages', after: from, messages, cursor: to, head: `e.${head}` }),
    { headers },
  )
}

let clock: ManualClock
let asked: Asked[]
let received: Delivery[]
let closings: Closed[]
/** What the application waits for when it is given something. */
let busy: Promise<void> | undefined

const fetch: Fetch = (url, init = {}) =>
  new Promise((resolve, reject) => {
    const { signal } = init
    if (signal === undefined || signal === null) throw new Error('Nothing could give this request up.')
    signal.addEventListener('abort', () => reject(signal.reason))
    asked.push({
      url,
      method: init.method ?? 'GET',
      signal,
      answer: async (response) => {
        resolve(response)
        await settle()
      },
      fail: async (error) => {
        reject(error)
        await settle()
      },
    })
  })

/** A body is read in turns of the event loop, not in promises alone. */
async function settle(): Promise<void> {
  for (let count = 0; count < 3; count++) {
    await new Promise((resolve) => setImmediate(resolve))
    await turn()
  }
}

function last(): Asked {
  const found = asked.at(-1)
  if (found === undefined) throw new Error('Nothing was asked.')
  return found
}

const waits = () => asked.map(({ url }) => url.searchParams.get('wait'))
const offsets = () =>
  received.flatMap((one) => (one.kind === 'messages' ? one.messages.map(({ offset }) => offset) : []))

async function open(first = news(0, 0)): Promise<Link> {
  const transport = new LongPollingTransport({ fetch, clock })
  const request: OpenRequest = {
    base: new URL('http://127.0.0.1'),
    room: 'lounge',
    session: 'a'.repeat(22),
    link: 3,
    start: { last: 5 },
    receive: (delivery) => {
      received.push(delivery)
      return busy
    },
    closed: (reason) => closings.push(reason),
    signal: new AbortController().signal,
  }
  const opening = transport.open(request)
  await last().answer(first)
  const link = await opening
  await settle()
  return link
}

beforeEach(() => {
  clock = new ManualClock()
  asked = []
  received = []
  closings = []
  busy = undefined
})

describe('asking', () => {
  test('the first question does not wait; the ones behind it do, one at a time, from where it is', async () => {
    const link = await open(news(3, 2))
    expect(link.head.offset).toBe(5)
    expect(waits()).toEqual([null, '10'])
    expect(last().url.searchParams.get('after')).toBe('e.5')
    expect(last().url.searchParams.get('link')).toBe('3')
    expect(offsets()).toEqual([4, 5])
  })

  test('anew at once, as soon as there was an answer', async () => {
    await open()
    await last().answer(news(0, 2))
    await last().answer(news(2, 1))
    expect(waits()).toEqual([null, '10', '10', '10'])
    expect(offsets()).toEqual([1, 2, 3])
  })

  test('an answer without news after the wait is a sign of life: nothing is handed up, and it asks on', async () => {
    await open()
    clock.advance(10_000)
    await last().answer(news(0, 0))
    expect(asked).toHaveLength(3)
    expect(received).toHaveLength(1)
  })

  test('never in a circle: what answers at once with nothing is asked less and less often (R36)', async () => {
    await open()
    const gapsMs: number[] = []
    for (let round = 0; round < 8; round++) {
      const before = asked.length
      await last().answer(news(0, 0))
      expect(asked).toHaveLength(before)
      let waitedMs = 0
      while (asked.length === before) {
        clock.advance(50)
        waitedMs += 50
        await settle()
      }
      gapsMs.push(waitedMs)
    }
    expect(gapsMs).toEqual([250, 500, 1000, 2000, 4000, 8000, 10_000, 10_000])
    // News ends it.
    await last().answer(news(0, 1))
    expect(asked).toHaveLength(11)
  })

  test('nor between two logs that take turns: each sends it back to its own beginning (R36)', async () => {
    await open()
    const reset = (epoch: string) =>
      new Response(JSON.stringify({ kind: 'reset', cursor: `${epoch}.0`, head: `${epoch}.0` }), { headers })
    await last().answer(reset('b'))
    // One reset leads on: the log is another one now.
    expect(asked).toHaveLength(3)
    for (const [round, pauseMs] of [250, 500, 1000].entries()) {
      await last().answer(reset(round % 2 === 0 ? 'a' : 'b'))
      expect(asked).toHaveLength(3 + round)
      expect(clock.nextInMs).toBe(pauseMs)
      clock.advance(pauseMs)
      await settle()
    }
    expect(received.slice(1).map(({ cursor }) => cursor.epoch)).toEqual(['b', 'a', 'b', 'a'])
  })

  test('a 304 that nobody asked for counts as nothing, too', async () => {
    await open()
    await last().answer(new Response(null, { status: 304, headers }))
    expect(asked).toHaveLength(2)
    clock.advance(250)
    await settle()
    expect(asked).toHaveLength(3)
  })

  test('not before the application has taken the last answer', async () => {
    const link = await open()
    const gate = Promise.withResolvers<void>()
    busy = gate.promise
    await last().answer(news(0, 1))
    expect(asked).toHaveLength(2)
    gate.resolve()
    await settle()
    expect(asked).toHaveLength(3)
    await link.close()
  })

  test.each([0, 31, 2.5, Number.NaN])('a wait of %d s is the caller’s mistake', (waitSeconds) => {
    expect(() => new LongPollingTransport({ fetch, waitSeconds })).toThrow(UsageError)
  })
})

describe('R35: a probe', () => {
  test('gives up the request that is held for one that is answered at once; nothing is lost', async () => {
    const link = await open()
    const held = last()
    link.probe()
    await settle()
    expect(held.signal.aborted).toBe(true)
    expect(waits()).toEqual([null, '10', '0'])
    await last().answer(news(0, 1))
    expect(waits()).toEqual([null, '10', '0', '10'])
    expect(offsets()).toEqual([1])
    expect(closings).toEqual([])
  })

  test('whose answer has no news is no reason to slow down', async () => {
    const link = await open()
    link.probe()
    await settle()
    await last().answer(news(0, 0))
    expect(waits()).toEqual([null, '10', '0', '10'])
  })

  test('ends a pause', async () => {
    const link = await open()
    await last().answer(news(0, 0))
    link.probe()
    await settle()
    expect(waits().at(-1)).toBe('0')
  })
})

describe('endings', () => {
  test('closing gives up what is held, once', async () => {
    const link = await open()
    await Promise.all([link.close(), link.close()])
    expect(last().signal.aborted).toBe(true)
    await settle()
    expect(closings.map(({ cause }) => cause)).toEqual(['local'])
    expect(asked).toHaveLength(2)
  })

  test('a server that goes away says when to come back', async () => {
    await open()
    const body = JSON.stringify(problem('draining', 'Going away.', { retryAfterMs: 1234 }))
    await last().answer(new Response(body, { status: 503 }))
    expect(closings).toEqual([{ cause: 'peer', retry: true, retryAfterMs: 1234, detail: 'Going away.' }])
  })

  test.each([
    ['a proxy’s 504', () => new Response('<html>', { status: 504 }), 'refused', true],
    ['a proxy’s 403', () => new Response('<html>', { status: 403 }), 'refused', true],
    [
      'a newer link',
      () => new Response(JSON.stringify(problem('replaced', 'A newer link.')), { status: 409 }),
      'replaced',
      false,
    ],
    ['an answer that is not Parley’s', () => new Response('{}'), 'protocol', true],
    ['nonsense', () => new Response('{"kind":"messages"}', { headers }), 'protocol', true],
  ])('%s', async (_what, response, cause, retry) => {
    await open()
    await last().answer(response())
    expect(closings).toMatchObject([{ cause, retry }])
  })

  test('a held poll that is not answered is given up, but not because this side slept (R34, R35)', async () => {
    await open()
    clock.sleep(300_000)
    await settle()
    expect(closings).toEqual([])
    await last().answer(news(0, 1))
    expect(offsets()).toEqual([1])
    clock.advance(20_000)
    await settle()
    expect(closings).toMatchObject([{ cause: 'idle', retry: true }])
  })

  test('a connection that breaks is the network’s', async () => {
    await open()
    await last().fail(new TypeError('fetch failed'))
    expect(closings).toMatchObject([{ cause: 'network', retry: true }])
  })
})
