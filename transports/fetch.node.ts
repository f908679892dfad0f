// `fetch` for Node that speaks HTTP/2 where an address is https:, over `node:http2`. Node's own fetch speaks HTTP/1.1 only.
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  constants,
  type SecureClientSessionOptions,
} from 'node:http2'
import type { Fetch } from './http.client.ts'
import { doubt } from './http2-doubt.node.ts'

/** A connection that has been silent for longer is asked whether it is alive before it carries another request. */
const silentMs = 10_000

/** A `fetch`, and the way to let go of its connections. */
export interface NodeFetch {
  readonly fetch: Fetch
  /** The connection that requests to this origin share, opened when there is none. */
  session(origin: string): ClientHttp2Session
  /** Cuts all connections; requests under way fail. */
  close(): void
}

/**
 * Makes a `fetch` with connections of its own: one HTTP/2 session for each https: origin; http: goes to Node's fetch. It does
 * what the client halves need (method, headers, a text body, a signal, a body that streams with back-pressure), follows no
 * redirects and keeps no cache or cookies.
 * `options`: for TLS, `ca` or `rejectUnauthorized`, say.
 */
export function nodeFetch(options: SecureClientSessionOptions = {}): NodeFetch {
  const sessions = new Map<string, ClientHttp2Session>()
  const heardAtMs = new WeakMap<ClientHttp2Session, number>()
  function reusable(origin: string): ClientHttp2Session {
    const found = session(origin)
    if (performance.now() - (heardAtMs.get(found) ?? 0) > silentMs) doubt(found)
    return found
  }
  function session(origin: string): ClientHttp2Session {
    const known = sessions.get(origin)
    if (known !== undefined && !known.closed && !known.destroyed) return known
    const opened = connect(origin, { ALPNProtocols: ['h2'], ...options })
    sessions.set(origin, opened)
    heardAtMs.set(opened, performance.now())
    const forget = (): void => {
      if (sessions.get(origin) === opened) sessions.delete(origin)
    }
    // Each request on it learns of an error by itself.
    opened.on('error', forget)
    opened.on('goaway', forget)
    opened.on('close', forget)
    return opened
  }
  return {
    session,
    fetch: (url, init = {}) =>
      url.protocol === 'https:'
        ? request(reusable(url.origin), url, init, (heard) => heardAtMs.set(heard, performance.now()))
        : globalThis.fetch(url, init),
    close() {
      for (const opened of sessions.values()) opened.destroy()
      sessions.clear()
    },
  }
}

function request(
  session: ClientHttp2Session,
  url: URL,
  init: RequestInit,
  heard: (session: ClientHttp2Session) => void,
): Promise<Response> {
  return new Promise((resolve, reject) => {
    const { signal } = init
    if (signal?.aborted === true) {
      reject(signal.reason)
      return
    }
    const stream = session.request({
      ':method': init.method ?? 'GET',
      ':path': `${url.pathname}${url.search}`,
      ...Object.fromEntries(new Headers(init.headers)),
    })
    const exchange = new Exchange(stream, resolve, reject, () => heard(session))
    if (signal !== undefined && signal !== null) {
      const abort = (): void => {
        exchange.fail(signal.reason)
        // It may have been given up because nothing came any more.
        doubt(session)
      }
      signal.addEventListener('abort', abort, { once: true })
      stream.once('close', () => signal.removeEventListener('abort', abort))
    }
    stream.end(typeof init.body === 'string' ? init.body : undefined)
  })
}

/** One request and its response, which fails as a whole or in the middle of its body. */
class Exchange {
  readonly #stream: ClientHttp2Stream
  readonly #reject: (error: unknown) => void
  readonly #heard: () => void
  #body: ReadableStreamDefaultController<Uint8Array> | null = null
  #over = false

  constructor(
    stream: ClientHttp2Stream,
    resolve: (response: Response) => void,
    reject: (error: unknown) => void,
    heard: () => void,
  ) {
    this.#stream = stream
    this.#reject = reject
    this.#heard = heard
    stream.on('response', (headers) => {
      heard()
      const status = Number(headers[':status'])
      const fields = Object.entries(headers).filter(([name]) => !name.startsWith(':'))
      // These have no body (RFC 9110 §6.4.1), and a Response insists on it.
      const empty = status === 204 || status === 304
      const body = empty ? null : this.#read()
      if (empty) stream.resume()
      resolve(new Response(body, { status, headers: fields.map(([name, value]) => [name, String(value)]) }))
    })
    stream.on('error', (error) => this.fail(error))
    stream.on('close', () =>
      this.fail(new Error(`the stream was closed (HTTP/2 code ${stream.rstCode ?? 0})`)),
    )
  }

  /** Ends it, unless it is over. */
  fail(error: unknown): void {
    if (this.#over) return
    this.#over = true
    if (this.#body === null) this.#reject(error)
    else this.#body.error(error)
    this.#stream.close(constants.NGHTTP2_CANCEL)
  }

  /** A body that is read from the wire only as fast as it is read here. */
  #read(): ReadableStream<Uint8Array> {
    const stream = this.#stream
    return new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.#body = controller
          stream.on('data', (chunk: Buffer) => {
            if (this.#over) return
            this.#heard()
            controller.enqueue(chunk)
            if ((controller.desiredSize ?? 0) <= 0) stream.pause()
          })
          stream.on('end', () => {
            // An end that is none: the connection was cut.
            if (this.#over || stream.aborted) return
            this.#over = true
            controller.close()
          })
          stream.pause()
        },
        pull: () => {
          stream.resume()
        },
        cancel: () => {
          this.#over = true
          stream.close(constants.NGHTTP2_CANCEL)
        },
      },
      { highWaterMark: 1 },
    )
  }
}
