// Polling's server half: 304 without a look at the log, ranges, and a clear answer to what makes no sense.
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { v7 as uuidVersion7 } from 'uuid'
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { eventually } from '../eventually.harness.ts'
import { MemoryLog } from '../hub/memory-log.ts'
import { foreignOrigin, type Lab, startLab } from '../lab.harness.ts'
import { serverLimits, wireLimits } from '../limits.ts'
import type { Message } from '../message.ts'
import { pollingServer } from './server.ts'

let lab: Lab
let log: MemoryLog
let room: string
let rooms = 0

beforeAll(async () => {
  log = new MemoryLog({ epoch: 'here', unixMs: () => 5, keepMessages: 500 })
  lab = await startLab({ transports: [pollingServer], log })
})
afterAll(() => lab.close())
beforeEach(() => {
  vi.restoreAllMocks()
  rooms += 1
  room = `room-${rooms}`
})

async function publish(count: number): Promise<void> {
  for (let number = 1; number <= count; number++) {
    await lab.hub.publish(room, { id: uuidVersion7(), user: 'ada', text: `text ${number}` })
  }
}

function get(query: string, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(new URL(`/rooms/${room}/messages?${query}`, lab.http), { headers })
}

async function offsets(query: string): Promise<(number | undefined)[]> {
  const response = await get(query)
  expect(response.status).toBe(200)
  const body = (await response.json()) as { kind: string; messages: Message[]; cursor: string }
  expect(body.kind).toBe('messages')
  expect(response.headers.get('etag')).toBe(`"${body.cursor}"`)
  return [body.messages[0]?.offset, body.messages.at(-1)?.offset]
}

describe('nothing new', () => {
  test('is answered with 304 and no body, without touching the log', async () => {
    await publish(3)
    vi.spyOn(log, 'read').mockImplementation(() => {
      throw new Error('The log was touched.')
    })
    const response = await get('after=here.3', { 'if-none-match': '"here.3"' })
    expect(response.status).toBe(304)
    expect(response.headers.get('etag')).toBe('"here.3"')
    expect(response.headers.get('cache-control')).toBe('no-store')
    expect(response.headers.get('parley-protocol')).toBe('http/1.1')
    expect(await response.text()).toBe('')
  })

  test('an empty room has a head, too', async () => {
    const response = await get('after=here.0', { 'if-none-match': '"here.0"' })
    expect(response.status).toBe(304)
    expect(lab.hub.stats().rooms).toBe(0)
  })

  test.each([
    ['no tag', 'after=here.3', {}],
    ['another tag', 'after=here.3', { 'if-none-match': '"here.2"' }],
    ['any tag', 'after=here.3', { 'if-none-match': '*' }],
    ['a tag without quotes', 'after=here.3', { 'if-none-match': 'here.3' }],
    ['a cursor behind the head', 'after=here.2', { 'if-none-match': '"here.2"' }],
    ['a tag of the head and a cursor behind it', 'after=here.2', { 'if-none-match': '"here.3"' }],
    ['the last messages', 'last=2', { 'if-none-match': '"here.3"' }],
    ['another log', 'after=there.3', { 'if-none-match': '"there.3"' }],
  ])('and with nothing but that: %s is answered with 200', async (_what, query, headers) => {
    await publish(3)
    const response = await get(query, headers as Record<string, string>)
    expect(response.status).toBe(200)
    expect(((await response.json()) as { head: string }).head).toBe('here.3')
  })
})

describe('R30: polls of one session that overlap', () => {
  const ask = (session: string, link: number, query: string) =>
    get(`${query}&session=${session}&link=${link}`)

  test('are both answered while the newer link takes over, then the older one is refused; nothing is lost', async () => {
    const session = crypto.randomUUID()
    await publish(2)
    const [older, newer] = await Promise.all([
      ask(session, 1, 'after=here.0'),
      ask(session, 2, 'after=here.0'),
    ])
    for (const answer of [older, newer]) {
      const { messages } = (await answer.json()) as { messages: Message[] }
      expect(messages.map(({ offset }) => offset)).toEqual([1, 2])
    }
    await publish(1)
    await vi.waitFor(async () => {
      const late = await ask(session, 1, 'after=here.2')
      expect(late.status).toBe(409)
      expect(await late.json()).toMatchObject({ type: '/problems/replaced' })
    }, 3000)
    const { messages } = (await (await ask(session, 2, 'after=here.2')).json()) as { messages: Message[] }
    expect(messages.map(({ offset }) => offset)).toEqual([3])
  })
})

describe('ranges', () => {
  test('after, before and last, with and without a limit', async () => {
    await publish(120)
    expect(await offsets('')).toEqual([21, 120])
    expect(await offsets('after=here.100')).toEqual([101, 120])
    expect(await offsets('after=here.5&limit=3')).toEqual([6, 8])
    expect(await offsets('before=here.50&limit=3')).toEqual([48, 50])
    expect(await offsets('before=here.110')).toEqual([11, 110])
    expect(await offsets('before=here.0')).toEqual([undefined, undefined])
    expect(await offsets('last=7')).toEqual([114, 120])
    expect(await offsets('last=7&limit=2')).toEqual([119, 120])
    expect(await offsets('last=0')).toEqual([undefined, undefined])
    expect(await offsets('after=here.120')).toEqual([undefined, undefined])
  })

  test('a gap and a reset are said, with the head', async () => {
    await publish(700)
    const gap = (await (await get('after=here.5')).json()) as object
    const tail = log.tail(room).offset
    expect(gap).toEqual({ kind: 'gap', after: 'here.5', cursor: `here.${tail}`, head: 'here.700' })
    const reset = (await (await get('after=here.900')).json()) as object
    expect(reset).toEqual({ kind: 'reset', cursor: `here.${tail}`, head: 'here.700' })
  })
})

describe('a question that makes no sense', () => {
  const session = 'session=aaaaaaaaaaaaaaaaaaaaaa'

  test.each([
    ['after=', 'bad-cursor'],
    ['after=x', 'bad-cursor'],
    ['after=here.-1', 'bad-cursor'],
    ['before=here', 'bad-cursor'],
    ['after=here.1&after=here.2', 'bad-request'],
    ['after=here.1&last=2', 'bad-request'],
    ['after=here.1&before=here.2', 'bad-request'],
    ['before=here.1&last=2', 'bad-request'],
    ['limit=0', 'bad-request'],
    [`limit=${wireLimits.pageMessages + 1}`, 'bad-request'],
    ['limit=ten', 'bad-request'],
    ['limit=1e2', 'bad-request'],
    ['limit=', 'bad-request'],
    ['last=-1', 'bad-request'],
    ['last=99999999999', 'bad-request'],
    [session, 'bad-request'],
    ['link=1', 'bad-request'],
    ['session=short&link=1', 'bad-request'],
    [`${session}&link=0`, 'bad-request'],
    [`${session}&link=1&link=2`, 'bad-request'],
  ])('%s', async (query, name) => {
    const response = await get(query)
    expect(response.status).toBe(400)
    expect(response.headers.get('content-type')).toContain('application/problem+json')
    expect(response.headers.get('cache-control')).toBe('no-store')
    expect(await response.json()).toMatchObject({ type: `/problems/${name}`, status: 400 })
  })

  test.each(['a b', '%00', 'x'.repeat(65), '%E0%A4%A'])('a room called %j', async (name) => {
    const response = await fetch(`${lab.http.origin}/rooms/${name}/messages`)
    expect(response.status).toBe(400)
  })

  test('a page of another origin', async () => {
    for (const method of ['GET', 'POST']) {
      const response = await fetch(new URL(`/rooms/${room}/messages`, lab.http), {
        method,
        headers: { origin: foreignOrigin },
      })
      expect(response.status).toBe(403)
      expect(await response.json()).toMatchObject({ type: '/problems/forbidden-origin' })
    }
  })
})

describe('sending', () => {
  function post(body: string, type = 'application/json'): Promise<Response> {
    return fetch(new URL(`/rooms/${room}/messages`, lab.http), {
      method: 'POST',
      headers: { 'content-type': type },
      body,
    })
  }

  test('201 with the message, then 200 with the same one', async () => {
    const draft = { id: uuidVersion7(), user: 'ada', text: 'x' }
    const first = await post(JSON.stringify(draft))
    expect(first.status).toBe(201)
    const message = await first.json()
    expect(message).toEqual({ ...draft, offset: 1, time: 5 })
    const again = await post(JSON.stringify(draft))
    expect(again.status).toBe(200)
    expect(await again.json()).toEqual(message)
    expect((await post(JSON.stringify({ ...draft, text: 'y' }))).status).toBe(409)
  })

  test.each([
    ['no JSON', '{', 'application/json', 400, 'bad-request'],
    ['nothing', '', 'application/json', 400, 'bad-request'],
    ['a poisoned prototype', '{"__proto__":{"a":1}}', 'application/json', 400, 'bad-request'],
    ['null', 'null', 'application/json', 400, 'bad-draft'],
    ['a list', '[]', 'application/json', 400, 'bad-draft'],
    ['no draft', '{"id":"1","user":"a","text":"b"}', 'application/json', 400, 'bad-draft'],
    ['a form', 'id=1&user=a&text=b', 'application/x-www-form-urlencoded', 415, 'unsupported-media-type'],
    ['a draft that calls itself plain text', '{"id":"1"}', 'text/plain', 415, 'unsupported-media-type'],
    ['too much', `"${'x'.repeat(wireLimits.draftBytes)}"`, 'application/json', 413, 'too-large'],
  ])('%s is refused', async (_what, body, type, status, name) => {
    const response = await post(body, type)
    expect(response.status).toBe(status)
    expect(response.headers.get('content-type')).toContain('application/problem+json')
    expect(await response.json()).toMatchObject({ type: `/problems/${name}`, status })
    expect(lab.hub.head(room).offset).toBe(0)
  })

  test('a log that fails is told as such, without its details, and the next one is served', async () => {
    const append = vi.spyOn(log, 'append').mockRejectedValueOnce(new Error('secret path'))
    const draft = { id: uuidVersion7(), user: 'ada', text: 'x' }
    const failed = await post(JSON.stringify(draft))
    expect(failed.status).toBe(500)
    expect(await failed.text()).not.toContain('secret')
    append.mockRestore()
    expect((await post(JSON.stringify(draft))).status).toBe(201)
  })
})

describe('who asks before the last answer is written (pipelining)', () => {
  async function askAtOnce(asked: number): Promise<{ readonly socket: Socket; answers(): number[] }> {
    for (let number = 0; number < 40; number++) {
      await lab.hub.publish(room, { id: uuidVersion7(), user: 'ada', text: 'x'.repeat(8000) })
    }
    const socket = connect(Number(lab.http.port), '127.0.0.1')
    socket.on('error', () => socket.destroy())
    await once(socket, 'connect')
    let text = ''
    socket.setEncoding('latin1').on('data', (chunk: string) => {
      text += chunk
    })
    socket.write(
      Array.from(
        { length: asked },
        (_, index) =>
          `GET /rooms/${room}/messages?after=here.${index % 30} HTTP/1.1\r\nHost: ${lab.http.host}\r\n\r\n`,
      ).join(''),
    )
    const answers = () =>
      [...text.matchAll(/"kind":"messages","after":"here\.(\d+)"/g)].map(([, at]) => Number(at))
    return { socket, answers }
  }

  test('a few times gets every answer, in order', async () => {
    const asked = 1 + serverLimits.waitingRequests
    const { socket, answers } = await askAtOnce(asked)
    await eventually(() => expect(answers()).toEqual(Array.from({ length: asked }, (_, index) => index)))
    socket.destroy()
  })

  test('a thousand times is cut off, and costs few pages (R38)', async () => {
    const read = vi.spyOn(lab.hub, 'read')
    const { socket, answers } = await askAtOnce(1000)
    await eventually(() => expect(socket.closed).toBe(true))
    expect(answers().length).toBeLessThanOrEqual(1 + serverLimits.waitingRequests)
    expect(read.mock.calls.length).toBeLessThanOrEqual(1 + serverLimits.waitingRequests)
  })
})

describe('the quick answer before the router', () => {
  const unchanged = { 'if-none-match': '"here.3"' }

  test('the router gives the same answer to a question that is written otherwise', async () => {
    await publish(3)
    const quick = await get('after=here.3', unchanged)
    const routed = await get('after=%68ere.3', unchanged)
    const heads = [quick, routed].map(({ status, headers }) => [
      status,
      ...['etag', 'cache-control', 'parley-protocol'].map((name) => headers.get(name)),
    ])
    expect(heads[0]).toEqual([304, '"here.3"', 'no-store', 'http/1.1'])
    expect(heads[1]).toEqual(heads[0])
  })

  test.each([
    ['a foreign origin', 'after=here.3', { origin: foreignOrigin }, 403],
    ['a parameter twice', 'after=here.3&after=here.3', {}, 400],
    ['half an identity', 'after=here.3&link=1', {}, 400],
  ])('refuses nothing by itself: %s', async (_what, query, headers, status) => {
    await publish(3)
    const response = await get(query, { ...unchanged, ...headers })
    expect(response.status).toBe(status)
    expect(response.headers.get('content-type')).toMatch('application/problem+json')
  })

  test('a link that was replaced learns so', async () => {
    await publish(3)
    const session = 'a-session-of-this-very-test'
    expect((await get(`after=here.3&session=${session}&link=2`, unchanged)).status).toBe(304)
    vi.spyOn(performance, 'now').mockReturnValue(performance.now() + 5000)
    expect((await get(`after=here.3&session=${session}&link=1`, unchanged)).status).toBe(409)
    vi.restoreAllMocks()
  })

  test('a server that goes away says so', async () => {
    await publish(3)
    await lab.hub.drain()
    const response = await get('after=here.3', unchanged)
    expect(response.status).toBe(503)
    expect(response.headers.get('retry-after')).not.toBeNull()
  })
})
