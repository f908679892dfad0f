// Socket.IO's client half against servers of the library that misbehave, and with a clock of its own.
import { once } from 'node:events'
import { createServer, type Server as HttpServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { Server, type Socket } from 'socket.io'
import { v7 as uuidVersion7 } from 'uuid'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { ManualClock } from '../clock.harness.ts'
import type { Closed, Delivery, Link, OpenRequest } from '../contract.ts'
import { LinkError, type SendError } from '../errors.ts'
import { eventually } from '../eventually.harness.ts'
import { serverLimits } from '../limits.ts'
import { problem } from '../problem.ts'
import { type SocketIoOptions, SocketIoTransport } from './client.ts'
import { loadSocketIo } from './library.ts'

const negotiated = { protocol: 'h2', tls: true, subprotocol: null, extensions: ['engine.io polling'] }
const hello = {
  kind: 'hello',
  transport: 'socket-io',
  negotiated,
  cursor: 'test.0',
  head: 'test.0',
  heartbeatMs: 10_000,
}

let http: HttpServer
let io: Server
let deliveries: Delivery[]
let closings: Closed[]
let links: Link[]

beforeEach(async () => {
  deliveries = []
  closings = []
  links = []
  http = createServer()
  io = new Server(http, { path: '/rooms/lounge/socket-io', addTrailingSlash: false, serveClient: false })
  http.listen(0, '127.0.0.1')
  await once(http, 'listening')
})

afterEach(async () => {
  await Promise.all(links.map((link) => link.close()))
  http.closeAllConnections()
  await io.close()
})

function request(more: Partial<OpenRequest> = {}): OpenRequest {
  return {
    base: new URL(`http://127.0.0.1:${(http.address() as AddressInfo).port}`),
    room: 'lounge',
    session: crypto.randomUUID(),
    link: 7,
    start: { last: 5 },
    receive: (delivery) => void deliveries.push(delivery),
    closed: (reason) => closings.push(reason),
    signal: new AbortController().signal,
    ...more,
  }
}

const pollingOnly: SocketIoOptions = { transports: ['polling'] }

async function open(options: SocketIoOptions = pollingOnly, more: Partial<OpenRequest> = {}): Promise<Link> {
  const transport = new SocketIoTransport({ load: loadSocketIo, options: () => options })
  const link = await transport.open(request(more))
  links.push(link)
  return link
}

/** The server's next socket, after its hello. */
async function greeting(document: object = hello): Promise<Socket> {
  const [socket] = (await once(io, 'connection')) as [Socket]
  socket.emit('hello', document)
  return socket
}

const draft = (text: string) => ({ id: uuidVersion7(), user: 'ada', text })

function messages(after: number, text = 'x'): object {
  const one = { id: 'i', user: 'ada', text, offset: after + 1, time: 1 }
  return { kind: 'messages', after: `test.${after}`, messages: [one], cursor: `test.${after + 1}` }
}

describe('opening', () => {
  test('sends where to start and who it is, as strings', async () => {
    const serving = greeting()
    await open(pollingOnly, { start: { after: { epoch: 'test', offset: 3 } }, session: 's'.repeat(22) })
    expect((await serving).handshake.auth).toEqual({
      after: 'test.3',
      session: 's'.repeat(22),
      link: '7',
    })
  })

  test.each([
    ['draining', 'peer', true],
    ['replaced', 'replaced', false],
    ['bad-cursor', 'refused', false],
    ['overloaded', 'refused', true],
  ] as const)('a refusal as %s', async (name, cause, retry) => {
    const data = problem(name, 'No.', retry ? { retryAfterMs: 70 } : {})
    io.use((_socket, next) => next(Object.assign(new Error('no'), { data })))
    const retryAfterMs = retry ? 70 : undefined
    await expect(open()).rejects.toMatchObject({ cause, retry, retryAfterMs, message: 'No.' })
  })

  test.each([
    ['a hello that is none', { kind: 'heartbeat', time: 1 }],
    ['a hello without a cursor', { ...hello, cursor: 7 }],
    ['a hello with a mad heartbeat', { ...hello, heartbeatMs: 0 }],
  ])('%s', async (_what, document) => {
    const serving = greeting(document)
    await expect(open()).rejects.toMatchObject({ name: 'LinkError', cause: 'protocol' })
    await eventually(async () => expect((await serving).connected).toBe(false))
    expect(closings).toEqual([])
  })

  test('a library that cannot be loaded', async () => {
    const transport = new SocketIoTransport({ load: () => Promise.reject(new Error('offline')) })
    await expect(transport.open(request())).rejects.toMatchObject({ cause: 'network', retry: true })
  })

  test('ends before it is known what is spoken: rejects, and never calls `closed`', async () => {
    const serving = greeting().then((socket) => {
      socket.emit('goodbye', { kind: 'goodbye', cause: 'local', retry: true, detail: 'Away.' })
    })
    const error = await open({}).catch((reason: unknown) => reason)
    await serving
    expect(error).toBeInstanceOf(LinkError)
    expect(error).toMatchObject({ cause: 'peer', message: 'Away.' })
    expect(closings).toEqual([])
  })

  test('speaks what the server says last: the upgrade may come later than the opening waits', async () => {
    const serving = greeting()
    const told = vi.fn()
    const link = await open(pollingOnly, { renegotiated: () => told(link.negotiated) })
    expect(link.negotiated).toEqual(negotiated)
    const now = { ...negotiated, protocol: 'http/1.1', extensions: ['engine.io websocket'] }
    const socket = await serving
    socket.emit('negotiated', now)
    await eventually(() => expect(told.mock.calls).toEqual([[now]]))
  })

  test('goes without the upgrade when it is refused, and does not wait for it', async () => {
    http.on('upgrade', (_request, socket) => socket.destroy())
    const serving = greeting()
    const link = await open({})
    await serving
    expect(link.negotiated.extensions).toEqual(['engine.io polling'])
  })

  test('waits for an upgrade that hangs no longer than half of what the former link has left (R24)', async () => {
    const held: Duplex[] = []
    http.removeAllListeners('upgrade').on('upgrade', (_request, socket) => held.push(socket))
    const clock = new ManualClock()
    const serving = greeting()
    const transport = new SocketIoTransport({ load: loadSocketIo, clock, options: () => ({}) })
    const opening = transport.open(request())
    await serving
    // The wait for the upgrade stands before the watch over the heartbeats.
    await eventually(() => expect(clock.nextInMs).toBeLessThanOrEqual(serverLimits.handoverMs / 2))
    clock.advance(serverLimits.handoverMs / 2)
    links.push(await opening)
    for (const socket of held) socket.destroy()
  })
})

describe('what may not come', () => {
  test.each([
    ['a second hello', 'hello', hello],
    ['a delivery that is none', 'delivery', { kind: 'heartbeat', time: 1 }],
    ['a delivery with a hole', 'delivery', { ...messages(0), cursor: 'test.9' }],
    ['no delivery', 'delivery', null],
    ['a goodbye that is none', 'goodbye', { kind: 'heartbeat', time: 1 }],
    ['a protocol that is none', 'negotiated', { protocol: 'gopher' }],
  ])('%s ends the link, once', async (_what, event, value) => {
    const serving = greeting()
    await open()
    const socket = await serving
    socket.emit(event, value)
    socket.emit('delivery', messages(0))
    await eventually(() => expect(socket.connected).toBe(false))
    expect(closings.map(({ cause }) => cause)).toEqual(['protocol'])
    expect(deliveries).toEqual([])
  })

  test('an acknowledgement of another message', async () => {
    const serving = greeting()
    const link = await open()
    const socket = await serving
    socket.on('send', (_draft: unknown, answer: (value: unknown) => void) => {
      answer({ kind: 'receipt', id: 'another', offset: 1, time: 1, created: true })
    })
    const fate = await link.send(draft('x')).catch((reason: unknown) => reason)
    expect(fate).toMatchObject({ name: 'SendError', stored: 'unknown' })
    expect(closings.map(({ cause }) => cause)).toEqual(['protocol'])
  })
})

describe('sends', () => {
  test('go in order, no more at once than the server can bear, and have fates when the link ends', async () => {
    const serving = greeting()
    const link = await open()
    const socket = await serving
    const heard: { id: string; answer(value: unknown): void }[] = []
    socket.on('send', ({ id }: { id: string }, answer: (value: unknown) => void) =>
      heard.push({ id, answer }),
    )
    const drafts = Array.from({ length: 70 }, (_, index) => draft(`${index}`))
    const fates = Promise.allSettled(drafts.map((one) => link.send(one)))
    await eventually(() => expect(heard).toHaveLength(64))
    const [first] = heard
    first?.answer({ kind: 'receipt', id: first.id, offset: 1, time: 1, created: true })
    await eventually(() => expect(heard).toHaveLength(65))
    expect(heard.map(({ id }) => id)).toEqual(drafts.slice(0, 65).map(({ id }) => id))
    await link.close()
    const [stored, ...others] = await fates
    expect(stored).toMatchObject({ status: 'fulfilled', value: { offset: 1 } })
    const said = others.map((one) => (one.status === 'rejected' ? (one.reason as SendError).stored : null))
    expect(said).toEqual([...Array(64).fill('unknown'), ...Array(5).fill('no')])
    await expect(link.send(draft('late'))).rejects.toMatchObject({ stored: 'no', retry: true })
  })
})

describe('the end', () => {
  test('a server that is silent: idle, within two heartbeats (R34)', async () => {
    const serving = greeting({ ...hello, heartbeatMs: 100 })
    await open()
    await serving
    await eventually(() => expect(closings).toMatchObject([{ cause: 'idle', retry: true }]))
  })

  test('a server that disconnects without a goodbye: peer', async () => {
    const serving = greeting()
    await open()
    const socket = await serving
    socket.disconnect()
    await eventually(() => expect(closings).toMatchObject([{ cause: 'peer', retry: true }]))
  })

  test('a cut: network', async () => {
    const serving = greeting()
    await open()
    await serving
    await eventually(() => {
      // Again and again: between two polls there is no connection.
      http.closeAllConnections()
      expect(closings).toMatchObject([{ cause: 'network', retry: true }])
    })
  })

  test('a probe that nobody answers: idle, long before the heartbeats tell', async () => {
    const clock = new ManualClock()
    const serving = greeting()
    const transport = new SocketIoTransport({ load: loadSocketIo, clock, options: () => pollingOnly })
    const link = await transport.open(request())
    links.push(link)
    await serving
    link.probe()
    clock.advance(4999)
    expect(closings).toEqual([])
    clock.advance(1)
    expect(closings).toMatchObject([{ cause: 'idle', retry: true }])
  })

  test('a probe that is answered: nothing', async () => {
    const serving = greeting()
    const link = await open()
    const probed = vi.fn((answer: () => void) => answer())
    const socket = await serving
    socket.on('probe', probed)
    const before = link.stats().reads
    link.probe()
    await eventually(() => expect(link.stats().reads).toBeGreaterThan(before))
    expect(probed).toHaveBeenCalledTimes(1)
    expect(closings).toEqual([])
  })

  test('an application that does not take what comes: slow, before much waits (R39)', async () => {
    const serving = greeting()
    let taken = 0
    await open(pollingOnly, {
      receive: () => {
        taken += 1
        return new Promise<void>(() => undefined)
      },
    })
    const socket = await serving
    for (let offset = 0; offset < 80; offset++) socket.emit('delivery', messages(offset, 'x'.repeat(8000)))
    await eventually(() => expect(closings).toMatchObject([{ cause: 'slow', retry: true }]))
    expect(taken).toBe(1)
  })
})
