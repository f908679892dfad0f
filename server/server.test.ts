// The server as its clients see it: what it says about itself, and what it does with input that is wrong.
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { connect as connectTls } from 'node:tls'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { serverLimits, wireLimits } from '../transports/limits.ts'
import { type Problem, problemName, problems } from '../transports/problem.ts'
import {
  type Answer,
  ask,
  askHttp2,
  dialTcp,
  problemOf,
  sayRaw,
  startTestServer,
  type TestServer,
} from './server.harness.ts'

import { ownAuthority } from './tls.ts'
import { serverTransports } from './transports.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer({ headMs: 400, origins: ['https://chat.example'] })
  const page = join(server.dataFolder, 'page')
  mkdirSync(join(page, 'assets'), { recursive: true })
  writeFileSync(join(page, 'index.html'), '<!doctype html><title>Parley</title>')
  writeFileSync(join(page, 'assets', 'main-abc123.js'), 'export {}')
  writeFileSync(join(page, '.built-from'), 'secret')
})
afterAll(() => server.end())

const messages = '/rooms/lobby/messages'
const json = { 'content-type': 'application/json' }
const draft = { id: '0199aabb-ccdd-7000-8000-000000000001', user: 'ada', text: 'hello' }

/** Every way to ask: plain HTTP/1.1, HTTP/1.1 over TLS, HTTP/2. */
const ways = [
  ['plain HTTP/1.1', (path: string, options = {}) => ask(server.plainUrl, path, options)],
  ['HTTP/1.1 over TLS', (path: string, options = {}) => ask(server.tlsUrl, path, options)],
  ['HTTP/2', (path: string, options = {}) => askHttp2(server.tlsUrl, path, options)],
] as const

function named(answer: Answer): string | null {
  const found = problemOf(answer)
  expect(answer.status).toBe(found.status)
  return problemName(found)
}

describe.each(ways)('over %s', (_way, asked) => {
  test('the lab says what it serves and how it is', async () => {
    const answer = await asked('/transports')
    expect(answer.status).toBe(200)
    expect(JSON.parse(answer.body)).toEqual({
      transports: serverTransports.map(({ name }) => name),
      ports: {
        plain: Number(server.plainUrl.port),
        tls: Number(server.tlsUrl.port),
        h2WebSocket: Number(server.h2WebSocketUrl.port),
      },
      heartbeatMs: 10_000,
      limits: wireLimits,
    })
    expect((await asked('/healthz')).body).toBe('ok\n')
    expect((await asked('/readyz')).status).toBe(200)
    expect(await asked('/readyz', { method: 'HEAD' })).toMatchObject({ status: 200, body: '' })
  })

  test('wrong input is a problem with a stable type', async () => {
    expect(named(await asked('/nowhere'))).toBe('not-found')
    expect(named(await asked('/rooms/lobby/nothing'))).toBe('not-found')
    for (const [path, method, allow] of [
      [messages, 'DELETE', 'GET, POST'],
      [messages, 'OPTIONS', 'GET, POST'],
      ['/rooms/lobby/stream', 'POST', 'GET'],
      ['/rooms/lobby/socket', 'PUT', 'GET'],
      ['/transports', 'POST', 'GET, HEAD'],
      ['/problems/not-found', 'PATCH', 'GET, HEAD'],
    ] as const) {
      const body = method.startsWith('P') ? { headers: json, body: '{"id":' } : {}
      const other = await asked(path, { method, ...body })
      expect(named(other), `${method} ${path}`).toBe('method-not-allowed')
      expect(other).toMatchObject({ status: 405, headers: { allow } })
    }
    expect(named(await asked('/rooms/%zz/messages'))).toBe('bad-request')
    expect(named(await asked('/rooms/no%20room/messages'))).toBe('bad-room')
    expect(named(await asked(`/rooms/${'x'.repeat(300)}/messages`))).toBe('bad-room')
    expect(named(await asked(`${messages}?after=nonsense`))).toBe('bad-cursor')
    expect(named(await asked(messages, { method: 'POST', headers: json, body: '{"id":' }))).toBe(
      'bad-request',
    )
    expect(named(await asked(messages, { method: 'POST', headers: json, body: '{}' }))).toBe('bad-draft')
    expect(
      named(await asked(messages, { method: 'POST', headers: { 'content-type': 'text/xml' }, body: '<a/>' })),
    ).toBe('unsupported-media-type')
    const long = JSON.stringify({ ...draft, text: 'x'.repeat(wireLimits.draftBytes) })
    expect(named(await asked(messages, { method: 'POST', headers: json, body: long }))).toBe('too-large')
  })

  test('pages of other sites and other names are refused, for reading and for sending (R23)', async () => {
    const origin = 'https://elsewhere.example'
    const post = { method: 'POST', body: JSON.stringify(draft) }
    expect(named(await asked(messages, { headers: { origin } }))).toBe('forbidden-origin')
    expect(named(await asked('/rooms/lobby/stream', { headers: { origin } }))).toBe('forbidden-origin')
    expect(named(await asked(messages, { ...post, headers: { ...json, origin } }))).toBe('forbidden-origin')
    expect(named(await asked(messages, { ...post, headers: { ...json, origin: 'null' } }))).toBe(
      'forbidden-origin',
    )
    const head = JSON.parse((await asked(messages)).body) as { head: string }
    expect(head.head.endsWith('.0'), 'nothing was stored').toBe(true)
    for (const own of [server.plainUrl.origin, server.tlsUrl.origin, 'https://chat.example']) {
      expect((await asked(messages, { headers: { origin: own } })).status, own).toBe(200)
    }
  })
})

test.each(ways.slice(0, 2))(
  'over %s a connection is kept for longer than any poll’s interval',
  async (_way, asked) => {
    const { headers } = await asked(messages, { headers: { connection: 'keep-alive' } })
    expect(headers['keep-alive']).toBe(`timeout=${serverLimits.keepAliveMs / 1000}`)
  },
)

test('a request for another name is refused (R23)', async () => {
  for (const host of ['rebound.example', `rebound.example:${server.plainUrl.port}`, 'localhost']) {
    expect(named(await ask(server.plainUrl, messages, { headers: { host } })), host).toBe('forbidden-host')
  }
  expect((await ask(server.plainUrl, messages, { headers: { host: 'chat.example' } })).status).toBe(200)
  const authority = { ':authority': 'rebound.example' }
  expect(named(await askHttp2(server.tlsUrl, messages, { headers: authority }))).toBe('forbidden-host')
})

test('what works goes on working beside it: a draft is stored, and once', async () => {
  const post = { method: 'POST', headers: json, body: JSON.stringify(draft) }
  const first = await ask(server.plainUrl, '/rooms/store/messages', post)
  expect(first.status).toBe(201)
  const again = await askHttp2(server.tlsUrl, '/rooms/store/messages', post)
  expect(again.status).toBe(200)
  expect(JSON.parse(again.body)).toEqual(JSON.parse(first.body))
})

test('one address off this machine can only send so much; this machine itself is not counted', async () => {
  const [app] = server.apps
  const send = async (remoteAddress: string) => {
    const url = '/rooms/flood/messages'
    const headers = { ...json, host: server.plainUrl.host }
    return app?.inject({ method: 'POST', url, headers, payload: draft, remoteAddress })
  }
  for (let count = 0; count < 1000; count++) await send('192.0.2.9')
  const refused = await send('192.0.2.9')
  expect(refused?.statusCode).toBe(429)
  expect(problemName(refused?.json() as Problem)).toBe('too-many-requests')
  expect(Number(refused?.headers['retry-after'])).toBeGreaterThan(0)
  expect((await send('192.0.2.10'))?.statusCode).toBe(200)
  for (let count = 0; count < 1001; count++) await send('127.0.0.1')
  expect((await send('127.0.0.1'))?.statusCode).toBe(200)
})

test('a renewed certificate is shown without a restart', async () => {
  const other = await startTestServer({ identityCheckMs: 10 })
  const shown = async ({ port }: URL): Promise<string> => {
    const socket = connectTls({
      host: '127.0.0.1',
      port: Number(port),
      rejectUnauthorized: false,
    })
    await once(socket, 'secureConnect')
    const { fingerprint256 } = socket.getPeerCertificate()
    socket.destroy()
    return fingerprint256
  }
  const first = await shown(other.tlsUrl)
  await ownAuthority(other.dataFolder, new Date())
  while ((await shown(other.tlsUrl)) === first || (await shown(other.h2WebSocketUrl)) === first) {
    // The next connection may be shown the new one.
  }
  await other.end()
})

describe('bytes that are no good request', () => {
  test.each([
    ['nonsense', 'this is no HTTP\r\n\r\n', 400],
    ['a head that is too long', `GET / HTTP/1.1\r\nHost: a\r\nX: ${'a'.repeat(20_000)}\r\n\r\n`, 431],
    ['two lengths', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n', 400],
    ['a head that never ends', 'GET / HTTP/1.1\r\nHost: a\r\nX: ', 408],
    ['half an upgrade', 'GET /rooms/a/socket HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n', 408],
    [
      'a body that never ends',
      `POST ${messages} HTTP/1.1\r\nHost: HOST\r\nContent-Type: application/json\r\nContent-Length: 50\r\n\r\n{`,
      408,
    ],
  ])('%s: a problem, and the connection ends', async (_what, bytes, status) => {
    const said = await sayRaw(server.plainUrl, bytes.replace('HOST', server.plainUrl.host))
    expect(said).toMatch(new RegExp(`^HTTP/1.1 ${status} `))
    expect(said.toLowerCase()).toContain('content-type: application/problem+json')
    const body = JSON.parse(said.slice(said.indexOf('\r\n\r\n') + 4)) as { status: number }
    expect(body.status).toBe(status)
  })

  test('plain HTTP on a port of TLS is told so, anything else there is not answered, and both connections end', async () => {
    for (const url of [server.tlsUrl, server.h2WebSocketUrl]) {
      const said = await sayRaw(url, 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')
      expect(said).toMatch(/^HTTP\/1\.1 400 .*This port speaks HTTPS: write https: in place of http:\.\n$/s)
      expect(await sayRaw(url, 'this is neither TLS nor HTTP\r\n\r\n')).not.toContain('HTTP')
    }
  })

  test('a connection that says nothing ends, on every port (R18)', async () => {
    for (const url of [server.plainUrl, server.tlsUrl, server.h2WebSocketUrl]) {
      const socket = await dialTcp(url)
      socket.resume()
      await once(socket, 'close')
    }
  })

  test('a client that goes away in the middle of a request disturbs nobody', async () => {
    const socket = await dialTcp(server.plainUrl)
    socket.write(`POST ${messages} HTTP/1.1\r\nHost: ${server.plainUrl.host}\r\nContent-Length: 50\r\n\r\n{`)
    socket.resetAndDestroy()
    expect((await ask(server.plainUrl, '/healthz')).status).toBe(200)
  })
})

describe('upgrades', () => {
  const upgrade = (path: string, extra = ''): string =>
    `GET ${path} HTTP/1.1\r\nHost: ${server.plainUrl.host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: json\r\n${extra}\r\n`

  test.each([
    ['a foreign origin', '/rooms/lobby/socket', 'Origin: https://elsewhere.example\r\n', 'forbidden-origin'],
    ['a room that is none', '/rooms/no%20room/socket', '', 'bad-room'],
    ['an address without a socket', '/rooms/lobby/nothing', '', 'not-found'],
    ['another address', '/elsewhere', '', 'not-found'],
    ['a cursor that is none', '/rooms/lobby/socket?after=nonsense', '', 'bad-cursor'],
  ])('%s is refused with a problem before the 101', async (_what, path, extra, name) => {
    const said = await sayRaw(server.plainUrl, upgrade(path, extra))
    expect(said).not.toContain('101')
    const body = JSON.parse(said.slice(said.indexOf('\r\n\r\n') + 4)) as { type: string; status: number }
    expect(body.type).toBe(`/problems/${name}`)
    expect(said.startsWith(`HTTP/1.1 ${body.status} `)).toBe(true)
  })

  test('one to something else is passed over, and the request answered', async () => {
    const headers = {
      connection: 'Upgrade, HTTP2-Settings',
      upgrade: 'h2c',
      'http2-settings': 'AAMAAABkAAQAAP__',
    }
    for (const url of [server.plainUrl, server.tlsUrl]) {
      expect((await ask(url, '/rooms/lobby/messages', { headers })).status).toBe(200)
    }
  })

  test('a refused one ends, whether or not its peer closes its half', async () => {
    const socket = connect({ host: '127.0.0.1', port: Number(server.plainUrl.port), allowHalfOpen: true })
    await once(socket, 'connect')
    socket.write(upgrade('/elsewhere'))
    socket.resume()
    await once(socket, 'end')
    // It keeps its half open: what it writes now meets a connection that is gone.
    const failed = once(socket, 'error')
    while (!socket.destroyed) {
      socket.write('still here')
      await new Promise((resolve) => {
        setImmediate(resolve)
      })
    }
    const [error] = (await failed) as [NodeJS.ErrnoException]
    expect(['EPIPE', 'ECONNRESET']).toContain(error.code)
  })

  test('a good one passes', async () => {
    const socket = await dialTcp(server.plainUrl)
    socket.write(upgrade('/rooms/lobby/socket', `Origin: ${server.plainUrl.origin}\r\n`))
    const [chunk] = (await once(socket, 'data')) as [Buffer]
    expect(chunk.toString('latin1')).toMatch(/^HTTP\/1\.1 101 /)
    socket.destroy()
  })
})

describe('the page', () => {
  test('is served with a strict policy, and asked for again each time', async () => {
    const answer = await ask(server.plainUrl, '/')
    expect(answer.status).toBe(200)
    expect(answer.headers['cache-control']).toBe('no-cache')
    const policy = String(answer.headers['content-security-policy'])
    expect(policy).toContain("default-src 'self'")
    expect(policy).not.toContain('unsafe')
    const [plain, tls, sockets] = [server.plainUrl.port, server.tlsUrl.port, server.h2WebSocketUrl.port]
    expect(policy).toContain(`ws://localhost:${plain} https://localhost:${tls} wss://localhost:${tls}`)
    expect(policy).toContain(`https://localhost:${sockets} wss://localhost:${sockets}`)
    expect(policy).toContain('wss://chat.example')
    expect(answer.headers['strict-transport-security'], 'it would bind all of localhost').toBeUndefined()
    expect(String((await askHttp2(server.tlsUrl, '/')).body)).toContain('Parley')
  })

  test('its assets are named by their content and kept for good', async () => {
    const answer = await ask(server.plainUrl, '/assets/main-abc123.js')
    expect(answer.headers['cache-control']).toBe('public, max-age=31536000, immutable')
  })

  test('nothing else of the disk is served', async () => {
    for (const path of [
      '/../package.json',
      '/%2e%2e/%2e%2e/package.json',
      '/.built-from',
      '/assets/../../tls/server.key',
    ]) {
      const { status, headers } = await ask(server.plainUrl, path)
      expect(status, path).toBeGreaterThanOrEqual(400)
      expect(headers['content-type'], path).toContain('application/problem+json')
    }
  })

  test('the rooms do not carry its headers', async () => {
    expect((await ask(server.plainUrl, messages)).headers['content-security-policy']).toBeUndefined()
  })
})

test('metrics are in the text format, each with its help and type', async () => {
  const { headers, body } = await ask(server.plainUrl, '/metrics')
  expect(headers['content-type']).toContain('version=0.0.4')
  const figures = body.trimEnd().split(/\n(?=# HELP)/)
  for (const figure of figures) {
    expect(figure).toMatch(/^# HELP (\w+) .+\n# TYPE \1 (counter|gauge)\n\1 [-+.e0-9]+$/)
  }
  const names = figures.map((figure) => figure.split(' ')[2])
  for (const name of [
    'process_cpu_seconds_total',
    'process_resident_memory_bytes',
    'parley_subscribers',
    'parley_sockets',
  ]) {
    expect(names).toContain(name)
  }
})

test('every type of problem has its page', async () => {
  for (const name of Object.keys(problems)) {
    const answer = await ask(server.plainUrl, `/problems/${name}`)
    expect(answer.status, name).toBe(200)
    expect(answer.body.length).toBeGreaterThan(60)
  }
  for (const name of ['nothing', 'toString', '__proto__']) {
    expect(named(await ask(server.plainUrl, `/problems/${name}`))).toBe('not-found')
  }
})
