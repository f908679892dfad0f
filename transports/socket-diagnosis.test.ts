// Why a WebSocket did not open, as the same path by fetch tells it: what each answer stands for, and the real server's answers.
import { afterEach, describe, expect, test, vi } from 'vitest'
import { LinkError, OpeningTooLate } from './errors.ts'
import { type Lab, startLab } from './lab.harness.ts'
import { problem } from './problem.ts'
import { type WebSocketConstructor, WebSocketTransport } from './socket-client.ts'
import { diagnosisTimeoutMs, whyNotOpened } from './socket-diagnosis.ts'
import type { CloseLike, WebSocketLike } from './socket-link.ts'
import { webSocketServer } from './websocket/server.ts'

const address = new URL('http://127.0.0.1:9/rooms/lounge/socket?last=0')
const never = new AbortController().signal

function answering(response: Response) {
  return () => Promise.resolve(response)
}

describe('an answer', () => {
  test.each([502, 403, 200, 404])('of %i that is not Parley’s names its status', async (status) => {
    const error = await whyNotOpened(answering(new Response('<html>', { status })), address, never)
    expect(error).toBeInstanceOf(LinkError)
    expect(error).toMatchObject({
      cause: 'network',
      retry: true,
      message: `The handshake was refused; the same path by fetch answers ${status}.`,
    })
  })

  test('of our server that it wants an upgrade says that the upgrade was lost on the way', async () => {
    const body = JSON.stringify(problem('upgrade-required', 'Open this address as a WebSocket.'))
    const error = await whyNotOpened(answering(new Response(body, { status: 426 })), address, never)
    expect(error).toMatchObject({ cause: 'network', retry: true, isBlocked: true })
    expect(error.message).toContain('lets no WebSocket through')
  })

  test('of our server that it goes away is its word, with the time to come back', async () => {
    const body = JSON.stringify(problem('draining', 'Going away.', { retryAfterMs: 1500 }))
    const error = await whyNotOpened(answering(new Response(body, { status: 503 })), address, never)
    expect(error).toMatchObject({ cause: 'peer', retryAfterMs: 1500, message: 'Going away.' })
  })
})

test('no answer at all: it is the network, and the reason is kept', async () => {
  const error = await whyNotOpened(() => Promise.reject(new TypeError('Failed to fetch')), address, never)
  expect(error.cause).toBe('network')
  expect(error.message).toBe('The handshake failed; the same path by fetch fails too: Failed to fetch.')
})

test.each([
  [
    new Response(JSON.stringify(problem('upgrade-required', 'Open this.')), { status: 426 }),
    'The handshake had no answer within 1.3 s, though the server answers the same path by fetch: something on the way lets no WebSocket through.',
  ],
  [
    new Response('', { status: 502 }),
    'The handshake had no answer within 1.3 s; the same path by fetch answers 502.',
  ],
])(
  'a handshake that had no answer: what the same path answers, and how long it was waited for',
  async (response, words) => {
    const error = await whyNotOpened(answering(response), address, never, { unansweredMs: 1300 })
    expect(error).toMatchObject({ cause: 'network', retry: true, message: words })
  },
)

describe('one that had opened, and whose hello never came', () => {
  const answer = () =>
    answering(new Response(JSON.stringify(problem('upgrade-required', 'Open this.')), { status: 426 }))

  test('because it was ended: that may be any cut, and says nothing of what lets WebSockets through', async () => {
    const error = await whyNotOpened(answer(), address, never, { hadOpened: true })
    expect(error).toMatchObject({
      cause: 'network',
      retry: true,
      isBlocked: false,
      message:
        'The WebSocket opened, and ended before the server’s hello, though the server answers the same path by fetch.',
    })
  })

  test('in time, or from a proxy that answers otherwise by fetch', async () => {
    const late = await whyNotOpened(answer(), address, never, { hadOpened: true, unansweredMs: 2000 })
    expect(late.message).toMatch(
      /^The WebSocket opened, and within 2 s brought not even the server’s hello, /,
    )
    const proxy = answering(new Response('', { status: 502 }))
    expect((await whyNotOpened(proxy, address, never, { hadOpened: true })).message).toBe(
      'The WebSocket opened, and ended before the server’s hello; the same path by fetch answers 502.',
    )
  })
})

test('no answer in time is not waited for', async () => {
  const timeout = new AbortController()
  const spy = vi.spyOn(AbortSignal, 'timeout').mockReturnValue(timeout.signal)
  const asking = whyNotOpened(
    (_url, init) =>
      new Promise((_resolve, reject) => {
        init?.signal?.addEventListener('abort', () => reject(new Error('aborted')))
      }),
    address,
    never,
  )
  expect(spy).toHaveBeenCalledWith(diagnosisTimeoutMs)
  timeout.abort()
  expect((await asking).message).toBe(
    'The handshake failed; the same path by fetch has no answer within 1 s.',
  )
  spy.mockRestore()
})

describe('a client half whose WebSocket tells nothing, before the real server', () => {
  let lab: Lab

  afterEach(() => lab.close())

  /** A browser's, which never says why. */
  class Silent implements WebSocketLike {
    readonly protocol = ''
    readonly bufferedAmount = 0
    onopen: ((event: never) => void) | null = null
    onmessage: ((event: never) => void) | null = null
    onclose: ((event: never) => void) | null = null
    onerror: ((event: never) => void) | null = null
    send(): void {
      throw new Error('It never opened.')
    }
    close(): void {
      this.onclose = null
    }
  }

  /** On a network that refuses the handshake: it closes, and says nothing. */
  class Refused extends Silent {
    constructor() {
      super()
      queueMicrotask(() =>
        (this.onclose as ((event: CloseLike) => void) | null)?.({ code: 1006, reason: '' }),
      )
    }
  }

  /** On a network that swallows it: nothing ever comes. */
  class Swallowed extends Silent {
    static open = 0
    constructor() {
      super()
      Swallowed.open += 1
    }
    override close(): void {
      Swallowed.open -= 1
    }
  }

  /** Lets the handshake through, and ends it. */
  class Stopped extends Silent {
    constructor() {
      super()
      queueMicrotask(() => {
        ;(this.onopen as (() => void) | null)?.()
        ;(this.onclose as ((event: CloseLike) => void) | null)?.({ code: 1006, reason: '' })
      })
    }
  }

  async function failure(WebSocket: WebSocketConstructor = Refused, signal = never): Promise<unknown> {
    const transport = new WebSocketTransport({ WebSocket, fetch: lab.fetch })
    const opening = transport.open({
      base: lab.http,
      room: 'lounge',
      session: crypto.randomUUID(),
      link: 1,
      start: { last: 0 },
      receive: () => undefined,
      closed: () => undefined,
      signal,
    })
    return opening.catch((error: unknown) => error)
  }

  test('learns that the server is there', async () => {
    lab = await startLab({ transports: [webSocketServer] })
    expect(await failure()).toMatchObject({ cause: 'network', message: expect.stringContaining('by fetch') })
  })

  test('tells a handshake that failed from a link that ended before its hello', async () => {
    lab = await startLab({ transports: [webSocketServer] })
    expect(await failure()).toMatchObject({ message: expect.stringMatching(/^The handshake failed, though/) })
    expect(await failure(Stopped)).toMatchObject({
      message: expect.stringMatching(/^The WebSocket opened, and ended before the server’s hello, though/),
    })
  })

  test('learns that the handshake was swallowed, when it is given up as too late: and nothing of it is left', async () => {
    lab = await startLab({ transports: [webSocketServer] })
    const giveUp = new AbortController()
    const opening = failure(Swallowed, giveUp.signal)
    expect(Swallowed.open).toBe(1)
    giveUp.abort(new OpeningTooLate(1300))
    expect(Swallowed.open).toBe(0)
    expect(await opening).toMatchObject({
      cause: 'network',
      message: expect.stringContaining('had no answer within 1.3 s, though'),
    })
  })

  test('asks nothing when it is given up for another reason', async () => {
    lab = await startLab({ transports: [webSocketServer] })
    const giveUp = new AbortController()
    const asked = vi.spyOn(lab, 'fetch')
    const opening = failure(Swallowed, giveUp.signal)
    giveUp.abort()
    expect(await opening).toMatchObject({ cause: 'local' })
    expect(asked).not.toHaveBeenCalled()
  })

  test('learns when to come back to one that goes away (R33)', async () => {
    lab = await startLab({ transports: [webSocketServer] })
    await lab.hub.drain()
    expect(await failure()).toMatchObject({ cause: 'peer', retryAfterMs: expect.any(Number) })
  })
})
