// That an HTTP/2 connection which leads nowhere is found out, and not used for ever (R34).
import { once } from 'node:events'
import { createSecureServer, type Http2SecureServer } from 'node:http2'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { nodeFetch } from './fetch.node.ts'
import { testCertificate } from './lab.harness.ts'

let server: Http2SecureServer
let way: Server
let client: ReturnType<typeof nodeFetch>
let base: URL
const sockets = new Set<Socket>()
/** Each pair of sockets that the way joins. */
let joined: (() => void)[] = []

beforeEach(async () => {
  const { key, cert } = await testCertificate()
  server = createSecureServer({ key, cert }, (request, response) => {
    // "/never" has no answer.
    if (request.url === '/now') response.end('here')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  way = createServer((near) => {
    const far = connect((server.address() as AddressInfo).port, '127.0.0.1')
    for (const socket of [near, far]) {
      sockets.add(socket)
      socket.on('error', () => socket.destroy())
    }
    near.pipe(far)
    far.pipe(near)
    joined.push(() => {
      for (const socket of [near, far]) socket.unpipe().resume()
    })
  })
  way.listen(0, '127.0.0.1')
  await once(way, 'listening')
  base = new URL(`https://127.0.0.1:${(way.address() as AddressInfo).port}`)
  client = nodeFetch({ ca: cert })
})

afterEach(async () => {
  client.close()
  for (const socket of sockets) socket.destroy()
  sockets.clear()
  joined = []
  way.close()
  server.close()
  await once(server, 'close')
})

const ask = async (path: string, signal?: AbortSignal): Promise<string> => {
  const response = await client.fetch(new URL(path, base), signal === undefined ? {} : { signal })
  return response.text()
}

test('R34: a request that is given up in a black hole is followed by one on another connection', async () => {
  expect(await ask('/now')).toBe('here')
  const first = client.session(base.origin)
  for (const breakApart of joined) breakApart()
  const stop = new AbortController()
  const given = ask('/never', stop.signal)
  stop.abort()
  await expect(given).rejects.toThrow()
  // The connection looks open; what is asked on it fails as soon as it is found out.
  await expect(ask('/now')).rejects.toThrow()
  expect(first.destroyed).toBe(true)
  expect(await ask('/now')).toBe('here')
})

test('a request that is given up on a connection that lives leaves it as it is', async () => {
  expect(await ask('/now')).toBe('here')
  const first = client.session(base.origin)
  const stop = new AbortController()
  const given = ask('/never', stop.signal)
  stop.abort()
  await expect(given).rejects.toThrow()
  // Answered in order: when the ping of this test is, so is the one before it.
  await new Promise((resolve) => first.ping(resolve))
  expect(await ask('/now')).toBe('here')
  expect(client.session(base.origin) === first).toBe(true)
})
