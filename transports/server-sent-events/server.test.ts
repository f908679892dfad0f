// Server-sent events' server half, asked over bare sockets and streams: heads, segments, refusals, resumption, slow readers, and the end.
import { once } from 'node:events'
import { type ClientHttp2Stream, connect as connectHttp2 } from 'node:http2'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { v7 as uuidVersion7 } from 'uuid'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { eventually } from '../eventually.harness.ts'
import { http2PushServer } from '../http2-push/server.ts'
import { foreignOrigin, type Lab, startLab } from '../lab.harness.ts'
import { serverLimits } from '../limits.ts'
import type { Message } from '../message.ts'
import { EventStreamDecoder } from './event-stream.ts'
import { serverSentEventsServer } from './server.ts'

let lab: Lab
let ends: (() => void)[]

beforeEach(async () => {
  ends = []
  // The other way round than in the catalogue: nothing may hang on who is asked first.
  lab = await startLab({ transports: [http2PushServer, serverSentEventsServer], heartbeatMs: 200 })
})

afterEach(async () => {
  vi.restoreAllMocks()
  for (const end of ends) end()
  await lab.close()
})

type Document = Record<string, unknown> & { kind: string; messages?: Message[] }

/** One event stream over a bare socket: its head, the segments as they came, and the documents in them. */
class Stream {
  readonly socket: Socket
  readonly documents: Document[] = []
  readonly ids: string[] = []
  readonly segments: string[] = []
  readonly #decoder = new EventStreamDecoder(1 << 20)
  head: string | null = null
  #text = Buffer.alloc(0)

  constructor(path: string, fields: readonly string[] = [], port = lab.http.port) {
    this.socket = connect(Number(port), '127.0.0.1')
    this.socket.on('error', () => this.socket.destroy())
    ends.push(() => this.socket.destroy())
    const lines = [`GET ${path} HTTP/1.1`, 'Host: lab', 'Accept: text/event-stream', ...fields]
    this.socket.write(`${lines.join('\r\n')}\r\n\r\n`)
  }

  read(): this {
    this.socket.on('data', (chunk: Buffer) => {
      this.segments.push(chunk.toString())
      this.#text = Buffer.concat([this.#text, chunk])
      this.#headAndChunks()
    })
    return this
  }

  #headAndChunks(): void {
    if (this.head === null) {
      const end = this.#text.indexOf('\r\n\r\n')
      if (end < 0) return
      this.head = this.#text.subarray(0, end).toString()
      this.#text = this.#text.subarray(end + 4)
    }
    for (;;) {
      const end = this.#text.indexOf('\r\n')
      const length = Number.parseInt(this.#text.subarray(0, Math.max(end, 0)).toString(), 16)
      if (end < 0 || Number.isNaN(length) || this.#text.length < end + length + 4) return
      for (const { data, lastEventId } of this.#decoder.push(
        this.#text.subarray(end + 2, end + 2 + length),
      )) {
        this.documents.push(JSON.parse(data) as Document)
        this.ids.push(lastEventId)
      }
      this.#text = this.#text.subarray(end + length + 4)
    }
  }

  get retryMs(): number | null {
    return this.#decoder.retryMs
  }

  get offsets(): number[] {
    return this.documents.flatMap((one) => one.messages ?? []).map(({ offset }) => offset)
  }

  async until(kind: string): Promise<Document> {
    return vi.waitFor(() => {
      const found = this.documents.find((one) => one.kind === kind)
      if (found === undefined) throw new Error(`There came no ${kind}.`)
      return found
    }, 5000)
  }
}

async function publish(count: number, length: number): Promise<void> {
  const text = 'x'.repeat(length)
  for (let number = 0; number < count; number++)
    await lab.hub.publish('lounge', { id: uuidVersion7(), user: 'ada', text })
}

function numbers(last: number): number[] {
  return Array.from({ length: last }, (_, index) => index + 1)
}

const path = '/rooms/lounge/stream'
const identity = (link: number) => `session=aaaaaaaaaaaaaaaaaaaaaa&link=${link}`

/** The status of an answer over HTTP/2, and the type of what it brings. */
async function asked(accept: string | undefined): Promise<string> {
  const session = connectHttp2(lab.https.origin, { ca: lab.certificate })
  ends.push(() => session.destroy())
  const stream: ClientHttp2Stream = session.request({
    ':path': path,
    ...(accept === undefined ? {} : { accept }),
  })
  const [headers] = await once(stream, 'response')
  stream.destroy()
  return `${headers[':status']} ${String(headers['content-type']).split(';')[0]}`
}

describe('the answer', () => {
  test('over HTTP/1.1 is marked so that nothing buffers, stores or compresses it (R1)', async () => {
    const stream = new Stream(path, ['Accept-Encoding: gzip, br']).read()
    await stream.until('hello')
    const head = stream.head?.toLowerCase().split('\r\n') ?? []
    expect(head[0]).toBe('http/1.1 200 ok')
    expect(head).toEqual(
      expect.arrayContaining([
        'content-type: text/event-stream; charset=utf-8',
        'cache-control: no-cache, no-transform',
        'x-accel-buffering: no',
        'parley-protocol: http/1.1',
        'transfer-encoding: chunked',
      ]),
    )
    expect(stream.head).not.toMatch(/content-encoding/i)
  })

  test('begins with the hello, before there is any message (R2), which tells the protocol (R11)', async () => {
    const stream = new Stream(path).read()
    expect(await stream.until('hello')).toMatchObject({
      transport: 'server-sent-events',
      negotiated: { protocol: 'http/1.1', tls: false },
      cursor: 'test.0',
    })
    await stream.until('heartbeat')
    expect([stream.documents[0]?.kind, stream.ids[0]]).toEqual(['hello', 'test.0'])
  })

  test('is one segment for the head with its hello, and one for each event', async () => {
    const stream = new Stream(path).read()
    await stream.until('hello')
    expect(stream.segments[0]).toMatch(/^HTTP[\s\S]*\r\n\r\n[0-9a-f]+\r\nretry: [\s\S]*\n\n\r\n$/)
    for (let count = 1; count <= 5; count++) {
      await publish(1, 100)
      await eventually(() => expect(stream.offsets).toHaveLength(count))
    }
    // None is split; a reader that is late finds two of them in one read.
    for (const segment of stream.segments.slice(1)) expect(segment).toMatch(/^[0-9a-f]+\r\n[\s\S]*\n\n\r\n$/)
    expect(stream.segments.length).toBeLessThanOrEqual(stream.documents.length)
  })

  test('asks each reader to wait for a time of its own, up to two seconds (R33)', async () => {
    const streams = await Promise.all(
      numbers(20).map(async () => {
        const stream = new Stream(path).read()
        await stream.until('hello')
        return stream
      }),
    )
    const waits = streams.map(({ retryMs }) => retryMs ?? -1)
    expect(waits.every((wait) => wait >= 0 && wait <= 2000)).toBe(true)
    expect(new Set(waits).size).toBeGreaterThan(10)
  })
})

describe('the form is chosen by Accept', () => {
  test.each([
    ['text/event-stream', '200 text/event-stream'],
    ['text/html, text/event-stream;q=0.5', '200 text/event-stream'],
    ['application/x-ndjson', '200 application/x-ndjson'],
    ['*/*', '200 application/x-ndjson'],
    [undefined, '200 application/x-ndjson'],
    ['text/html', '406 application/problem+json'],
  ])('%s: %s', async (accept, answer) => {
    expect(await asked(accept)).toBe(answer)
  })

  test('over HTTP/1.1 whoever does not ask for events is told to speak HTTP/2', async () => {
    expect((await fetch(new URL(path, lab.http))).status).toBe(505)
  })
})

describe('is refused over HTTP/1.1', () => {
  test.each([
    [`Origin: ${foreignOrigin}`, path, 403, 'forbidden-origin'],
    ['X: y', '/rooms/no%20room/stream', 400, 'bad-room'],
    ['X: y', `${path}?after=x`, 400, 'bad-cursor'],
    ['X: y', `${path}?after=test.0&last=2`, 400, 'bad-request'],
    ['X: y', `${path}?link=2`, 400, 'bad-request'],
    ['Last-Event-ID: x', path, 400, 'bad-cursor'],
    ['Last-Event-ID: test.0, test.0', path, 400, 'bad-cursor'],
  ])('%s %s: %i', async (field, where, status, name) => {
    const stream = new Stream(where, [field])
    let answer = ''
    stream.socket.on('data', (chunk: Buffer) => {
      answer += chunk.toString()
    })
    await eventually(() => expect(answer).toContain(`"/problems/${name}"`))
    expect(answer).toContain(`HTTP/1.1 ${status} `)
    expect(answer.toLowerCase()).toContain('content-type: application/problem+json')
    expect(lab.hub.stats().subscribers).toBe(0)
  })
})

describe('a reader that comes back', () => {
  test('goes on behind its Last-Event-ID, whatever the address says (R26)', async () => {
    await publish(5, 10)
    const stream = new Stream(`${path}?last=5`, ['Last-Event-ID: test.3']).read()
    await eventually(() => expect(stream.offsets).toEqual([4, 5]))
    expect(stream.ids).toEqual(['test.3', 'test.5'])
  })

  test('with an id of another log gets a reset, whose id is where it goes on (R28)', async () => {
    await publish(2, 10)
    const stream = new Stream(path, ['Last-Event-ID: other.9']).read()
    await eventually(() => expect(stream.offsets).toEqual([1, 2]))
    expect(stream.documents.map(({ kind }) => kind).slice(0, 2)).toEqual(['hello', 'reset'])
    expect(stream.ids[1]).toBe('test.0')
  })

  test('takes the place of its former connection at once: it is the same link (R27)', async () => {
    const former = new Stream(`${path}?${identity(1)}`).read()
    await former.until('hello')
    const next = new Stream(`${path}?${identity(1)}`, ['Last-Event-ID: test.0']).read()
    await next.until('hello')
    expect(await former.until('goodbye')).toMatchObject({ cause: 'replaced' })
    await eventually(() => expect(lab.hub.stats().subscribers).toBe(1))
    await publish(1, 10)
    await eventually(() => expect(next.offsets).toEqual([1]))
  })
})

describe('a reader over HTTP/1.1 that stops reading', () => {
  test('costs a bounded amount, holds nobody up, and catches up (R38)', async () => {
    const fast = new Stream(`${path}?after=test.0`).read()
    await fast.until('hello')
    const slow = new Stream(`${path}?after=test.0`)
    await eventually(() => expect(lab.hub.stats().subscribers).toBe(2))
    slow.socket.pause()
    let most = 0
    // More than the system's buffers take.
    const count = 1500
    for (let round = 0; round < 30; round++) {
      await publish(50, 8000)
      most = Math.max(most, lab.hub.queues().readers.mostBytes)
    }
    await eventually(() => expect(fast.offsets).toHaveLength(count))
    expect(lab.hub.stats().behind).toBe(1)
    expect(most).toBeGreaterThan(0)
    expect(most).toBeLessThanOrEqual(2 * 64 * 1024 + serverLimits.batchBytes + 1024)
    slow.read().socket.resume()
    await vi.waitFor(() => expect(slow.offsets).toHaveLength(count), 8000)
    expect(slow.offsets).toEqual(numbers(count))
    expect(lab.hub.stats().behind).toBe(0)
  }, 30_000)
})

describe('a stream over HTTP/1.1 that ends', () => {
  test.each(['end', 'destroy', 'resetAndDestroy'] as const)(
    'by the reader’s %s frees its place (R8)',
    async (how) => {
      const stream = new Stream(`${path}?${identity(1)}`).read()
      await stream.until('hello')
      stream.socket[how]()
      await eventually(() => expect(lab.hub.stats().subscribers).toBe(0))
      await publish(2, 10)
    },
  )

  test('although its request has a body that nobody reads', async () => {
    const stream = new Stream(path, ['Content-Length: 1000000']).read()
    await stream.until('hello')
    stream.socket.write(Buffer.alloc(900_000))
    await publish(1, 10)
    await eventually(() => expect(stream.offsets).toEqual([1]))
    stream.socket.destroy()
    await eventually(() => expect(lab.hub.stats().subscribers).toBe(0))
  })

  test('in a black hole is let go when its reader comes back elsewhere (R34)', async () => {
    const pairs: Socket[] = []
    const hole = createServer((near) => {
      const far = connect(Number(lab.http.port), '127.0.0.1')
      pairs.push(near, far)
      for (const socket of [near, far]) socket.on('error', () => socket.destroy())
      near.pipe(far).pipe(near)
    })
    ends.push(() => {
      for (const socket of pairs) socket.destroy()
      hole.close()
    })
    await once(hole.listen(0, '127.0.0.1'), 'listening')
    const { port } = hole.address() as AddressInfo
    const gone = new Stream(`${path}?${identity(1)}`, [], String(port)).read()
    await gone.until('hello')
    const [near, far] = pairs
    if (near === undefined || far === undefined) throw new Error('Nobody came by that way.')
    near.unpipe(far).pause()
    far.unpipe(near).pause()
    // Nothing tells this server: heartbeats go into the system's buffer, and are never acknowledged.
    const next = new Stream(`${path}?${identity(2)}`).read()
    await next.until('hello')
    expect(lab.hub.stats().subscribers).toBe(2)
    await vi.waitFor(() => expect(lab.hub.stats().subscribers).toBe(1), 4000)
    await publish(1, 10)
    await eventually(() => expect(next.offsets).toEqual([1]))
  })

  test('by a drain: a hundred are told so, and the server closes within a second (R5)', async () => {
    const streams = numbers(100).map(() => new Stream(path).read())
    await Promise.all(streams.map((stream) => stream.until('hello')))
    const from = performance.now()
    await lab.close()
    expect(performance.now() - from).toBeLessThan(1000)
    for (const stream of streams)
      expect(stream.documents.at(-1)).toMatchObject({
        kind: 'goodbye',
        cause: 'peer',
        retryAfterMs: expect.any(Number),
      })
    lab = await startLab({ transports: [serverSentEventsServer] })
  })
})
