// The relay over real sockets: what it forwards, what each fault does to both ends, and what it tells of itself.
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { UsageError } from '../../transports/errors.ts'
import type { Relay, RelayConnection } from './contract.ts'
import { type Profile, profiles } from './profile.ts'
import { startRelay } from './relay.ts'

/** A socket that keeps what it read and how it ended. */
class End {
  readonly socket: Socket
  readonly chunks: Buffer[] = []
  isEnded = false
  error: NodeJS.ErrnoException | null = null
  #changed: (() => void)[] = []

  constructor(socket: Socket) {
    this.socket = socket
    socket.setNoDelay(true)
    socket.on('data', (chunk: Buffer) => {
      this.chunks.push(chunk)
      this.#tell()
    })
    socket.on('end', () => {
      this.isEnded = true
      this.#tell()
    })
    socket.on('error', (error) => {
      this.error = error
      this.#tell()
    })
    socket.on('close', () => this.#tell())
  }

  get text(): string {
    return Buffer.concat(this.chunks).toString('latin1')
  }

  get bytes(): number {
    return this.chunks.reduce((sum, chunk) => sum + chunk.byteLength, 0)
  }

  #tell(): void {
    for (const one of this.#changed.splice(0)) one()
  }

  /** Resolves when it has come to that. */
  async until(condition: (end: End) => boolean): Promise<void> {
    while (!condition(this)) await new Promise<void>((resolve) => this.#changed.push(resolve))
  }
}

const servers: Server[] = []
const relays: Relay[] = []
const ends: End[] = []

afterEach(async () => {
  for (const { socket } of ends.splice(0)) socket.destroy()
  await Promise.all(relays.splice(0).map((relay) => relay.close()))
  for (const server of servers.splice(0)) server.close()
})

async function listen(onEnd: (end: End) => void): Promise<number> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    const end = new End(socket)
    ends.push(end)
    onEnd(end)
  })
  servers.push(server)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

/** It may not be connected yet. */
function begin(port: number): End {
  const end = new End(connect({ port, host: '127.0.0.1', allowHalfOpen: true }))
  ends.push(end)
  return end
}

async function dial(port: number): Promise<End> {
  const end = begin(port)
  await once(end.socket, 'connect')
  return end
}

interface Pair {
  readonly relay: Relay
  readonly connection: RelayConnection
  readonly client: End
  readonly server: End
}

/** A connection through a relay, both ends in hand. */
async function pair(changes: Partial<Profile> = {}, seed = 7): Promise<Pair> {
  const { promise, resolve } = Promise.withResolvers<End>()
  const port = await listen(resolve)
  const relay = await startRelay({ target: { port }, profile: { ...profiles.none, ...changes }, seed })
  relays.push(relay)
  const client = await dial(relay.port)
  const server = await promise
  const [connection] = relay.connections
  if (connection === undefined) throw new Error('the relay knows of no connection')
  // The server may know of it a little before the relay does.
  await expect.poll(() => connection.state).toBe('open')
  return { relay, connection, client, server }
}

test('forwards both ways and passes a half-close on', async () => {
  const { client, server, connection } = await pair()
  client.socket.end('question')
  await server.until(({ isEnded }) => isEnded)
  expect(server.text).toBe('question')
  // The other direction goes on behind the half-close.
  server.socket.write('answer ')
  await client.until(({ text }) => text === 'answer ')
  server.socket.end('and more')
  await client.until(({ isEnded }) => isEnded)
  expect(client.text).toBe('answer and more')
  await connection.closed
  expect([client.error, server.error]).toEqual([null, null])
  expect(connection.bytes).toEqual({ up: 8, down: 15 })
})

test('passes a reset on, behind what was sent before it', async () => {
  const { client, server, connection } = await pair({ delayUpMs: 30 })
  client.socket.write('last words')
  await new Promise((resolve) => client.socket.write('', resolve))
  client.socket.resetAndDestroy()
  await server.until(({ error }) => error !== null)
  expect(server.error?.code).toBe('ECONNRESET')
  await connection.closed
})

test('a cut by rst resets both ends, one by fin ends both in order', async () => {
  const reset = await pair()
  reset.relay.cut('rst')
  await reset.client.until(({ error }) => error !== null)
  await reset.server.until(({ error }) => error !== null)
  expect([reset.client.error?.code, reset.server.error?.code]).toEqual(['ECONNRESET', 'ECONNRESET'])
  // Nothing orderly comes before it.
  expect([reset.client.isEnded, reset.server.isEnded]).toEqual([false, false])
  expect(reset.relay.counts.cut).toBe(1)

  const ended = await pair()
  ended.connection.cut('fin')
  await ended.client.until(({ isEnded }) => isEnded)
  await ended.server.until(({ isEnded }) => isEnded)
  ended.client.socket.end()
  ended.server.socket.end()
  await ended.connection.closed
  expect([ended.client.error, ended.server.error]).toEqual([null, null])
})

test('a stall holds everything back for its time and loses nothing', async () => {
  const { relay, client, server } = await pair()
  relay.stall(200, 'up')
  const startedMs = performance.now()
  client.socket.write('late')
  await server.until(({ text }) => text === 'late')
  expect(performance.now() - startedMs).toBeGreaterThanOrEqual(199)
  // One direction alone: the other passes, however slow the machine is.
  relay.stall(60_000, 'up')
  client.socket.write(' and later')
  server.socket.write('in time')
  await client.until(({ text }) => text === 'in time')
  expect(server.text).toBe('late')
  relay.heal()
  await server.until(({ text }) => text === 'late and later')
})

test('a black hole passes nothing and tells nobody; what was in it is reset when it ends', async () => {
  const { relay, connection, client, server } = await pair()
  relay.blackHole()
  client.socket.write('into the dark')
  const late = await dial(relay.port)
  late.socket.write('so is this')
  // One end gives up; the relay sees it, the other end does not.
  server.socket.destroy()
  await expect.poll(() => connection.left.server).toBe(true)
  expect([connection.state, connection.left.client]).toEqual(['dead', false])
  expect([client.isEnded, client.error, server.text, late.bytes]).toEqual([false, null, '', 0])
  relay.heal()
  await client.until(({ error }) => error !== null)
  await late.until(({ error }) => error !== null)
  await connection.closed
  expect(servers[0]?.listening).toBe(true)
  const after = await dial(relay.port)
  after.socket.write('light')
  await expect.poll(() => ends.some((end) => end !== after && end.text === 'light')).toBe(true)
})

test('a black hole may let new connections pass', async () => {
  const { relay, client } = await pair()
  relay.blackHole({ newConnections: 'pass' })
  const other = await dial(relay.port)
  other.socket.write('another way')
  await expect.poll(() => ends.some((end) => end !== other && end.text === 'another way')).toBe(true)
  expect([client.isEnded, client.error]).toEqual([false, null])
})

test('a slow reader makes the server feel it, and holds no more than a buffer and a read', async () => {
  const { relay, connection, server, client } = await pair()
  relay.slowReader(0)
  const megabyte = Buffer.alloc(1024 * 1024)
  let sentBytes = 0
  // Until the kernel's buffers are full: then the server's own writes wait.
  while (server.socket.writableLength < 4 * megabyte.byteLength) {
    server.socket.write(megabyte)
    sentBytes += megabyte.byteLength
    await new Promise((resolve) => setImmediate(resolve))
    if (sentBytes > 256 * megabyte.byteLength) throw new Error('the relay reads on')
  }
  expect(connection.heldBytes.down).toBeLessThanOrEqual(1024 + 64 * 1024)
  expect(client.bytes).toBe(0)
  relay.heal()
  await client.until(({ bytes }) => bytes === sentBytes)
})

test('a receiver that does not read pushes back through the relay', async () => {
  const { connection, server, client } = await pair()
  client.socket.pause()
  const megabyte = Buffer.alloc(1024 * 1024)
  let sentBytes = 0
  while (server.socket.writableLength < 4 * megabyte.byteLength) {
    server.socket.write(megabyte)
    sentBytes += megabyte.byteLength
    await new Promise((resolve) => setImmediate(resolve))
    if (sentBytes > 256 * megabyte.byteLength) throw new Error('the relay does not push back')
  }
  expect(connection.heldBytes.down).toBeLessThanOrEqual((256 + 64) * 1024)
  client.socket.resume()
  await client.until(({ bytes }) => bytes === sentBytes)
})

test('a reset does not wait for a receiver that has stopped reading', async () => {
  const { relay, connection, server, client } = await pair()
  client.socket.pause()
  const megabyte = Buffer.alloc(1024 * 1024)
  while (server.socket.writableLength < 4 * megabyte.byteLength) {
    server.socket.write(megabyte)
    await new Promise((resolve) => setImmediate(resolve))
  }
  relay.cut('rst')
  await connection.closed
  await server.until(({ error }) => error !== null)
  client.socket.resume()
  await client.until(({ error }) => error !== null)
  expect([client.error?.code, client.isEnded]).toEqual(['ECONNRESET', false])
})

test('a limited rate takes its time, from receipt on', async () => {
  const { client, server } = await pair({ downBytesPerSecond: 100_000 })
  const startedMs = performance.now()
  server.socket.write(Buffer.alloc(60_000))
  await client.until(({ bytes }) => bytes === 60_000)
  const tookMs = performance.now() - startedMs
  expect(tookMs).toBeGreaterThanOrEqual(599)
  // Not twice as slow.
  expect(tookMs).toBeLessThan(1200)
})

test('a delay holds each way, and the first byte waits for a handshake more', async () => {
  const { promise, resolve } = Promise.withResolvers<End>()
  const port = await listen(resolve)
  const profile = { ...profiles.none, delayUpMs: 100, delayDownMs: 200 }
  const relay = await startRelay({ target: { port }, profile, seed: 7 })
  relays.push(relay)
  const startedMs = performance.now()
  const client = await dial(relay.port)
  client.socket.write('first')
  const server = await promise
  await server.until(({ text }) => text === 'first')
  const firstMs = performance.now() - startedMs
  expect(firstMs).toBeGreaterThanOrEqual(399)
  const sentMs = performance.now()
  server.socket.write('answer')
  await client.until(({ text }) => text === 'answer')
  const answerMs = performance.now() - sentMs
  expect(answerMs).toBeGreaterThanOrEqual(199)
  // No round trip more: that is for the first byte alone.
  expect(answerMs).toBeLessThan(500)
})

test('bytewise: one byte a read', async () => {
  const { client, server } = await pair({ chunks: 'bytewise' })
  client.socket.write('abcdefgh')
  await server.until(({ bytes }) => bytes === 8)
  expect(server.text).toBe('abcdefgh')
  expect(server.chunks.length).toBeGreaterThanOrEqual(6)
  const long = Buffer.alloc(200_000, 'x')
  server.socket.write(long)
  await client.until(({ bytes }) => bytes === long.byteLength)
})

test('joined: what comes in pieces arrives in one', async () => {
  const { client, server } = await pair({ chunks: 'joined' })
  for (const letter of 'abc') {
    client.socket.write(letter)
    await new Promise((resolve) => setImmediate(resolve))
  }
  await server.until(({ bytes }) => bytes === 3)
  expect(server.chunks.map(String)).toEqual(['abc'])
})

test('a buffering proxy passes on at its size or after its time', async () => {
  const { client, server } = await pair({ proxy: { bytes: 100, holdMs: 600 } })
  const startedMs = performance.now()
  client.socket.write(Buffer.alloc(99))
  await server.until(({ bytes }) => bytes === 99)
  expect(performance.now() - startedMs).toBeGreaterThanOrEqual(599)
  const againMs = performance.now()
  client.socket.write(Buffer.alloc(100))
  await server.until(({ bytes }) => bytes === 199)
  expect(performance.now() - againMs).toBeLessThan(599)
})

test('refuses new connections until it is healed, and goes where it is sent', async () => {
  const { relay, client, server } = await pair()
  relay.refuse()
  const refused = begin(relay.port)
  await refused.until(({ error }) => error !== null)
  expect([refused.error?.code, relay.counts.refused]).toEqual(['ECONNRESET', 1])
  relay.heal()
  const elsewhere = Promise.withResolvers<End>()
  relay.retarget({ port: await listen(elsewhere.resolve) })
  const moved = await dial(relay.port)
  moved.socket.write('here')
  await (await elsewhere.promise).until(({ text }) => text === 'here')
  // What was open stays where it is.
  client.socket.write('there')
  await server.until(({ text }) => text === 'there')
})

test('a target that nobody listens at resets the client and is counted', async () => {
  const { relay } = await pair()
  const gone = createServer().listen(0, '127.0.0.1')
  await once(gone, 'listening')
  const { port } = gone.address() as AddressInfo
  gone.close()
  await once(gone, 'close')
  relay.retarget({ port })
  const client = begin(relay.port)
  await client.until(({ socket }) => socket.destroyed)
  expect([client.error?.code, relay.counts.unreachable]).toEqual(['ECONNRESET', 1])
})

test('a busy port is one line', async () => {
  const { relay } = await pair()
  const again = startRelay({ listenPort: relay.port, target: { port: 1 }, profile: profiles.none, seed: 1 })
  await expect(again).rejects.toThrow(UsageError)
  await expect(again).rejects.toThrow(`Port ${relay.port} is in use`)
})

test('a profile that cuts does so by itself', async () => {
  const { client, relay } = await pair({ cuts: { everyMs: 20 } })
  await client.until(({ error, isEnded }) => error !== null || isEnded)
  expect(relay.counts.cut).toBe(1)
})

test('says what it costs itself', async () => {
  const { relay, client, server } = await pair({ delayUpMs: 5 })
  for (let count = 1; count <= 30; count++) {
    client.socket.write('x')
    await server.until(({ bytes }) => bytes === count)
  }
  const { count, p50Ms, p99Ms, maxMs } = relay.ownLatency()
  expect(count).toBe(30)
  expect(p50Ms).toBeLessThan(5)
  expect(p99Ms).toBeNull()
  expect(maxMs).toBeGreaterThanOrEqual(p50Ms ?? 0)
})
