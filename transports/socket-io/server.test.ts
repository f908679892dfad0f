// Socket.IO's server half: what it refuses, what it does with nonsense, and peers that do not read or do not live. Its wire is spoken by hand.
import { once } from 'node:events'
import { connect as connectHttp2, constants } from 'node:http2'
import { connect, type Socket } from 'node:net'
import { promisify } from 'node:util'
import { v7 as uuidVersion7 } from 'uuid'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { WebSocket } from 'ws'
import { eventually } from '../eventually.harness.ts'
import { foreignOrigin, type Lab, startLab } from '../lab.harness.ts'
import { serverLimits, wireLimits } from '../limits.ts'
import { socketIoServer } from './server.ts'

const boundBytes = 256 * 1024

let lab: Lab
/** The server's ends of the connections to the plain port. */
let served: Socket[]
let sockets: WebSocket[]
let pollers: Poller[]

async function begin(heartbeatMs: number): Promise<void> {
  served = []
  sockets = []
  pollers = []
  lab = await startLab({
    transports: [socketIoServer],
    heartbeatMs,
    begin: (app) => app.server.on('connection', (socket: Socket) => served.push(socket)),
  })
}

beforeEach(() => begin(10_000))
afterEach(async () => {
  vi.restoreAllMocks()
  for (const socket of sockets) socket.terminate()
  // Those that nobody ends would have their time to take a goodbye.
  await Promise.allSettled(pollers.map((poller) => poller.post('1')))
  await lab.close()
})

function address(query: string, { room = 'lounge', base = lab.http } = {}): URL {
  return new URL(`/rooms/${room}/socket-io?EIO=4&transport=polling${query}`, base)
}

/** One session that polls, by hand. */
class Poller {
  readonly base: URL
  sid = ''

  constructor(base: URL = lab.http) {
    this.base = base
    pollers.push(this)
  }

  async handshake(): Promise<this> {
    const answer = await lab.fetch(address('', { base: this.base }))
    expect(answer.status).toBe(200)
    this.sid = (JSON.parse((await answer.text()).slice(1)) as { sid: string }).sid
    return this
  }

  get url(): URL {
    return address(`&sid=${this.sid}`, { base: this.base })
  }

  post(body: string): Promise<Response> {
    return lab.fetch(this.url, { method: 'POST', body, headers: { 'content-type': 'text/plain' } })
  }

  async poll(): Promise<string> {
    return (await lab.fetch(this.url)).text()
  }

  /** Connects to the room, and gives all that came with the answer. */
  async join(auth: object = { last: '0' }): Promise<string> {
    await this.post(`40${JSON.stringify(auth)}`)
    return this.poll()
  }
}

/** A session that is a WebSocket from the beginning: what it hears is kept. */
async function openSocket(auth: object = { last: '0' }): Promise<{ socket: WebSocket; heard: string[] }> {
  const url = address('')
  url.protocol = 'ws:'
  url.searchParams.set('transport', 'websocket')
  const socket = new WebSocket(url)
  sockets.push(socket)
  socket.on('error', () => socket.terminate())
  const heard: string[] = []
  socket.on('message', (data) => {
    const text = String(data)
    heard.push(text)
    if (text.startsWith('0')) socket.send(`40${JSON.stringify(auth)}`)
    if (text === '2') socket.send('3')
  })
  await eventually(() => expect(heard.some((one) => one.startsWith('42["hello"'))).toBe(true))
  return { socket, heard }
}

async function publish(count: number, length: number): Promise<void> {
  const text = 'x'.repeat(length)
  await Promise.all(
    Array.from({ length: count }, () => lab.hub.publish('lounge', { id: uuidVersion7(), user: 'ada', text })),
  )
}

function offsetsIn(heard: readonly string[]): number[] {
  return heard
    .filter((one) => one.startsWith('42["delivery"'))
    .flatMap((one) => (JSON.parse(one.slice(2)) as [string, { messages: { offset: number }[] }])[1].messages)
    .map(({ offset }) => offset)
}

const send = (text: string, number: number | '' = 1) =>
  `42${number}${JSON.stringify(['send', { id: uuidVersion7(), user: 'ada', text }])}`

describe('is refused', () => {
  test.each(['GET', 'POST'])('a page of another origin: 403 on every %s (R23)', async (method) => {
    const { url } = await new Poller().handshake()
    for (const target of [address(''), url]) {
      const answer = await fetch(target, { method, headers: { origin: foreignOrigin } })
      expect(answer.status).toBe(403)
      expect(await answer.json()).toMatchObject({ type: '/problems/forbidden-origin' })
    }
  })

  test('a page of another origin, before the 101 (R23)', async () => {
    const url = address('')
    url.protocol = 'ws:'
    url.searchParams.set('transport', 'websocket')
    const socket = new WebSocket(url, { origin: foreignOrigin })
    const [error] = (await once(socket, 'error')) as [Error]
    expect(error.message).toContain('403')
  })

  test('a wrong room, over HTTP/1.1 and HTTP/2', async () => {
    for (const base of [lab.http, lab.https]) {
      const answer = await lab.fetch(address('', { room: 'no%20room', base }))
      expect(answer.status).toBe(400)
      expect(await answer.json()).toMatchObject({ type: '/problems/bad-room' })
    }
  })

  test('a session in another room', async () => {
    const { sid } = await new Poller().handshake()
    const answer = await fetch(address(`&sid=${sid}`, { room: 'kitchen' }))
    expect(answer.status).toBe(404)
  })

  test('a draining server: 503, with a time to come back', async () => {
    await lab.hub.drain()
    const answer = await fetch(address(''))
    expect(answer.status).toBe(503)
    expect(answer.headers.get('retry-after')).not.toBeNull()
  })

  test('a session that was there before the draining: connect_error, with a time to come back', async () => {
    const poller = await new Poller().handshake()
    await lab.hub.drain()
    const heard = await poller.join()
    expect(heard).toMatch(/^44/)
    expect(JSON.parse(heard.slice(2))).toMatchObject({
      data: { type: '/problems/draining', retryAfterMs: expect.any(Number) },
    })
  })

  test.each([
    ['a wrong cursor', { after: 'x' }, 'bad-cursor'],
    ['two starts', { after: 'test.0', last: '1' }, 'bad-request'],
    ['a start that is no string', { last: 1 }, 'bad-request'],
    ['half of an identity', { link: '1' }, 'bad-request'],
  ])('%s: connect_error', async (_what, auth, name) => {
    const heard = await (await new Poller().handshake()).join(auth)
    expect(JSON.parse(heard.slice(2))).toMatchObject({ data: { type: `/problems/${name}` } })
    expect(lab.hub.stats().subscribers).toBe(0)
  })

  test('a session that connects many times: it has no place at all', async () => {
    const poller = await new Poller().handshake()
    await poller.post(Array.from({ length: 50 }, () => '40{"last":"0"}').join('\x1e'))
    await eventually(() => expect(lab.hub.stats().subscribers).toBe(0))
    expect((await fetch(poller.url)).status).toBe(400)
  })
})

test.each([
  ['HTTP/1.1', () => lab.http],
  ['HTTP/2', () => lab.https],
])('polls, posts and is told what it speaks over %s', async (_name, base) => {
  const poller = await new Poller(base()).handshake()
  const hello = await poller.join({ last: '0' })
  expect(hello).toContain(base() === lab.http ? '"protocol":"http/1.1"' : '"protocol":"h2"')
  expect(hello).toContain('engine.io polling')
  expect((await poller.post(send('by hand'))).status).toBe(200)
  expect(await poller.poll()).toContain('by hand')
  expect(lab.hub.head('lounge').offset).toBe(1)
})

describe('nonsense ends its own session at most, and nobody else notices', () => {
  let bystander: Awaited<ReturnType<typeof openSocket>>

  beforeEach(async () => {
    bystander = await openSocket()
  })

  afterEach(async () => {
    await publish(1, 10)
    const last = lab.hub.head('lounge').offset
    await eventually(() => expect(offsetsIn(bystander.heard)).toHaveLength(last))
    expect(bystander.socket.readyState).toBe(WebSocket.OPEN)
  })

  const nonsense = [
    ['nothing', ''],
    ['an unknown packet', '9'],
    ['a ping', '2'],
    ['an upgrade', '5'],
    ['a packet of no kind', '4'],
    ['an event that is no JSON', '42{'],
    ['an event without a name', '42[]'],
    ['a reserved event', '42["disconnect"]'],
    ['an error event', '42["error"]'],
    ['an inherited event', '42["__proto__",1]'],
    ['binary that never comes', '451-["send",{"_placeholder":true,"num":0}]'],
    ['too many binaries', '45999-["send"]'],
    ['binary that nobody announced', 'bAAAA'],
    ['an acknowledgement of nothing', '4399[1]'],
    ['a draft without an acknowledgement', '42["send",{}]'],
    ['no draft', '421["send"]'],
    ['a draft that is a list', '421["send",[]]'],
    ['another namespace', '40/admin,'],
    ['a number of an event that is none', '42-1["send",{}]'],
    ['raw bytes', '\u0000\u0001\uffff'],
  ] as const

  test.each(nonsense)('%s, in a poll’s body', async (_what, body) => {
    for (const base of [lab.http, lab.https]) {
      const joined = await new Poller(base).handshake()
      await joined.join()
      await joined.post(body)
      const fresh = await new Poller(base).handshake()
      await fresh.post(body)
    }
  })

  test.each(nonsense)('%s, on a WebSocket', async (_what, body) => {
    const { socket } = await openSocket()
    socket.send(body)
    socket.send(Buffer.from(body))
  })

  test('requests that no client makes', async () => {
    const { sid } = await new Poller().handshake()
    for (const query of [
      '&sid=nobody',
      '&sid=__proto__',
      '&sid=constructor',
      `&sid=${sid}&sid=${sid}`,
      '&transport=carrier-pigeon',
      '&EIO=3',
      '&sid=%E0%A4%A',
    ]) {
      for (const method of ['GET', 'POST', 'PUT', 'DELETE']) {
        const answer = await fetch(address(query), { method, ...(method === 'GET' ? {} : { body: 'x' }) })
        expect(answer.status).toBeGreaterThanOrEqual(200)
        expect(answer.status).toBeLessThan(500)
      }
    }
  })

  test('polls and posts that are given up half-way, over HTTP/2 too', async () => {
    for (const base of [lab.http, lab.https]) {
      for (const method of ['GET', 'POST']) {
        const poller = await new Poller(base).handshake()
        await poller.join()
        const abort = new AbortController()
        const body = method === 'POST' ? { body: 'x'.repeat(60_000) } : {}
        const asking = lab.fetch(poller.url, { method, ...body, signal: abort.signal })
        setImmediate(() => abort.abort())
        await asking.catch((error: unknown) => expect(error).toBeDefined())
        await lab.fetch(poller.url, { method: 'POST', body: '1' })
      }
    }
  })

  test('a message that is longer than any draft ends the session', async () => {
    const { socket } = await openSocket()
    socket.send(send('x'.repeat(wireLimits.draftBytes + 2048)))
    await once(socket, 'close')
    const poller = await new Poller().handshake()
    expect((await poller.post(send('x'.repeat(wireLimits.draftBytes + 2048)))).status).toBe(413)
    expect(lab.hub.head('lounge').offset).toBe(0)
  })

  test('more drafts at once than may wait for a receipt end the link with a goodbye', async () => {
    const { socket, heard } = await openSocket()
    for (let number = 0; number < serverLimits.socketDraftsInFlight * 8; number++)
      socket.send(send('x', number))
    await once(socket, 'close')
    expect(heard.some((one) => one.startsWith('42["goodbye"') && one.includes('"protocol"'))).toBe(true)
  })
})

describe('a peer that does not read costs a bounded amount, and holds nobody up (R38)', () => {
  test('a WebSocket, which catches up', async () => {
    const fast = await openSocket({ after: 'test.0' })
    const slow = await openSocket({ after: 'test.0' })
    slow.socket.pause()
    let most = 0
    for (let round = 0; round < 12; round++) {
      await publish(100, 8000)
      most = Math.max(most, lab.hub.queues().readers.mostBytes)
    }
    const last = lab.hub.head('lounge').offset
    await eventually(() => expect(offsetsIn(fast.heard)).toHaveLength(last))
    expect(lab.hub.stats().behind).toBe(1)
    expect(most).toBeGreaterThan(0)
    expect(most).toBeLessThanOrEqual(boundBytes)
    slow.socket.resume()
    await eventually(() => expect(offsetsIn(slow.heard)).toHaveLength(last))
    expect(offsetsIn(slow.heard)).toEqual(Array.from({ length: last }, (_, index) => index + 1))
  })

  test('one that polls on and takes no answer', async () => {
    const poller = await new Poller().handshake()
    await poller.join({ after: 'test.0' })
    const socket = connect(Number(lab.http.port), '127.0.0.1')
    await once(socket, 'connect')
    socket.pause()
    socket.on('error', () => socket.destroy())
    const { pathname, search } = poller.url
    const poll = `GET ${pathname}${search} HTTP/1.1\r\nHost: x\r\n\r\n`
    let most = 0
    for (let round = 0; round < 12; round++) {
      if (!socket.destroyed) socket.write(poll)
      await publish(100, 8000)
      most = Math.max(most, lab.hub.queues().readers.mostBytes)
    }
    expect(most).toBeGreaterThan(0)
    expect(most).toBeLessThanOrEqual(boundBytes)
    socket.destroy()
  })

  test('one that asks and asks and does not read the answers is sent away', async () => {
    const { socket } = await openSocket()
    socket.pause()
    let most = 0
    const probes = Array.from({ length: 200 }, (_, number) => `42${number}["probe"]`)
    let asked = 0
    while (lab.hub.stats().subscribers === 1 && asked < 5000) {
      asked += 1
      if (socket.bufferedAmount < 1_000_000) for (const probe of probes) socket.send(probe)
      await new Promise((resolve) => setImmediate(resolve))
      most = Math.max(most, lab.hub.queues().readers.mostBytes)
    }
    expect(lab.hub.stats().subscribers).toBe(0)
    expect(most).toBeLessThanOrEqual(boundBytes)
  })
})

describe('a peer that is silent', () => {
  beforeEach(async () => {
    await lab.close()
    await begin(100)
  })

  test('is cut, although its WebSocket stands (R34)', async () => {
    const { socket } = await openSocket()
    socket.removeAllListeners('message')
    await once(socket, 'close')
    await eventually(() => expect(lab.hub.stats().subscribers).toBe(0))
  })

  test('is let go when it polls no more (R8)', async () => {
    await (await new Poller().handshake()).join()
    expect(lab.hub.stats().subscribers).toBe(1)
    await eventually(() => expect(lab.hub.stats().subscribers).toBe(0))
  })

  test('is let go at once when its poll is given up, as a closed tab does (R8)', async () => {
    await lab.close()
    await begin(10_000)
    for (const base of [lab.http, lab.https]) {
      const poller = await new Poller(base).handshake()
      await poller.join()
      const abort = new AbortController()
      const asking = lab.fetch(poller.url, { signal: abort.signal })
      await lab.fetch(poller.url, { method: 'POST', body: '3' })
      expect(lab.hub.stats().subscribers).toBe(1)
      abort.abort()
      await expect(asking).rejects.toThrow()
      await eventually(() => expect(lab.hub.stats().subscribers).toBe(0))
    }
  })
})

test('a poll that was given up while it waited behind another one is not taken for one that waits for news (R8, R27)', async () => {
  const poller = await new Poller(lab.https).handshake()
  await poller.join({ after: 'test.0' })
  await publish(1, 8000)
  const session = connectHttp2(lab.https, { ca: lab.certificate, settings: { initialWindowSize: 0 } })
  session.on('error', () => session.destroy())
  const ping = promisify(session.ping.bind(session)) as () => Promise<unknown>
  const ask = () => {
    const stream = session.request({ ':path': `${poller.url.pathname}${poller.url.search}` })
    stream.on('error', () => stream.destroy())
    return stream
  }
  // The first one is answered, and has no window to come through.
  const first = ask()
  await once(first, 'response')
  const second = ask()
  await ping()
  second.close(constants.NGHTTP2_CANCEL)
  await ping()
  first.close(constants.NGHTTP2_CANCEL)
  await ping()
  expect(lab.hub.stats().subscribers).toBe(1)
  await poller.post('1')
  await eventually(() => expect(lab.hub.stats().subscribers).toBe(0))
  session.destroy()
})

test('a drain ends within its bound with 100 sockets, each of them told (R5)', async () => {
  const all = await Promise.all(Array.from({ length: 100 }, () => openSocket()))
  const beganMs = performance.now()
  await lab.hub.drain()
  await Promise.all(lab.apps.map((app) => app.close()))
  expect(performance.now() - beganMs).toBeLessThan(1000)
  for (const { heard } of all) expect(heard.at(-2) ?? '').toContain('"goodbye"')
})

describe('who asks for what the library refuses by itself, and reads nothing (R38)', () => {
  const flood = Array.from({ length: 4000 }, () => '40/nowhere,').join('\x1e')

  test('over polls: the session ends, and what waited for it is gone', async () => {
    const poller = await new Poller().handshake()
    await poller.join()
    await poller.post(flood)
    await eventually(() => expect(lab.hub.stats().subscribers).toBe(0))
    const answer = await poller.post('3')
    expect(answer.status).toBe(400)
    expect(await answer.json()).toMatchObject({ type: '/problems/bad-request' })
  })

  test('over a WebSocket: it is cut', async () => {
    const { socket } = await openSocket()
    socket.pause()
    const ended = new Promise((resolve) => socket.once('close', resolve))
    // More than the system's buffers take of the answers.
    for (let index = 0; index < 400_000 && socket.readyState === WebSocket.OPEN; index++) {
      socket.send('40/nowhere,')
      if (index % 10_000 === 0) {
        await new Promise((resolve) => setImmediate(resolve))
        expect(lab.hub.queues().readers.mostBytes).toBeLessThan(512 * 1024)
      }
    }
    await eventually(() => expect(lab.hub.stats().subscribers).toBe(0))
    socket.resume()
    await ended
  }, 20_000)
})

describe('a peer that pings and takes no pongs is cut, before its answers pile up (R38)', () => {
  test.each([
    ['in a room', true],
    ['before it has joined one', false],
  ])('%s', async (_what, joins) => {
    const url = address('')
    url.protocol = 'ws:'
    url.searchParams.set('transport', 'websocket')
    const socket = new WebSocket(url)
    sockets.push(socket)
    socket.on('error', () => socket.terminate())
    await once(socket, 'open')
    if (joins) {
      socket.send('40{"last":"0"}')
      await eventually(() => expect(lab.hub.stats().subscribers).toBe(1))
    }
    socket.pause()
    const [connection] = served
    if (connection === undefined) throw new Error('There is no connection.')
    let mostBytes = 0
    for (let count = 0; count < 200_000 && !connection.destroyed; count++) {
      socket.ping('x'.repeat(120))
      if (count % 1000 !== 0) continue
      await new Promise((resolve) => setImmediate(resolve))
      mostBytes = Math.max(mostBytes, connection.writableLength)
    }
    await eventually(() => expect(connection.destroyed).toBe(true))
    expect(mostBytes).toBeLessThan(boundBytes)
  })
})

test('handshakes that join no room are bounded: more are told to come back, and those of a room do not count', async () => {
  const joined = await new Poller().handshake()
  await joined.join()
  const first = await new Poller().handshake()
  const shake = async (): Promise<void> => {
    const answer = await lab.fetch(address(''))
    expect(answer.status).toBe(200)
    await answer.text()
  }
  for (let made = 1; made < serverLimits.handshakes; made += 91) {
    const count = Math.min(91, serverLimits.handshakes - made)
    await Promise.all(Array.from({ length: count }, shake))
  }
  const refused = await fetch(address(''))
  expect(refused.status).toBe(503)
  expect(refused.headers.get('retry-after')).toBe('10')
  expect(await refused.json()).toMatchObject({ type: '/problems/overloaded' })
  await first.post('1')
  await eventually(shake)
})

test('a room is checked whatever stands behind the query', async () => {
  const { sid } = await new Poller().handshake()
  // As bytes: a client's URL has no such part on the wire.
  const socket = connect(Number(lab.http.port), '127.0.0.1')
  let text = ''
  socket.setEncoding('latin1').on('data', (chunk: string) => {
    text += chunk
  })
  socket.write(
    `GET /rooms/kitchen/socket-io?EIO=4&transport=polling&sid=${sid}#z HTTP/1.1\r\nHost: ${lab.http.host}\r\n\r\n`,
  )
  await eventually(() => expect(text).toMatch(/^HTTP\/1\.1 40[0-9]/))
  socket.destroy()
})
