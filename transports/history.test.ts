// Reading older messages, beside whatever link is open.
import { afterEach, describe, expect, test, vi } from 'vitest'
import { LinkError } from './errors.ts'
import { readHistory } from './history.ts'
import { answerTimeoutMs, type Fetch } from './http.client.ts'
import { problem } from './problem.ts'

const before = { epoch: 'e', offset: 3 }
const asked = { base: new URL('http://lab.example/'), room: 'lounge', before, limit: 50 }

const answering =
  (status: number, body: unknown): Fetch =>
  async () =>
    new Response(typeof body === 'string' ? body : JSON.stringify(body), { status })

async function failure(fetch: Fetch, signal?: AbortSignal): Promise<LinkError> {
  const error = await readHistory({ ...asked, fetch, ...(signal === undefined ? {} : { signal }) }).catch(
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(LinkError)
  return error as LinkError
}

/** Answers when it is given up, as the platform's does. */
const silent: Fetch = (_url, init = {}) =>
  new Promise((_resolve, reject) => {
    const { signal } = init
    if (signal?.aborted) reject(signal.reason)
    signal?.addEventListener('abort', () => reject(signal.reason))
  })

afterEach(() => {
  vi.restoreAllMocks()
})

test('asks for what leads up to a position, and gives the delivery', async () => {
  const urls: string[] = []
  const page = {
    kind: 'messages',
    after: 'e.2',
    messages: [{ id: 'i', user: 'u', text: 't', offset: 3, time: 1 }],
    cursor: 'e.3',
    head: 'e.9',
  }
  const delivery = await readHistory({
    ...asked,
    fetch: async (url) => {
      urls.push(url.href)
      return new Response(JSON.stringify(page))
    },
  })
  expect(urls).toEqual(['http://lab.example/rooms/lounge/messages?before=e.3&limit=50'])
  expect(delivery).toEqual({
    kind: 'messages',
    after: { epoch: 'e', offset: 2 },
    messages: page.messages,
    cursor: before,
  })
})

test('a reset is handed on', async () => {
  const fetch = answering(200, { kind: 'reset', cursor: 'f.0', head: 'f.9' })
  expect(await readHistory({ ...asked, fetch })).toEqual({ kind: 'reset', cursor: { epoch: 'f', offset: 0 } })
})

describe('rejects with a LinkError', () => {
  test('when it is refused', async () => {
    expect(await failure(answering(400, problem('bad-cursor', 'Why.')))).toMatchObject({
      cause: 'refused',
      retry: false,
    })
    expect(await failure(answering(404, ''))).toMatchObject({ cause: 'refused' })
  })

  test('when the answer is not the protocol’s', async () => {
    expect(await failure(answering(200, '<h1>Sign in</h1>'))).toMatchObject({ cause: 'protocol' })
  })

  test('when there is nobody', async () => {
    expect(await failure(() => Promise.reject(new TypeError('fetch failed')))).toMatchObject({
      cause: 'network',
    })
  })

  test('when it is given up', async () => {
    const abort = new AbortController()
    const failing = failure(silent, abort.signal)
    abort.abort()
    expect(await failing).toMatchObject({ cause: 'local' })
  })

  test('when no answer comes in time, which is not the same', async () => {
    const timeout = new AbortController()
    const asking = vi.spyOn(AbortSignal, 'timeout').mockReturnValue(timeout.signal)
    const failing = failure(silent, new AbortController().signal)
    expect(asking).toHaveBeenCalledWith(answerTimeoutMs)
    timeout.abort(new DOMException('timed out', 'TimeoutError'))
    expect(await failing).toMatchObject({ cause: 'idle', retry: true })
  })
})
