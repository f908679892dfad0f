// WebSocket's client half over a socket that the test plays: the browser's events, good and bad.
import { beforeEach, describe, expect, test } from 'vitest'
import { ManualClock } from './clock.harness.ts'
import type { Closed, Delivery, Link, OpenRequest } from './contract.ts'
import { LinkError, SendError } from './errors.ts'
import { problem } from './problem.ts'
import { type OverHttp2, type WebSocketConstructor, WebSocketTransport } from './socket-client.ts'
import type { WebSocketLike } from './socket-link.ts'
import { encodeDocument, type Hello, type ServerDocument } from './wire.ts'

/** A browser's WebSocket, played. */
class Played implements WebSocketLike {
  readonly url: string
  readonly offered: readonly string[]
  protocol = 'json'
  bufferedAmount = 0
  readonly sent: string[] = []
  readonly closes: (number | undefined)[] = []
  onopen: ((event: never) => void) | null = null
  onmessage: ((event: never) => void) | null = null
  onclose: ((event: never) => void) | null = null
  onerror: ((event: never) => void) | null = null

  constructor(url: string, offered: string[]) {
    this.url = url
    this.offered = offered
    played = this
  }

  send(data: string): void {
    this.sent.push(data)
  }

  close(code?: number): void {
    this.closes.push(code)
  }

  say(...documents: readonly (ServerDocument | string | ArrayBuffer)[]): void {
    for (const one of documents) {
      const data = typeof one === 'string' || one instanceof ArrayBuffer ? one : encodeDocument(one)
      this.onmessage?.({ data } as never)
    }
  }

  end(code: number, reason = ''): void {
    this.onclose?.({ code, reason } as never)
  }
}

let played: Played
let clock: ManualClock
let received: Delivery[]
let closings: Closed[]

beforeEach(() => {
  clock = new ManualClock()
  received = []
  closings = []
})

function transport(WebSocket: WebSocketConstructor = Played): WebSocketTransport {
  return new WebSocketTransport({ WebSocket, clock })
}

function request(more: Partial<OpenRequest> = {}): OpenRequest {
  return {
    base: new URL('https://lab.example:8443'),
    room: 'lounge',
    session: 'a-session-of-22-characters',
    link: 3,
    start: { after: { epoch: 'e', offset: 3 } },
    receive: (one) => {
      received.push(one)
    },
    closed: (reason) => closings.push(reason),
    signal: new AbortController().signal,
    ...more,
  }
}

const hello: ServerDocument = {
  kind: 'hello',
  transport: 'websocket',
  negotiated: { protocol: 'http/1.1', tls: true, subprotocol: 'json', extensions: [] },
  cursor: { epoch: 'e', offset: 3 },
  head: { epoch: 'e', offset: 5 },
  heartbeatMs: 10_000,
}

const messages = (offset: number): ServerDocument => ({
  kind: 'messages',
  after: { epoch: 'e', offset: offset - 1 },
  messages: [{ id: `id-${offset}`, user: 'ada', text: 'x', offset, time: 1 }],
  cursor: { epoch: 'e', offset },
})

async function opened(more: Partial<OpenRequest> = {}): Promise<Link> {
  const opening = transport().open(request(more))
  played.say(hello)
  return opening
}

async function failure(sending: Promise<unknown>): Promise<SendError> {
  const error = await sending.catch((reason: unknown) => reason)
  expect(error).toBeInstanceOf(SendError)
  return error as SendError
}

const draft = (number: number) => ({ id: `id-${number}`, user: 'ada', text: `text ${number}` })
const receipt = (number: number, created = true): ServerDocument => ({
  kind: 'receipt',
  id: `id-${number}`,
  offset: number,
  time: 1,
  created,
})

describe('opening', () => {
  test('asks at the room’s address, for the one subprotocol', async () => {
    const link = await opened()
    expect(played.url).toBe(
      'wss://lab.example:8443/rooms/lounge/socket?after=e.3&session=a-session-of-22-characters&link=3',
    )
    expect(played.offered).toEqual(['json'])
    expect(link).toMatchObject({ head: { offset: 5 }, start: { offset: 3 } })
  })

  test.each([
    ['a message first', [messages(4)], 'protocol'],
    ['no JSON', ['x'], 'protocol'],
    ['bytes', [new ArrayBuffer(3)], 'protocol'],
    ['a goodbye', [{ kind: 'goodbye', cause: 'peer', retry: true, detail: 'Soon.' }], 'peer'],
    [
      'another subprotocol than the browser saw (R11)',
      [{ ...hello, negotiated: { ...(hello as { negotiated: object }).negotiated, subprotocol: null } }],
      'protocol',
    ],
  ] as [string, (ServerDocument | string | ArrayBuffer)[], string][])(
    '%s rejects',
    async (_what, said, cause) => {
      const opening = transport().open(request())
      played.say(...said)
      const error = await opening.catch((reason: unknown) => reason)
      expect(error).toBeInstanceOf(LinkError)
      expect(error).toMatchObject({ cause })
      expect(played.closes).toHaveLength(1)
      expect(played.onmessage).toBeNull()
      expect(closings).toEqual([])
      expect(clock.nextInMs).toBeNull()
    },
  )

  test('a close before the hello rejects, with what a browser tells', async () => {
    const opening = transport().open(request())
    played.end(1006)
    await expect(opening).rejects.toMatchObject({
      cause: 'network',
      retry: true,
      message: 'The WebSocket could not be opened; this runtime does not tell why.',
    })
  })

  test('a close before the hello tells why, where the runtime says so', async () => {
    const opening = transport().open(request())
    const { onerror } = played as { onerror: ((event: { readonly message: string }) => void) | null }
    onerror?.({ message: 'the server answered 403' })
    played.end(1006)
    await expect(opening).rejects.toMatchObject({
      cause: 'network',
      message: 'The WebSocket could not be opened: the server answered 403',
    })
  })

  test('a constructor that throws, for mixed content say, rejects as a LinkError', async () => {
    class Refusing extends Played {
      constructor(url: string, offered: string[]) {
        super(url, offered)
        throw new DOMException('An insecure WebSocket may not be opened.', 'SecurityError')
      }
    }
    const error = await transport(Refusing)
      .open(request())
      .catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(LinkError)
    expect(error).toMatchObject({ cause: 'network', message: expect.stringContaining('insecure') })
  })

  test('given up: the socket is closed and says nothing any more', async () => {
    const abort = new AbortController()
    const opening = transport().open(request({ signal: abort.signal }))
    abort.abort()
    await expect(opening).rejects.toMatchObject({ cause: 'local' })
    expect(played.closes).toHaveLength(1)
    expect(played.onclose).toBeNull()
  })
})

describe('sending', () => {
  test('each draft has its receipt, whatever the order', async () => {
    const link = await opened()
    const sends = [link.send(draft(1)), link.send(draft(2))]
    played.say(receipt(2), receipt(1, false))
    expect(await Promise.all(sends)).toEqual([
      { id: 'id-1', offset: 1, time: 1, created: false },
      { id: 'id-2', offset: 2, time: 1, created: true },
    ])
  })

  test('the same draft twice at once has two fates', async () => {
    const link = await opened()
    const sends = [link.send(draft(1)), link.send(draft(1)), link.send(draft(1))]
    played.say(receipt(1), receipt(1, false))
    expect(await Promise.all(sends.slice(0, 2))).toMatchObject([{ created: true }, { created: false }])
    await link.close()
    expect(await failure(sends[2] as Promise<unknown>)).toMatchObject({ stored: 'unknown' })
  })

  test.each([
    ['bad-draft', 'no', false],
    ['draft-conflict', 'no', false],
    ['too-many-requests', 'no', true],
    ['overloaded', 'no', true],
    ['internal', 'unknown', true],
  ] as const)('refused as %s', async (name, stored, retry) => {
    const link = await opened()
    const sending = link.send(draft(1))
    played.say({ kind: 'error', problem: problem(name, 'Why.', { id: 'id-1', retryAfterMs: 9 }) })
    expect(await failure(sending)).toMatchObject({ stored, retry, retryAfterMs: 9, message: 'Why.' })
    expect(closings).toEqual([])
  })

  test('the link ends: what has no receipt has an unknown fate, and later ones were not sent', async () => {
    const link = await opened()
    const sending = link.send(draft(1))
    played.end(1006)
    expect(await failure(sending)).toMatchObject({ stored: 'unknown', retry: true })
    expect(await failure(link.send(draft(2)))).toMatchObject({ stored: 'no', retry: true })
  })

  test('a receipt, or an error, about nothing that was sent means nothing', async () => {
    await opened()
    played.say(receipt(9), { kind: 'error', problem: problem('bad-request', 'Why.') })
    expect(closings).toEqual([])
  })
})

describe('the end', () => {
  test.each([
    [1000, 'network', true],
    [1001, 'peer', true],
    [1002, 'protocol', true],
    [1006, 'network', true],
    [1008, 'refused', false],
    [1009, 'protocol', true],
    [1013, 'peer', true],
    [4001, 'replaced', false],
    [4999, 'network', true],
  ])('close code %i is of cause %s', async (code, cause, retry) => {
    await opened()
    played.end(code, code === 1001 ? 'Soon.' : '')
    expect(closings).toMatchObject([{ cause, retry }])
    expect(clock.nextInMs).toBeNull()
  })

  test('a goodbye says it better than the code behind it', async () => {
    await opened()
    const { onclose } = played
    played.say({ kind: 'goodbye', cause: 'peer', retry: true, retryAfterMs: 77, detail: 'Soon.' })
    onclose?.({ code: 1001, reason: '' } as never)
    expect(closings).toEqual([{ cause: 'peer', retry: true, retryAfterMs: 77, detail: 'Soon.' }])
  })

  test.each([
    ['no JSON', '{'],
    ['bytes', new ArrayBuffer(1)],
    ['a second hello', hello],
    ['a broken delivery', '{"kind":"messages","after":"e.3","messages":[],"cursor":"e.9"}'],
  ] as [string, ServerDocument | string | ArrayBuffer][])(
    '%s is a breach of the protocol',
    async (_what, said) => {
      await opened()
      played.say(said, messages(4))
      expect(closings).toMatchObject([{ cause: 'protocol', retry: true }])
      expect(received).toEqual([])
    },
  )

  test('two heartbeats of silence', async () => {
    await opened()
    clock.advance(19_999)
    played.say({ kind: 'heartbeat', time: 1 })
    clock.advance(19_999)
    expect(closings).toEqual([])
    clock.advance(1)
    expect(closings).toMatchObject([{ cause: 'idle', retry: true }])
  })

  test('a probe that is not answered', async () => {
    const link = await opened()
    link.probe()
    expect(played.sent).toEqual(['{"kind":"probe"}'])
    clock.advance(5000)
    expect(closings).toMatchObject([{ cause: 'idle' }])
  })

  test('a probe that is answered at once, by a clock that has not moved', async () => {
    const link = await opened()
    link.probe()
    played.say({ kind: 'heartbeat', time: 1 })
    clock.advance(9000)
    expect(closings).toEqual([])
  })
})

describe('an application that pushes back', () => {
  test('gets the rest in order, one at a time, and a goodbye behind it all', async () => {
    let take: () => void = () => undefined
    await opened({
      receive: (one) => {
        received.push(one)
        return new Promise((resolve) => {
          take = resolve
        })
      },
    })
    played.say(messages(4), messages(5), messages(6), {
      kind: 'goodbye',
      cause: 'peer',
      retry: true,
      detail: 'x',
    })
    for (let count = 1; count <= 3; count++) {
      expect(received).toHaveLength(count)
      expect(closings).toEqual([])
      take()
      for (let turn = 0; turn < 3; turn++) await Promise.resolve()
    }
    expect(received.map((one) => one.cursor.offset)).toEqual([4, 5, 6])
    expect(closings).toMatchObject([{ cause: 'peer' }])
  })

  test('and throws: the link ends', async () => {
    await opened({ receive: () => Promise.reject(new Error('a mistake')) })
    played.say(messages(4))
    for (let turn = 0; turn < 3; turn++) await Promise.resolve()
    expect(closings).toHaveLength(1)
  })
})

describe('over HTTP/2 (RFC 8441)', () => {
  const helloOver = (protocol: 'h2' | 'http/1.1'): ServerDocument => ({
    ...(hello as Hello),
    transport: 'websocket-h2',
    negotiated: { protocol, tls: true, subprotocol: 'json', extensions: [] },
  })
  const there = new URL('https://lab.example:8444')

  function overHttp2(prepare: OverHttp2['prepare'] = () => Promise.resolve(there)): WebSocketTransport {
    return new WebSocketTransport({ WebSocket: Played, clock, http2: { prepare } })
  }

  /** The next socket that is constructed. */
  async function nextPlayed(): Promise<Played> {
    const before = played
    while (played === before) await Promise.resolve()
    return played
  }

  test('has a name of its own, and needs TLS', () => {
    expect(overHttp2().name).toBe('websocket-h2')
    expect(transport().name).toBe('websocket')
    expect(overHttp2().missing(new URL('https://lab.example'))).toEqual([])
    expect(overHttp2().missing(new URL('http://lab.example')).join()).toContain('TLS')
    expect(transport().missing(new URL('http://lab.example'))).toEqual([])
  })

  test('opens at the address that is prepared for it', async () => {
    const opening = overHttp2((base) => {
      expect(base.href).toBe('https://lab.example:8443/')
      return Promise.resolve(there)
    }).open(request())
    const socket = await nextPlayed()
    expect(new URL(socket.url).origin).toBe('wss://lab.example:8444')
    socket.say(helloOver('h2'))
    expect((await opening).negotiated.protocol).toBe('h2')
  })

  test('that comes over HTTP/1.1 is prepared and tried once more, then fails in words (R11)', async () => {
    const opening = overHttp2()
      .open(request())
      .catch((error: unknown) => error)
    for (let tries = 0; tries < 2; tries++) {
      const socket = await nextPlayed()
      socket.say(helloOver('http/1.1'), messages(4))
      expect(socket.closes).toHaveLength(1)
    }
    expect(await opening).toMatchObject({
      cause: 'protocol',
      message: 'This WebSocket is to be HTTP/2, and the server speaks http/1.1 with us.',
    })
    expect(received).toEqual([])
    expect(closings).toEqual([])
  })

  test('that is HTTP/2 the second time is open', async () => {
    const opening = overHttp2().open(request())
    ;(await nextPlayed()).say({ kind: 'goodbye', cause: 'protocol', retry: true, detail: 'Over HTTP/1.1.' })
    ;(await nextPlayed()).say(helloOver('h2'))
    expect((await opening).negotiated.protocol).toBe('h2')
  })

  test('another refusal is not tried again', async () => {
    const opening = overHttp2()
      .open(request())
      .catch((error: unknown) => error)
    const socket = await nextPlayed()
    socket.say({ kind: 'goodbye', cause: 'refused', retry: false, detail: 'No.' })
    expect(await opening).toMatchObject({ cause: 'refused', message: 'No.' })
    expect(played).toBe(socket)
  })

  test('a network that fails is one, and giving up is giving up', async () => {
    const failing = overHttp2(() => Promise.reject(new TypeError('Failed to fetch')))
    await expect(failing.open(request())).rejects.toMatchObject({ name: 'LinkError', cause: 'network' })
    const abort = new AbortController()
    const waiting = overHttp2((_base, signal) => {
      return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
    })
    const opening = waiting.open(request({ signal: abort.signal }))
    abort.abort()
    await expect(opening).rejects.toMatchObject({ name: 'LinkError', cause: 'local' })
  })
})
