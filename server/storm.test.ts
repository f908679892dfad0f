// A storm in earnest: a thousand WebSockets of a real server are reset in one moment, and the server sees when they come back (R33).
import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { seededRandom } from '../transports/clock.harness.ts'
import type { ClientTransport } from '../transports/contract.ts'
import type { SessionEvent } from '../transports/session.state.ts'
import { Session } from '../transports/session.ts'
import { WebSocketTransport } from '../transports/socket-client.ts'
import { busiestShare } from '../transports/storm.harness.ts'
import { NodeWebSocket } from '../transports/websocket/node-websocket.node.ts'
import { startTestServer, type TestServer } from './server.harness.ts'

const clients = 1000
const delayResolutionMs = 5
const seed = Number(process.env.PARLEY_SEED ?? 20_261_122)

let server: TestServer
let sessions: Session[]
/** When each session asked for a link, and when each handshake reached the server: monotonic clock, ms. */
let askedMs: number[]
let handshakesMs: number[]
let sockets: Set<Socket>
let delays: ReturnType<typeof monitorEventLoopDelay>

/** Follows the connections and handshakes of a server's plain port. */
function watch({ apps }: TestServer): void {
  const http = apps[0]?.server
  sockets = new Set()
  http?.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  http?.prependListener('upgrade', (_request: IncomingMessage) => handshakesMs.push(performance.now()))
}

/**
 * The busiest 100 ms of what the clients asked for, as a share of them, and what it may be: less than 8 %, and as much more as fell
 * due while this process, in which all of them live, was held up. When handshakes arrive depends on the machine too: it is told.
 */
function busiest(name: string, sinceMs: number): { readonly share: number; readonly bound: number } {
  const share = busiestShare(askedMs, clients, 100)
  const arrived = busiestShare(handshakesMs, clients, 100)
  const lastMs = Math.max(...handshakesMs) - sinceMs
  const heldUpMs = delays.max / 1e6 - delayResolutionMs
  const percent = (value: number): string => `${(value * 100).toFixed(1)} %`
  console.info(
    `${name}: in the busiest 100 ms ${percent(share)} of ${clients} asked, ${percent(arrived)} arrived (held up for ${Math.round(heldUpMs)} ms at most); the last arrived after ${Math.round(lastMs)} ms`,
  )
  return { share, bound: (0.08 * (100 + heldUpMs)) / 100 }
}

const open = (): number => sessions.filter(({ state }) => state.phase === 'open').length

beforeEach(async () => {
  server = await startTestServer()
  handshakesMs = []
  askedMs = []
  delays = monitorEventLoopDelay({ resolution: delayResolutionMs })
  watch(server)
  const random = seededRandom(seed)
  const transport = new WebSocketTransport({ WebSocket: NodeWebSocket })
  const asking: ClientTransport = {
    name: transport.name,
    missing: (base) => transport.missing(base),
    open: (request) => {
      askedMs.push(performance.now())
      return transport.open(request)
    },
  }
  sessions = Array.from({ length: clients }, () => {
    const onEvent = (_event: SessionEvent): void => undefined
    const { plainUrl: base } = server
    return new Session({
      base,
      room: 'storm',
      transports: [asking],
      transport: 'websocket',
      last: 0,
      onEvent,
      random,
    })
  })
  for (const session of sessions) session.start()
  await vi.waitFor(() => expect(open()).toBe(clients), 20_000)
  // A link that has brought something: this storm is no flapping.
  await server.hub.publish('storm', {
    id: '0190a7c8-0000-7000-8000-000000000001',
    user: 'Ada',
    text: 'hello',
  })
  await vi.waitFor(() => expect(sessions.every(({ state }) => state.cursor?.offset === 1)).toBe(true), 10_000)
})

afterEach(async () => {
  delays.disable()
  await Promise.all(sessions.map((session) => session.close()))
  await server.end()
})

describe(`R33: ${clients} WebSockets (seed ${seed})`, () => {
  test('that are reset at once come back spread, and miss nothing', { timeout: 60_000 }, async () => {
    handshakesMs = []
    askedMs = []
    delays.enable()
    const cutAtMs = performance.now()
    for (const socket of sockets) socket.resetAndDestroy()
    await server.hub.publish('storm', {
      id: '0190a7c8-0000-7000-8000-000000000002',
      user: 'Ada',
      text: 'missed?',
    })
    await vi.waitFor(
      () => expect(sessions.every(({ state }) => state.cursor?.offset === 2)).toBe(true),
      20_000,
    )
    const { share, bound } = busiest('storm', cutAtMs)
    expect(handshakesMs).toHaveLength(clients)
    expect(share).toBeLessThan(bound)
  })

  test('of a server that goes away in words come back to the next one even more spread', {
    timeout: 60_000,
  }, async () => {
    const port = Number(server.plainUrl.port)
    const goneAtMs = performance.now()
    handshakesMs = []
    askedMs = []
    delays.enable()
    await server.end()
    server = await startTestServer({ port })
    watch(server)
    await vi.waitFor(() => expect(open()).toBe(clients), 30_000)
    const { share, bound } = busiest('drain', goneAtMs)
    expect(handshakesMs.length).toBeGreaterThanOrEqual(clients)
    expect(share).toBeLessThan(bound)
  })
})
