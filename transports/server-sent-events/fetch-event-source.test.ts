// Our EventSource, over answers that the test gives: reconnects as the standard has them, failures for good, and reading that can be stopped.
import { beforeEach, describe, expect, test } from 'vitest'
import { ManualClock } from '../clock.harness.ts'
import { LinkError } from '../errors.ts'
import type { Fetch } from '../http.client.ts'
import { serverLimits } from '../limits.ts'
import { FetchEventSource, readyStates } from './fetch-event-source.ts'

let clock: ManualClock
let requests: Headers[]
let bodies: ReadableStreamDefaultController<Uint8Array>[]
let pulls: number
let heard: string[]
let errors: unknown[]
let answer: (() => Response) | null

const utf8 = new TextEncoder()

const fetch: Fetch = async (_url, init = {}) => {
  requests.push(new Headers(init.headers))
  if (answer !== null) return answer()
  const body = new ReadableStream<Uint8Array>(
    {
      start(controller) {
        bodies.push(controller)
        init.signal?.addEventListener('abort', () => controller.error(init.signal?.reason))
      },
      pull: () => {
        pulls += 1
      },
    },
    { highWaterMark: 0 },
  )
  return new Response(body, { headers: { 'content-type': 'text/event-stream' } })
}

beforeEach(() => {
  clock = new ManualClock()
  requests = []
  bodies = []
  pulls = 0
  heard = []
  errors = []
  answer = null
})

async function settled(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve))
}

async function opened(): Promise<FetchEventSource> {
  const source = new FetchEventSource('http://lab.example/stream', { fetch, clock })
  source.onmessage = ({ data }: { readonly data: string }) => heard.push(data)
  source.onerror = ({ error }: { readonly error?: unknown }) => errors.push(error)
  await settled()
  return source
}

async function say(text: string): Promise<void> {
  bodies.at(-1)?.enqueue(utf8.encode(text))
  await settled()
}

describe('a reconnect', () => {
  test('comes after the wait that the stream asked for, with the last id; half an event is forgotten', async () => {
    const source = await opened()
    expect(requests[0]?.get('accept')).toBe('text/event-stream')
    expect(requests[0]?.has('last-event-id')).toBe(false)
    await say('retry: 700\nid: e.4\ndata: a\n\nid: e.5\ndata: b')
    bodies[0]?.error(new Error('reset'))
    await settled()
    expect([source.readyState, errors]).toEqual([readyStates.connecting, [undefined]])
    clock.advance(699)
    await settled()
    expect(requests).toHaveLength(1)
    clock.advance(1)
    await settled()
    expect(requests[1]?.get('last-event-id')).toBe('e.4')
    await say('id: e.5\ndata: b\n\n')
    expect([source.readyState, heard]).toEqual([readyStates.open, ['a', 'b']])
  })

  test('follows an orderly end too, and an id that came without data counts', async () => {
    await opened()
    await say('retry: 5\nid: e.9\n\n')
    bodies[0]?.close()
    await settled()
    clock.advance(5)
    await settled()
    expect(requests[1]?.get('last-event-id')).toBe('e.9')
  })

  test('waits a minute at most: a timer of more than 2³¹ ms would fire at once', async () => {
    await opened()
    await say('retry: 99999999999\n\n')
    bodies[0]?.close()
    await settled()
    expect(clock.nextInMs).toBe(60_000)
  })

  test('does not come after close', async () => {
    const source = await opened()
    source.close()
    await settled()
    expect([source.readyState, errors, clock.nextInMs]).toEqual([readyStates.closed, [], null])
  })
})

describe('fails for good', () => {
  test.each([
    ['204', () => new Response(null, { status: 204 })],
    ['503', () => new Response('', { status: 503, headers: { 'content-type': 'text/event-stream' } })],
    ['another type', () => new Response('x', { headers: { 'content-type': 'text/html' } })],
  ])('when it is answered with %s', async (_what, how) => {
    answer = how
    const source = await opened()
    expect([source.readyState, errors, clock.nextInMs]).toEqual([readyStates.closed, [undefined], null])
  })

  test('when an event is longer than any may be, and says so', async () => {
    const source = await opened()
    await say(`data: ${'x'.repeat(serverLimits.batchBytes + 65 * 1024)}`)
    expect([source.readyState, clock.nextInMs]).toEqual([readyStates.closed, null])
    expect(errors).toEqual([expect.any(LinkError)])
  })
})

test('while it is paused nothing is dispatched, and nothing more is read (R39)', async () => {
  const source = await opened()
  source.onmessage = ({ data }: { readonly data: string }) => {
    heard.push(data)
    if (data === 'a') source.pause()
  }
  await say('data: a\n\ndata: b\n\n')
  const before = pulls
  await say('data: c\n\n')
  expect([heard, pulls]).toEqual([['a'], before])
  source.resume()
  await settled()
  expect(heard).toEqual(['a', 'b', 'c'])
})
