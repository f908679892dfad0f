// Auto over real sockets: networks that refuse, answer for or swallow WebSockets, and a conversation that climbs without losing a word.
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { v7 as uuidVersion7 } from 'uuid'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { type NodeTransports, nodeTransports } from './all.node.ts'
import { ladder } from './catalogue.ts'
import type { ServerTransport } from './contract.server.ts'
import { auto } from './contract.ts'
import { UsageError } from './errors.ts'
import { eventually } from './eventually.harness.ts'
import { type Lab, startLab } from './lab.harness.ts'
import { pollingServer } from './polling/server.ts'
import { Proof } from './proof.ts'
import type { SessionEvent } from './session.state.ts'
import { Session } from './session.ts'
import { webSocketServer } from './websocket/server.ts'

const servers: readonly ServerTransport[] = [pollingServer, webSocketServer]

/** What the network does with a handshake: lets it through, resets its connection, answers in the server's place, or nothing. */
type Manner = 'pass' | 'reset' | 'answer 502' | 'swallow'

/** A proxy for plain HTTP, before which everything but WebSockets passes. */
class Network {
  manner: Manner = 'pass'
  readonly #server: Server
  readonly #sockets = new Set<Socket>()

  constructor(port: number) {
    this.#server = createServer((near) => {
      const far = connect(port, '127.0.0.1')
      for (const socket of [near, far]) {
        this.#sockets.add(socket)
        socket.on('error', () => socket.destroy())
        socket.on('close', () => this.#sockets.delete(socket))
      }
      near.on('close', () => far.destroy())
      far.on('close', () => near.destroy())
      near.on('data', (chunk: Buffer) => {
        if (!/^upgrade: *websocket\r$/im.test(chunk.toString('latin1'))) far.write(chunk)
        else this.#handshake(near, far, chunk)
      })
      far.on('data', (chunk) => near.write(chunk))
    })
  }

  async open(): Promise<URL> {
    await once(this.#server.listen(0, '127.0.0.1'), 'listening')
    return new URL(`http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`)
  }

  /** Cuts what is open. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  close(): void {
    this.cut()
    this.#server.close()
  }

  #handshake(near: Socket, far: Socket, chunk: Buffer): void {
    if (this.manner === 'pass') far.write(chunk)
    else if (this.manner === 'reset') near.resetAndDestroy()
    else if (this.manner === 'answer 502')
      near.end('HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n')
  }
}

let lab: Lab
let network: Network
let base: URL
let client: NodeTransports
let session: Session
let events: SessionEvent[]
let proof: Proof

beforeEach(async () => {
  lab = await startLab({ transports: servers })
  network = new Network(Number(lab.http.port))
  base = await network.open()
  client = nodeTransports({ certificate: lab.certificate, intervalMs: 100 })
  events = []
  proof = new Proof()
})

afterEach(async () => {
  await session?.close()
  client.close()
  network.close()
  await lab.close()
})

function start(manner: Manner): void {
  network.manner = manner
  const offered = new Set(servers.map(({ name }) => name))
  session = new Session({
    base,
    room: 'lounge',
    transports: client.all,
    transport: auto,
    fallback: ladder.filter((name) => offered.has(name)),
    last: 50,
    onEvent: (event) => {
      events.push(event)
      proof.observe(event)
    },
  })
  session.start()
}

function opened(transport: string): Promise<void> {
  return vi.waitFor(() => expect(session.state).toMatchObject({ phase: 'open', transport }), 8000)
}

const said = () =>
  events.flatMap((event) => (event.kind === 'messages' ? event.messages.map(({ text }) => text) : []))
const fellBack = () => events.flatMap((event) => (event.kind === 'fell-back' ? [event] : []))

async function publish(text: string): Promise<void> {
  await lab.hub.publish('lounge', { id: uuidVersion7(), user: 'grace', text })
}

describe('R32: auto', () => {
  test('takes the best where nothing is in the way', async () => {
    start('pass')
    await opened('websocket')
    expect(fellBack()).toEqual([])
  })

  test.each([
    ['reset', /could not be opened|ECONNRESET|closed/i],
    ['answer 502', /502/],
  ] as const)(
    'goes on to the next at once where a handshake is met with "%s", and says why',
    async (manner, why) => {
      start(manner)
      await opened('polling')
      expect(fellBack()).toMatchObject([{ from: 'websocket', to: 'polling' }])
      expect(fellBack()[0]?.detail).toMatch(why)
      expect(session.state.ladder[0]).toMatchObject({ transport: 'websocket', standing: 'skipped' })
    },
  )

  test('is talking long before a handshake that is swallowed times out', async () => {
    start('swallow')
    session.send('ada', 'hello')
    await vi.waitFor(() => expect(said()).toContain('hello'), 8000)
    expect(session.state).toMatchObject({ phase: 'open', transport: 'polling' })
    // It is still waited for, as another carries the room meanwhile.
    expect(session.state.ladder[0]).toMatchObject({ transport: 'websocket', standing: 'opening' })
  })

  test('R31: climbs back when the network is another one, in the middle of a conversation, without a loss', async () => {
    start('answer 502')
    await opened('polling')
    await publish('one')
    session.send('ada', 'two')
    network.manner = 'pass'
    session.reconnect()
    await publish('three')
    await opened('websocket')
    session.send('ada', 'four')
    await vi.waitFor(() => expect(said()).toHaveLength(4), 8000)
    expect([...said()].sort()).toEqual(['four', 'one', 'three', 'two'])
    await eventually(() => expect(session.state.pending).toBe(0))
    expect(proof).toMatchObject({ lost: 0, duplicated: 0, reordered: 0 })
    expect(events.flatMap((event) => (event.kind === 'switched' ? [event.report] : []))).toMatchObject([
      { from: 'polling', to: 'websocket' },
    ])
  })

  test('comes back over the one that has worked after a cut, alone (R33)', async () => {
    start('pass')
    await opened('websocket')
    await publish('before')
    await eventually(() => expect(said()).toEqual(['before']))
    network.cut()
    await eventually(() => expect(session.state.phase).not.toBe('open'))
    await publish('meanwhile')
    await vi.waitFor(() => expect(said()).toEqual(['before', 'meanwhile']), 8000)
    expect(session.state.transport).toBe('websocket')
    expect(fellBack()).toEqual([])
  })
})

test('a ladder on which nothing can run is the caller’s mistake', () => {
  const options = {
    base: new URL('http://127.0.0.1:1'),
    room: 'lounge',
    transports: client.all,
    transport: auto,
    last: 1,
    onEvent: () => undefined,
  }
  expect(() => new Session({ ...options, fallback: [] })).toThrow(UsageError)
  expect(() => new Session({ ...options, fallback: ['http2-push'] })).toThrow(UsageError)
})
