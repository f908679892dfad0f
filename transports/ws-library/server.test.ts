// The ws library's server half: what it refuses, its bounds, and peers that do not read or do not live. The client is the library's, too.
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { v7 as uuidVersion7 } from 'uuid'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { WebSocket } from 'ws'
import { eventually } from '../eventually.harness.ts'
import { foreignOrigin, type Lab, startLab } from '../lab.harness.ts'
import { serverLimits, wireLimits } from '../limits.ts'
import type { Message } from '../message.ts'
import { ProblemError, problem } from '../problem.ts'
import { wsLibraryServer } from './server.ts'

interface Document {
  readonly kind: string
  readonly messages?: readonly Message[]
  readonly problem?: { readonly type: string }
  readonly retry?: boolean
}

/** A client, and what it has heard. */
class Peer {
  readonly socket: WebSocket
  readonly documents: Document[] = []
  /** The code that it was closed with; null while it is open. */
  closed: number | null = null

  constructor(socket: WebSocket) {
    this.socket = socket
    socket.on('message', (data) => this.documents.push(JSON.parse(String(data)) as Document))
    socket.on('close', (code) => {
      this.closed = code
    })
  }

  get offsets(): number[] {
    return this.documents.flatMap((one) => one.messages ?? []).map(({ offset }) => offset)
  }

  count(kind: string): number {
    return this.documents.filter((one) => one.kind === kind).length
  }
}

let lab: Lab
/** The server's ends of the connections to the plain port. */
let served: Socket[]
let ours: (WebSocket | Socket)[]

async function begin(heartbeatMs: number): Promise<void> {
  served = []
  ours = []
  lab = await startLab({
    transports: [wsLibraryServer],
    heartbeatMs,
    begin: (app) => app.server.on('connection', (socket: Socket) => served.push(socket)),
  })
}

beforeEach(() => begin(10_000))
afterEach(async () => {
  vi.restoreAllMocks()
  for (const one of ours) 'terminate' in one ? one.terminate() : one.destroy()
  await lab.close()
})

const path = (query: string) => `/rooms/lounge/socket-library?${query}`
const send = (text: string, more: object = {}) =>
  JSON.stringify({ kind: 'send', id: uuidVersion7(), user: 'ada', text, ...more })

async function open(query = '', options: { autoPong?: boolean } = {}): Promise<Peer> {
  const socket = new WebSocket(new URL(path(query), lab.http), ['json'], options)
  ours.push(socket)
  const peer = new Peer(socket)
  await once(socket, 'open')
  await eventually(() => expect(peer.count('hello')).toBe(1))
  return peer
}

/** The head of a handshake, as it stands on the wire. */
function handshake(query: string, fields: Readonly<Record<string, string>> = {}): string {
  const all = {
    Host: lab.http.host,
    Upgrade: 'websocket',
    Connection: 'Upgrade',
    'Sec-WebSocket-Version': '13',
    'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
    ...fields,
  }
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`)
  return `GET ${path(query)} HTTP/1.1\r\n${lines.join('')}\r\n`
}

function connected(): Socket {
  const socket = connect(Number(lab.http.port), '127.0.0.1')
  ours.push(socket)
  socket.on('error', () => socket.destroy())
  return socket
}

/** The whole answer to a handshake that is refused: its connection ends. */
async function refusal(query: string, fields: Readonly<Record<string, string>> = {}): Promise<string> {
  const socket = connected()
  socket.write(handshake(query, fields))
  return (await socket.toArray()).join('')
}

/** A client that has its place, reads nothing and answers no ping. */
async function openRaw(query = ''): Promise<Socket> {
  const before = lab.hub.stats().subscribers
  const socket = connected()
  await once(socket, 'connect')
  socket.pause()
  socket.write(handshake(query))
  await eventually(() => expect(lab.hub.stats().subscribers).toBe(before + 1))
  return socket
}

async function publish(count: number, length: number): Promise<void> {
  const text = 'x'.repeat(length)
  const drafts = Array.from({ length: count }, () => ({ id: uuidVersion7(), user: 'ada', text }))
  await Promise.all(drafts.map((draft) => lab.hub.publish('lounge', draft)))
}

function numbers(last: number): number[] {
  return Array.from({ length: last }, (_, index) => index + 1)
}

describe('is refused before the 101', () => {
  test('a plain request: 426, with what to ask for', async () => {
    const response = await fetch(new URL(path(''), lab.http))
    expect(response.status).toBe(426)
    expect(response.headers.get('upgrade')).toBe('websocket')
    expect(await response.json()).toMatchObject({ type: '/problems/upgrade-required' })
  })

  test.each([
    ['a page of another origin (R23)', '', { Origin: foreignOrigin }, 403, 'forbidden-origin'],
    ['a wrong cursor', 'after=x', {}, 400, 'bad-cursor'],
    ['half of an identity', 'link=1', {}, 400, 'bad-request'],
    ['a key that is none', '', { 'Sec-WebSocket-Key': 'short' }, 400, 'bad-request'],
    ['a version that nobody speaks', '', { 'Sec-WebSocket-Version': '7' }, 426, 'upgrade-required'],
    ['the version that has no Origin', '', { 'Sec-WebSocket-Version': '8' }, 426, 'upgrade-required'],
  ])('%s', async (_what, query, fields, status, type) => {
    const answer = await refusal(query, fields)
    expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `))
    expect(answer).toContain(`"/problems/${type}"`)
    expect(lab.hub.stats().subscribers).toBe(0)
  })

  test('a handshake that is wrong takes over from nobody', async () => {
    const enter = vi.spyOn(lab.hub.links, 'enter')
    const query = 'session=aaaaaaaaaaaaaaaaaaaaaa&link=1'
    await refusal(query, { 'Sec-WebSocket-Key': 'short' })
    await refusal(query, { 'Sec-WebSocket-Version': '8' })
    expect(enter).not.toHaveBeenCalled()
  })

  test('a draining server: 503, with a time to come back', async () => {
    await lab.hub.drain()
    expect(await refusal('')).toMatch(/^HTTP\/1\.1 503 .*retry-after: \d/is)
  })
})

test('a connection that ends within its handshake leaves no place behind', async () => {
  const subscribe = lab.hub.subscribe.bind(lab.hub)
  const subscribed = vi.spyOn(lab.hub, 'subscribe').mockImplementationOnce((...details) => {
    served.at(-1)?.destroy()
    return subscribe(...details)
  })
  await refusal('')
  expect(subscribed).toHaveBeenCalled()
  expect(lab.hub.stats().subscribers).toBe(0)
})

describe('ends a link, and nobody else’s', () => {
  let bystander: Peer
  let peer: Peer

  beforeEach(async () => {
    bystander = await open()
    peer = await open()
  })

  afterEach(async () => {
    await eventually(() => expect(lab.hub.stats().subscribers).toBe(1))
    expect(bystander.closed).toBeNull()
  })

  test('a binary message: 1003', async () => {
    peer.socket.send(new Uint8Array([1, 2, 3]))
    await eventually(() => expect(peer.closed).toBe(1003))
  })

  test('a message that is longer than any draft: 1009', async () => {
    peer.socket.send(send('x'.repeat(wireLimits.draftBytes + 2048)))
    await eventually(() => expect(peer.closed).toBe(1009))
    expect(lab.hub.head('lounge').offset).toBe(0)
  })

  test('a log that fails: an error, then the end, so that nothing overtakes it', async () => {
    vi.spyOn(lab.log, 'append').mockRejectedValueOnce(new ProblemError(problem('overloaded', 'Full.')))
    peer.socket.send(send('x'))
    await eventually(() => expect(peer.closed).toBe(1001))
    expect(peer.documents.slice(-2)).toMatchObject([
      { kind: 'error', problem: { type: '/problems/overloaded' } },
      { kind: 'goodbye', retry: true },
    ])
  })
})

test('more drafts at once than may wait: all are stored, in order', async () => {
  const peer = await open()
  const count = serverLimits.socketDraftsInFlight * 3
  for (let number = 1; number <= count; number++) peer.socket.send(send(`${number}`))
  await eventually(() => expect(peer.count('receipt')).toBe(count))
  const page = await lab.hub.read('lounge', { last: 500 }, { messages: 500, bytes: 1 << 20 })
  if (page.kind !== 'messages') throw new Error(`There came a ${page.kind}.`)
  expect(page.messages.map(({ text }) => Number(text))).toEqual(numbers(count).slice(-500))
})

test('a drain tells 100 clients when to come back, and all are gone (R5)', async () => {
  const peers = await Promise.all(Array.from({ length: 100 }, () => open()))
  await lab.hub.drain()
  await eventually(() => expect(peers.filter(({ closed }) => closed === null)).toEqual([]))
  for (const { closed, documents } of peers) {
    expect(closed).toBe(1001)
    expect(documents.at(-1)).toMatchObject({ kind: 'goodbye', cause: 'peer', retry: true })
  }
  expect(lab.hub.stats().subscribers).toBe(0)
  await eventually(() => expect(served.every((socket) => socket.destroyed)).toBe(true))
})

test('a closing handshake that the peer does not answer has a bounded time', async () => {
  const identity = (link: number) => `session=aaaaaaaaaaaaaaaaaaaaaa&link=${link}`
  await openRaw(identity(1))
  const server = served.at(-1)
  const began = performance.now()
  // The newer link has the older one told so, within `handoverMs`.
  await open(identity(2))
  await eventually(() => expect(server?.destroyed).toBe(true))
  const { handoverMs, goodbyeDeadlineMs } = serverLimits
  expect(performance.now() - began).toBeLessThan(handoverMs + goodbyeDeadlineMs + 1000)
  await eventually(() => expect(lab.hub.stats().subscribers).toBe(1))
})

test('a link that is not read just now is ended, and its peer’s answer seen', async () => {
  const identity = (link: number) => `session=aaaaaaaaaaaaaaaaaaaaaa&link=${link}`
  const peer = await open(identity(1))
  const server = served.at(-1)
  const { promise: full, reject: fail } = Promise.withResolvers<never>()
  vi.spyOn(lab.log, 'append').mockReturnValue(full)
  for (let draft = 0; draft < 2 * serverLimits.socketDraftsInFlight; draft++) peer.socket.send(send('x'))
  await eventually(() => expect(server?.isPaused()).toBe(true))
  await open(identity(2))
  await eventually(() => expect(peer.count('goodbye')).toBe(1))
  const toldMs = performance.now()
  await eventually(() => expect(peer.closed).toBe(4001))
  // Else it would be cut by then.
  expect(performance.now() - toldMs).toBeLessThan(serverLimits.goodbyeDeadlineMs)
  fail(new ProblemError(problem('overloaded', 'Full.')))
})

describe('a peer that does not read', () => {
  test('costs a bounded amount, holds nobody up, and catches up (R38)', async () => {
    const fast = await open('after=test.0')
    const slow = await open('after=test.0')
    const server = served[1]
    if (server === undefined) throw new Error('The server has no such connection.')
    slow.socket.pause()
    let most = 0
    for (let rounds = 0; rounds < 5; ) {
      if (lab.hub.stats().behind > 0) rounds += 1
      await publish(100, 8000)
      most = Math.max(most, server.writableLength)
      expect(lab.hub.queues().readers.mostBytes).toBeGreaterThanOrEqual(server.writableLength)
    }
    const last = lab.hub.head('lounge').offset
    await eventually(() => expect(fast.offsets).toHaveLength(last))
    // The wire says that it is full at 64 KiB, and has then taken one more batch.
    expect(most).toBeGreaterThan(0)
    expect(most).toBeLessThanOrEqual(64 * 1024 + serverLimits.batchBytes + 1024)
    expect(lab.hub.stats().behind).toBe(1)
    slow.socket.resume()
    await eventually(() => expect(slow.offsets).toHaveLength(last))
    expect(slow.offsets).toEqual(numbers(last))
    await eventually(() => expect(lab.hub.stats().behind).toBe(0))
  })

  test('and asks and asks is not listened to: answers do not pile up', async () => {
    const peer = await open()
    const server = served.at(-1)
    if (server === undefined) throw new Error('The server has no such connection.')
    peer.socket.pause()
    // Small questions, of which one read brings thousands, and each answer is far longer.
    let asked = 0
    let most = 0
    while (!server.isPaused()) {
      expect(asked, 'the server goes on listening').toBeLessThan(500_000)
      if (peer.socket.bufferedAmount < 1_000_000) {
        for (let one = 0; one < 1000; one++) peer.socket.send('{}')
        asked += 1000
      }
      await new Promise((resolve) => setImmediate(resolve))
      most = Math.max(most, server.writableLength)
    }
    expect(most).toBeLessThanOrEqual(serverLimits.socketBacklogBytes + 1024)
    // It is listened to again when it reads, and each question has its answer.
    peer.socket.resume()
    await eventually(() => expect(peer.count('error')).toBe(asked))
    expect(peer.closed).toBeNull()
  })

  test('and pings and pings is cut, before pongs pile up (R38)', async () => {
    const peer = await open()
    const server = served.at(-1)
    if (server === undefined) throw new Error('The server has no such connection.')
    peer.socket.pause()
    let most = 0
    for (let count = 0; count < 200_000 && !server.destroyed; count++) {
      peer.socket.ping('x'.repeat(120))
      if (count % 1000 !== 0) continue
      await new Promise((resolve) => setImmediate(resolve))
      most = Math.max(most, server.writableLength)
    }
    await eventually(() => expect(server.destroyed).toBe(true))
    expect(most).toBeLessThan(serverLimits.socketBacklogBytes)
    await eventually(() => expect(lab.hub.stats().subscribers).toBe(0))
  })
})

describe('a peer that is silent', () => {
  beforeEach(async () => {
    await lab.close()
    await begin(100)
  })

  test('is cut, although its connection stands (R34)', async () => {
    const socket = await openRaw()
    await eventually(() => expect(lab.hub.stats().subscribers).toBe(0))
    socket.resume()
    await once(socket, 'close')
  })

  test('is cut when it reads, and answers no ping', async () => {
    const peer = await open('', { autoPong: false })
    await eventually(() => expect(peer.closed).toBe(1006))
    expect(lab.hub.stats().subscribers).toBe(0)
  })

  test('is not cut when it answers pings and says nothing else', async () => {
    const peer = await open()
    await eventually(() => expect(peer.count('heartbeat')).toBeGreaterThanOrEqual(6))
    expect(peer.closed).toBeNull()
    expect(lab.hub.stats().subscribers).toBe(1)
  })
})
