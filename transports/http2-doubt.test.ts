// A connection that swallows everything is found and replaced, one that lives is left alone: by our fetch, and by our WebSockets over HTTP/2.
import { once } from 'node:events'
import { connect } from 'node:http2'
import { type AddressInfo, connect as connectTcp, createServer, type Server, type Socket } from 'node:net'
import { v7 as uuidVersion7 } from 'uuid'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { nodeTransports } from './all.node.ts'
import type { ClientTransport, Closed } from './contract.ts'
import { nodeFetch } from './fetch.node.ts'
import { doubt, doubtTimeoutMs } from './http2-doubt.node.ts'
import { http2PushServer } from './http2-push/server.ts'
import { type Lab, startLab } from './lab.harness.ts'
import { pollingServer } from './polling/server.ts'
import { webSocketHttp2Server } from './websocket/over-http2.server.ts'

/** Passes everything on, until `swallow`: then nothing of the connections of that moment passes any more, and no end is told. */
class Passage {
  readonly #server: Server
  readonly #pairs: { near: Socket; far: Socket }[] = []

  constructor(targetPort: number) {
    this.#server = createServer((near) => {
      const far = connectTcp(targetPort, '127.0.0.1')
      for (const socket of [near, far]) socket.on('error', () => socket.destroy())
      near.pipe(far).pipe(near)
      this.#pairs.push({ near, far })
    })
  }

  async open(): Promise<URL> {
    await once(this.#server.listen(0, '127.0.0.1'), 'listening')
    return new URL(`https://127.0.0.1:${(this.#server.address() as AddressInfo).port}`)
  }

  get connections(): number {
    return this.#pairs.length
  }

  swallow(): void {
    for (const { near, far } of this.#pairs) {
      near.unpipe(far).pause()
      far.unpipe(near).pause()
    }
  }

  /** From now on it passes so many bytes a second to the near end. Resolves when it holds some back. */
  async crawl(bytesPerSecond: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    for (const { near, far } of this.#pairs) {
      far.unpipe(near)
      far.on('data', (chunk: Buffer) => {
        far.pause()
        if (chunk.length > bytesPerSecond) resolve()
        this.#trickle(near, chunk, bytesPerSecond / 10, () => far.resume())
      })
      far.resume()
    }
    await promise
  }

  #trickle(near: Socket, chunk: Buffer, bytesPerTenth: number, done: () => void): void {
    if (chunk.length === 0 || near.destroyed) {
      done()
      return
    }
    near.write(chunk.subarray(0, bytesPerTenth))
    setTimeout(() => this.#trickle(near, chunk.subarray(bytesPerTenth), bytesPerTenth, done), 100)
  }

  close(): void {
    for (const { near, far } of this.#pairs) {
      near.destroy()
      far.destroy()
    }
    this.#server.close()
  }
}

let lab: Lab
let passage: Passage
let base: URL

beforeEach(async () => {
  lab = await startLab({
    transports: [pollingServer, http2PushServer, webSocketHttp2Server],
    heartbeatMs: 300,
  })
  passage = new Passage(Number(lab.https.port))
  base = await passage.open()
})

afterEach(async () => {
  passage.close()
  await lab.close()
})

test('one that answers stays, and can be doubted again', async () => {
  const session = connect(base, { ca: lab.certificate })
  for (let round = 0; round < 2; round++) {
    doubt(session)
    doubt(session)
    await new Promise((resolve) => session.ping(resolve))
  }
  expect(session.destroyed).toBe(false)
  session.destroy()
})

test('one that takes no new streams, as after a GOAWAY, can’t be asked: what is on it goes on', async () => {
  const session = connect(base, { ca: lab.certificate })
  const stream = session.request({ ':path': '/rooms/lounge/stream?last=0' })
  await once(stream, 'response')
  session.close()
  vi.useFakeTimers({ toFake: ['setTimeout'] })
  doubt(session)
  await new Promise((resolve) => setImmediate(resolve))
  vi.advanceTimersByTime(doubtTimeoutMs)
  vi.useRealTimers()
  expect(session.destroyed).toBe(false)
  await once(stream, 'data')
  session.destroy()
})

test('one that is slow is alive as long as anything comes, though the answer waits behind it', async () => {
  const session = connect(base, { ca: lab.certificate })
  await once(session, 'remoteSettings')
  for (let count = 0; count < 7; count++) {
    await lab.hub.publish('lounge', { id: uuidVersion7(), user: 'Ada', text: 'x'.repeat(4000) })
  }
  const crawls = passage.crawl(20_000)
  const ends = [1, 2].map(() => {
    const stream = session.request({ ':path': '/rooms/lounge/messages?last=7' })
    return once(stream.resume(), 'end')
  })
  await crawls
  doubt(session)
  await Promise.all(ends)
  expect(session.destroyed).toBe(false)
  session.destroy()
})

test('one that cannot even connect is ended', async () => {
  const silent = createServer(() => undefined).listen(0, '127.0.0.1')
  await once(silent, 'listening')
  const session = connect(`https://127.0.0.1:${(silent.address() as AddressInfo).port}`)
  vi.useFakeTimers({ toFake: ['setTimeout'] })
  doubt(session)
  vi.advanceTimersByTime(8000)
  vi.useRealTimers()
  const [error] = (await once(session, 'error')) as [Error]
  expect(error.message).toBe('The connection gave no sign of life for 8000 ms.')
  silent.close()
})

test('R34: a request that was given up on a dead connection leaves it to be replaced', async () => {
  const client = nodeFetch({ ca: lab.certificate })
  const address = new URL('/rooms/lounge/messages?last=1', base)
  expect((await client.fetch(address)).status).toBe(200)
  passage.swallow()
  await expect(client.fetch(address, { signal: AbortSignal.timeout(50) })).rejects.toThrow()
  const dead = client.session(base.origin)
  await new Promise((resolve) => dead.once('close', resolve))
  expect((await client.fetch(address)).status).toBe(200)
  expect(passage.connections).toBe(2)
  client.close()
})

describe('R34: the next link after a dead one', () => {
  async function openLink(transport: ClientTransport, link: number, closed: (reason: Closed) => void) {
    return transport.open({
      base,
      room: 'lounge',
      session: crypto.randomUUID(),
      link,
      start: { last: 0 },
      receive: () => undefined,
      closed,
      signal: new AbortController().signal,
    })
  }

  test.each(['http2-push', 'websocket-h2'])(
    'over %s is open soon, on a connection of its own',
    async (name) => {
      const port = name === 'http2-push' ? lab.https.port : lab.h2WebSocket.port
      passage.close()
      passage = new Passage(Number(port))
      base = await passage.open()
      const client = nodeTransports({ certificate: lab.certificate, intervalMs: 100, h2WebSocketUrl: base })
      const transport = client.all.find((one) => one.name === name)
      if (transport === undefined) throw new Error('no such transport')
      const closings: Closed[] = []
      await openLink(transport, 1, (reason) => closings.push(reason))
      passage.swallow()
      await vi.waitFor(() => expect(closings.map(({ cause }) => cause)).toEqual(['idle']), 3000)
      // As a session does: again and again until it opens.
      let opened = null
      while (opened === null) opened = await openLink(transport, 2, () => undefined).catch(() => null)
      expect(passage.connections).toBeGreaterThan(1)
      await opened.close()
      client.close()
    },
  )
})
