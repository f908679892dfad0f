// Where a lab serves WebSockets over HTTP/2, and the request that brings a browser to use it.
import { describe, expect, test } from 'vitest'
import type { Fetch } from '../http.client.ts'
import { http2InBrowser, http2Port } from './http2-port.ts'

const base = new URL('https://lab.example:8443/')
const { signal } = new AbortController()

/** A `fetch` that notes what it is asked for; a function in place of an answer fails. */
function played(answers: Readonly<Record<string, unknown>>): {
  fetch: Fetch
  asked: [string, RequestInit][]
} {
  const asked: [string, RequestInit][] = []
  const fetch: Fetch = (url, init = {}) => {
    asked.push([url.href, init])
    const answer = answers[url.href]
    if (answer instanceof Error) return Promise.reject(answer)
    if (answer instanceof Response) return Promise.resolve(answer)
    return Promise.resolve(new Response(JSON.stringify(answer)))
  }
  return { fetch, asked }
}

const facts = { 'https://lab.example:8443/transports': { ports: { h2WebSocket: 9000 } } }

describe('the port', () => {
  test('is the one that the server names, under the same name', async () => {
    const { fetch } = played(facts)
    expect((await http2Port(fetch).prepare(base, signal)).href).toBe('https://lab.example:9000/')
  })

  test.each([
    ['a lab without one', { ports: { plain: 1, tls: 2 } }],
    ['no document', null],
    ['a port that is none', { ports: { h2WebSocket: 70_000 } }],
    ['a port in words', { ports: { h2WebSocket: '9000' } }],
    ['something else', new Response('<html>', { status: 404 })],
  ])('%s is refused in words, for good', async (_what, answer) => {
    const { fetch } = played({ 'https://lab.example:8443/transports': answer })
    await expect(http2Port(fetch).prepare(base, signal)).rejects.toMatchObject({
      name: 'LinkError',
      cause: 'refused',
      retry: false,
      message: 'What answers at lab.example:8443 names no port for WebSockets over HTTP/2.',
    })
  })

  test('a server that is busy may name one later', async () => {
    const { fetch } = played({ 'https://lab.example:8443/transports': new Response('', { status: 503 }) })
    await expect(http2Port(fetch).prepare(base, signal)).rejects.toMatchObject({ retry: true })
  })
})

describe('a browser', () => {
  test('is made to open a connection there, one that may carry cookies', async () => {
    const { fetch, asked } = played({ ...facts, 'https://lab.example:9000/healthz': 'ok' })
    expect((await http2InBrowser(fetch).prepare(base, signal)).href).toBe('https://lab.example:9000/')
    expect(asked.at(-1)).toEqual([
      'https://lab.example:9000/healthz',
      { credentials: 'include', mode: 'no-cors', cache: 'no-store', signal },
    ])
  })

  test('that cannot is told about the certificate (R10)', async () => {
    const { fetch } = played({
      ...facts,
      'https://lab.example:9000/healthz': new TypeError('Failed to fetch'),
    })
    await expect(http2InBrowser(fetch).prepare(base, signal)).rejects.toMatchObject({
      cause: 'network',
      retry: true,
      message: expect.stringContaining('open https://lab.example:9000 once'),
    })
  })

  test('that gives up gives up', async () => {
    const abort = new AbortController()
    const { fetch } = played({ ...facts, 'https://lab.example:9000/healthz': new Error('aborted') })
    abort.abort()
    await expect(http2InBrowser(fetch).prepare(base, abort.signal)).rejects.toThrow('aborted')
  })
})
