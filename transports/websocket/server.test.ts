// WebSocket's server half: what it refuses, what it answers to nonsense, and peers that do not read or do not live.
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { v7 as uuidVersion7 } from 'uuid'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { eventually } from '../eventually.harness.ts'
import { foreignOrigin, type Lab, startLab } from '../lab.harness.ts'
import { serverLimits, wireLimits } from '../limits.ts'
import type { Message as RoomMessage } from '../message.ts'
import { type Problem, ProblemError, problem } from '../problem.ts'
import { DialError, dial } from './dial.node.ts'
import { messageText } from './primitives.node.ts'
import { peerFrame } from './protocol/testing.ts'
import { webSocketServer } from './server.ts'
import type { MessageSocket } from './socket.node.ts'
import type { SocketClosed, SocketHandler } from './socket-handler.ts'

interface Document {
  readonly kind: string
  readonly messages?: readonly RoomMessage[]
  readonly problem?: Problem
  readonly id?: string
}

/** What one client has heard. */
class Heard {
  readonly documents: Document[] = []
  readonly ends: SocketClosed[] = []

  get offsets(): number[] {
    return this.documents.flatMap((one) => one.messages ?? []).map(({ offset }) => offset)
  }

  get problems(): (string | undefined)[] {
    return this.documents.filter((one) => one.kind === 'error').map((one) => one.problem?.type)
  }

  count(kind: string): number {
    return this.documents.filter((one) => one.kind === kind).length
  }
}

const handler: SocketHandler<Heard> = {
  message: (socket, message) => socket.context.documents.push(JSON.parse(messageText(message)) as Document),
  closed: (socket, end) => socket.context.ends.push(end),
}

let lab: Lab
/** The server's ends of the connections to the plain port. */
let served: Socket[]
let sockets: MessageSocket<Heard>[]
let raw: Socket[]

async function begin(heartbeatMs: number): Promise<void> {
  served = []
  sockets = []
  raw = []
  lab = await startLab({
    transports: [webSocketServer],
    heartbeatMs,
    begin: (app) => app.server.on('connection', (socket: Socket) => served.push(socket)),
  })
}

beforeEach(() => begin(10_000))
afterEach(async () => {
  vi.restoreAllMocks()
  for (const socket of sockets) socket.terminate()
  for (const socket of raw) socket.destroy()
  await lab.close()
})

function address(query = '', path = '/rooms/lounge/socket'): URL {
  return new URL(`${path}?${query}`, lab.http)
}

async function open(query = '', headers: Record<string, string> = {}): Promise<MessageSocket<Heard>> {
  const socket = await dial(address(query), {
    handler,
    context: new Heard(),
    subprotocols: ['json'],
    headers,
  })
  sockets.push(socket)
  return socket
}

async function refused(url: URL, headers: Record<string, string> = {}): Promise<DialError> {
  const error = await dial(url, { handler, context: new Heard(), headers }).catch((reason: unknown) => reason)
  expect(error).toBeInstanceOf(DialError)
  return error as DialError
}

async function publish(count: number, length: number): Promise<void> {
  const text = 'x'.repeat(length)
  await Promise.all(
    Array.from({ length: count }, () => lab.hub.publish('lounge', { id: uuidVersion7(), user: 'ada', text })),
  )
}

function numbers(last: number): number[] {
  return Array.from({ length: last }, (_, index) => index + 1)
}

const send = (text: string, more: object = {}) =>
  JSON.stringify({ kind: 'send', id: uuidVersion7(), user: 'ada', text, ...more })

/** A client that writes bytes and does nothing else: it reads nothing and answers no ping. */
async function openRaw(query = ''): Promise<Socket> {
  const socket = connect(Number(lab.http.port), '127.0.0.1')
  raw.push(socket)
  socket.on('error', () => socket.destroy())
  await once(socket, 'connect')
  socket.pause()
  socket.write(
    `GET /rooms/lounge/socket?${query} HTTP/1.1\r\nHost: ${lab.http.host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
      'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
  )
  const before = lab.hub.stats().subscribers
  await eventually(() => expect(lab.hub.stats().subscribers).toBe(before + 1))
  return socket
}

describe('is refused before the 101', () => {
  test('a plain request: 426, with what to ask for', async () => {
    const response = await fetch(address())
    expect(response.status).toBe(426)
    expect(response.headers.get('upgrade')).toBe('websocket')
    expect(response.headers.get('sec-websocket-version')).toBe('13')
    expect(await response.json()).toMatchObject({ type: '/problems/upgrade-required' })
  })

  test('a plain request over HTTP/2: the same, without the field that HTTP/2 forbids', async () => {
    const signal = AbortSignal.timeout(5000)
    const response = await lab.fetch(new URL('/rooms/lounge/socket', lab.https), { signal })
    expect(response.status).toBe(426)
    expect(response.headers.get('upgrade')).toBeNull()
    expect(response.headers.get('sec-websocket-version')).toBe('13')
    expect(await response.json()).toMatchObject({ type: '/problems/upgrade-required' })
  })

  test('a page of another origin: 403 (R23), and its connection is gone', async () => {
    expect((await refused(address(), { origin: foreignOrigin })).status).toBe(403)
    await eventually(() => expect(served.every((socket) => socket.destroyed)).toBe(true))
  })

  test.each([
    ['a wrong cursor', 'after=x', '/rooms/lounge/socket', 400],
    ['two starts', 'after=test.0&last=1', '/rooms/lounge/socket', 400],
    ['a cursor twice', 'after=test.0&after=test.0', '/rooms/lounge/socket', 400],
    ['half of an identity', 'link=1', '/rooms/lounge/socket', 400],
    ['a wrong room', '', '/rooms/no%20room/socket', 400],
    ['another resource', '', '/rooms/lounge/messages', 404],
    ['another address', '', '/elsewhere', 404],
  ])('%s', async (_what, query, path, status) => {
    expect((await refused(address(query, path))).status).toBe(status)
    expect(lab.hub.stats().subscribers).toBe(0)
  })

  test('a version that nobody speaks: 426, and no place is taken', async () => {
    const session = 'session=aaaaaaaaaaaaaaaaaaaaaa'
    const enter = vi.spyOn(lab.hub.links, 'enter')
    const socket = connect(Number(lab.http.port), '127.0.0.1')
    raw.push(socket)
    socket.write(
      `GET /rooms/lounge/socket?${session}&link=1 HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
        'Sec-WebSocket-Version: 8\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
    )
    const answer = (await socket.toArray()).join('')
    expect(answer).toMatch(/^HTTP\/1\.1 426 /)
    expect(answer).toMatch(/sec-websocket-version: 13/i)
    expect(lab.hub.stats().subscribers).toBe(0)
    // Nor does it take over from a link of its session.
    expect(enter).not.toHaveBeenCalled()
  })

  test('a draining server: 503, with a time to come back', async () => {
    await lab.hub.drain()
    const error = await refused(address())
    expect(error.status).toBe(503)
    expect(error.headers['retry-after']).toBeDefined()
  })

  test('a link without a place, which takes over from nobody', async () => {
    const identity = (link: number) => `session=aaaaaaaaaaaaaaaaaaaaaa&link=${link}`
    await open(identity(1))
    const enter = vi.spyOn(lab.hub.links, 'enter')
    vi.spyOn(lab.hub, 'subscribe').mockImplementationOnce(() => {
      throw new ProblemError(problem('overloaded', 'Full.'))
    })
    expect((await refused(address(identity(2)))).status).toBe(503)
    expect(enter).not.toHaveBeenCalled()
  })

  test('a session of another origin, which gives its place back', async () => {
    await open('session=aaaaaaaaaaaaaaaaaaaaaa&link=1', { origin: 'https://a.example' })
    const stolen = address('session=aaaaaaaaaaaaaaaaaaaaaa&link=2')
    expect((await refused(stolen, { origin: 'https://b.example' })).status).toBe(403)
    expect(lab.hub.stats().subscribers).toBe(1)
  })
})

describe('nonsense is answered, and nobody else notices', () => {
  let bystander: MessageSocket<Heard>
  let socket: MessageSocket<Heard>

  beforeEach(async () => {
    bystander = await open()
    socket = await open()
  })

  afterEach(async () => {
    await publish(1, 10)
    await eventually(() => expect(bystander.context.offsets).toHaveLength(lab.hub.head('lounge').offset))
    expect(bystander.context.problems).toEqual([])
    expect(bystander.isOpen).toBe(true)
  })

  test.each([
    ['no JSON', '{', 'bad-request'],
    ['nothing', '', 'bad-request'],
    ['null', 'null', 'bad-request'],
    ['a list', '[{"kind":"send"}]', 'bad-request'],
    ['no kind', '{}', 'bad-request'],
    ['an unknown kind', '{"kind":"shout"}', 'bad-request'],
    ['an inherited kind', '{"kind":"toString"}', 'bad-request'],
    ['an empty draft', '{"kind":"send"}', 'bad-draft'],
    ['a draft with more', send('x', { offset: 1 }), 'bad-draft'],
    ['a draft without an id', send('x', { id: 7 }), 'bad-draft'],
    ['a blank draft', send('  '), 'bad-draft'],
  ])('%s: an error, and the link goes on', async (_what, text, name) => {
    socket.send(text)
    socket.send(send('after it'))
    await eventually(() => expect(socket.context.count('receipt')).toBe(1))
    expect(socket.context.problems).toEqual([`/problems/${name}`])
    expect(socket.isOpen).toBe(true)
  })

  test('an error says which draft it is about', async () => {
    const id = uuidVersion7()
    socket.send(send('x', { id, user: '' }))
    await eventually(() => expect(socket.context.documents.at(-1)?.problem?.id).toBe(id))
  })

  test('a binary message: 1003', async () => {
    socket.send(new Uint8Array([1, 2, 3]))
    await eventually(() => expect(socket.context.ends).toMatchObject([{ code: 1003 }]))
  })

  test('a message that is longer than any draft: 1009', async () => {
    socket.send(send('x'.repeat(wireLimits.draftBytes + 2048)))
    await eventually(() => expect(socket.context.ends).toMatchObject([{ code: 1009 }]))
    expect(lab.hub.head('lounge').offset).toBe(0)
  })

  test('a log that fails: an error, then the end, so that nothing overtakes it', async () => {
    vi.spyOn(lab.log, 'append').mockRejectedValueOnce(
      new ProblemError(problem('overloaded', 'Full.', { retryAfterMs: 50 })),
    )
    socket.send(send('x'))
    await eventually(() => expect(socket.context.ends).toMatchObject([{ code: 1001 }]))
    expect(socket.context.problems).toEqual(['/problems/overloaded'])
    expect(socket.context.documents.at(-1)).toMatchObject({ kind: 'goodbye', retry: true, retryAfterMs: 50 })
  })

  test('more drafts at once than may wait: all are stored, in order', async () => {
    const count = serverLimits.socketDraftsInFlight * 3
    for (let number = 1; number <= count; number++) socket.send(send(`${number}`))
    await eventually(() => expect(socket.context.count('receipt')).toBe(count))
    const page = await lab.hub.read('lounge', { last: 500 }, { messages: 500, bytes: 1 << 20 })
    if (page.kind !== 'messages') throw new Error(`There came a ${page.kind}.`)
    expect(page.messages.map(({ text }) => Number(text))).toEqual(numbers(count).slice(-500))
  })
})

describe('a peer that does not read', () => {
  /** Everything that the server holds for it outside of the system's buffers. */
  const heldBytes = (socket: Socket) => socket.writableLength

  test('costs a bounded amount, holds nobody up, and catches up (R38)', async () => {
    const fast = await open('after=test.0')
    const slow = await open('after=test.0')
    const server = served[1]
    if (server === undefined) throw new Error('The server has no such connection.')
    slow.pause()
    let most = 0
    while (lab.hub.stats().behind === 0) {
      await publish(100, 8000)
      most = Math.max(most, heldBytes(server))
    }
    for (let round = 0; round < 5; round++) {
      await publish(100, 8000)
      most = Math.max(most, heldBytes(server))
    }
    const last = lab.hub.head('lounge').offset
    await eventually(() => expect(fast.context.offsets).toHaveLength(last))
    // It says false at 64 KiB, and has then taken one more batch.
    expect(most).toBeLessThanOrEqual(64 * 1024 + serverLimits.batchBytes + 1024)
    expect(lab.hub.stats().behind).toBe(1)
    slow.resume()
    await eventually(() => expect(slow.context.offsets).toHaveLength(last))
    expect(slow.context.offsets).toEqual(numbers(last))
    await eventually(() => expect(lab.hub.stats().behind).toBe(0))
  })

  test('and asks and asks is not listened to: answers do not pile up', async () => {
    const socket = await openRaw()
    const server = served.at(-1)
    if (server === undefined) throw new Error('The server has no such connection.')
    // Each is answered with more than it is long. The first is not named in its answer, which would be as long as it.
    const frame = (id: string) => peerFrame('server', { opcode: 1, payload: send('', { id }) })
    const some = Array.from({ length: 500 }, () => frame('no id'))
    const question = Buffer.concat([frame('x'.repeat(60_000)), ...some])
    const answered = 501 * 150
    let most = 0
    let asked = 0
    while (!server.isPaused()) {
      expect(asked, 'the server goes on listening').toBeLessThan(2000)
      if (socket.writableLength < 1_000_000) {
        asked += 1
        socket.write(question)
      }
      await new Promise((resolve) => setImmediate(resolve))
      most = Math.max(most, heldBytes(server))
    }
    expect(most).toBeLessThanOrEqual(serverLimits.socketBacklogBytes + 1024)
    // It is listened to again when it reads.
    let answeredBytes = 0
    socket.on('data', (chunk: Buffer) => {
      answeredBytes += chunk.length
    })
    socket.resume()
    await eventually(() => expect(answeredBytes).toBeGreaterThan(asked * answered))
  })
})

test('a heartbeat leaves although a ping is about to: only a wire that is full goes without', async () => {
  await lab.close()
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'setTimeout', 'clearTimeout'] })
  try {
    await begin(200)
    // Heartbeats began at the mounting, every 200 ms; pings begin with the first socket: at 390, 590 ms and so on.
    vi.advanceTimersByTime(190)
    const pongs = vi.fn()
    const socket = await dial(address(), {
      handler: { ...handler, ponged: pongs },
      context: new Heard(),
      subprotocols: ['json'],
    })
    sockets.push(socket)
    for (let beat = 1; beat <= 5; beat++) {
      // To 240, 440 ms and so on: from the second on a ping and then a heartbeat fall due within one turn of the event loop.
      vi.advanceTimersByTime(beat === 1 ? 50 : 200)
      const untilMs = performance.now() + 2000
      while (socket.context.count('heartbeat') < beat && performance.now() < untilMs)
        await new Promise((resolve) => setImmediate(resolve))
      expect(socket.context.count('heartbeat')).toBe(beat)
      // The answer to the ping arrives, too, before the next one.
      socket.ping()
      while (pongs.mock.calls.length < beat && performance.now() < untilMs)
        await new Promise((resolve) => setImmediate(resolve))
    }
  } finally {
    vi.useRealTimers()
  }
})

describe('a peer that is silent', () => {
  beforeEach(async () => {
    await lab.close()
    await begin(100)
  })

  test('is cut, although its connection stands (R34)', async () => {
    const socket = await openRaw('session=aaaaaaaaaaaaaaaaaaaaaa&link=1')
    await eventually(() => expect(lab.hub.stats().subscribers).toBe(0))
    socket.resume()
    await once(socket, 'close')
  })

  test('is not cut when it answers pings and says nothing else', async () => {
    const socket = await open()
    await eventually(() => expect(socket.context.count('heartbeat')).toBeGreaterThanOrEqual(6))
    expect(socket.isOpen).toBe(true)
    expect(lab.hub.stats().subscribers).toBe(1)
  })
})
