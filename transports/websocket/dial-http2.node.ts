// Our own WebSocket client over HTTP/2 (RFC 8441): each socket is a stream, and many of them share a connection.
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  type IncomingHttpHeaders,
  type IncomingHttpStatusHeader,
  type SecureClientSessionOptions,
} from 'node:http2'
import { messageOf } from '../errors.ts'
import { doubt } from '../http2-doubt.node.ts'
import { type Clock, systemClock } from './clock.ts'
import { Deflate } from './deflate.node.ts'
import { DialError, type DialOptions, defaultHandshakeTimeoutMs, openSocket } from './dial.node.ts'
import { cut } from './duplex.node.ts'
import { UsageError } from './protocol/errors.ts'
import { checkConnectResponse, connectFields } from './protocol/extended-connect.ts'
import type { HandshakeResponse } from './protocol/handshake.ts'
import type { Headers } from './protocol/head.ts'
import type { MessageSocket } from './socket.node.ts'

/** Until a server has said how many streams it allows: RFC 9113 §6.5.2 asks it not to allow fewer. */
const socketsBeforeSettings = 100

type ResponseHeaders = IncomingHttpHeaders & IncomingHttpStatusHeader

export interface Http2DialerOptions {
  /** For TLS: `ca`, `rejectUnauthorized`; for the connection: `settings`, or `createConnection` to bring the socket. */
  readonly connection?: SecureClientSessionOptions
  /** Sockets on one connection, at most; the server may allow fewer. Without it, as many as the server allows. */
  readonly socketsPerConnection?: number
}

/**
 * Opens WebSockets over HTTP/2 connections of its own, which they share as far as they may. A connection ends with its last
 * socket. Every server must announce extended CONNECT (RFC 8441 §3).
 */
export class Http2Dialer {
  readonly #options: Http2DialerOptions
  readonly #carriers = new Map<string, Carrier[]>()

  constructor(options: Http2DialerOptions = {}) {
    this.#options = options
  }

  /** How many connections are open, or being opened. */
  get connectionCount(): number {
    return [...this.#carriers.values()].reduce((sum, carriers) => sum + carriers.length, 0)
  }

  /**
   * Opens a WebSocket as `dial` of `dial.node.ts` does, over a connection that is there or is made; `options.tls` is not used,
   * as TLS belongs to the connection.
   *
   * @param url `wss:` or `https:`
   * @throws as `dial`; a DialError too when the server does not announce extended CONNECT
   */
  async dial<Context>(url: string | URL, options: DialOptions<Context>): Promise<MessageSocket<Context>> {
    const { signal, clock = systemClock, handshakeTimeoutMs = defaultHandshakeTimeoutMs } = options
    const address = parseAddress(url)
    const offer = options.deflate == null ? null : new Deflate(options.deflate).offer()
    const handshake = {
      host: address.host,
      target: address.pathname + address.search,
      subprotocols: options.subprotocols ?? [],
      extensions: offer === null ? '' : offer.text,
      headers: options.headers ?? {},
    }
    const fields = connectFields(handshake, 'https')
    signal?.throwIfAborted()
    const limit = new TimeLimit(clock, handshakeTimeoutMs, signal)
    const carrier = this.#carrierTo(address.origin)
    let stream: ClientHttp2Stream | null = null
    try {
      await limit.hold(carrier.ready)
      stream = carrier.request(fields)
      const headers = await limit.hold(answerTo(stream))
      const read = (): HandshakeResponse => ({
        ...checkConnectResponse(headers[':status'] ?? 0, asFields(headers), handshake),
        headers: asFields(headers),
      })
      return openSocket({ duplex: stream, read, rest: new Uint8Array(0), offer }, options, clock)
    } catch (error) {
      if (stream !== null) cut(stream)
      throw error
    } finally {
      limit.release()
      // From here on its stream holds its place.
      carrier.release()
    }
  }

  /** Cuts all connections, and the sockets on them. */
  close(): void {
    for (const carrier of [...this.#carriers.values()].flat()) carrier.destroy()
  }

  #carrierTo(origin: string): Carrier {
    const carriers = this.#carriers.get(origin) ?? []
    this.#carriers.set(origin, carriers)
    const { socketsPerConnection = Number.POSITIVE_INFINITY, connection = {} } = this.#options
    let carrier = carriers.find((one) => one.takes(socketsPerConnection))
    if (carrier === undefined) {
      carrier = new Carrier(connect(origin, { ALPNProtocols: ['h2'], ...connection }), (ended) => {
        carriers.splice(carriers.indexOf(ended), 1)
      })
      carriers.push(carrier)
    } else carrier.doubt()
    carrier.reserve()
    return carrier
  }
}

/** A connection that sockets share. It ends with the last of them. */
class Carrier {
  /** Resolves when the server has announced extended CONNECT; rejects with a DialError when it doesn't. */
  readonly ready: Promise<void>
  readonly #session: ClientHttp2Session
  /** Sockets on it, and those being opened. */
  #users = 0
  #mostSockets = socketsBeforeSettings

  constructor(session: ClientHttp2Session, ended: (carrier: Carrier) => void) {
    this.#session = session
    this.ready = new Promise((resolve, reject) => {
      const fail = (message: string, cause?: unknown): void =>
        reject(new DialError(message, null, {}, { cause }))
      session.once('remoteSettings', ({ enableConnectProtocol, maxConcurrentStreams }) => {
        this.#mostSockets = maxConcurrentStreams ?? Number.POSITIVE_INFINITY
        if (enableConnectProtocol === true) resolve()
        else fail('the server does not announce WebSockets over HTTP/2 (RFC 8441 §3)')
      })
      session.on('error', (error) => fail(`no connection: ${error.message}`, error))
      session.once('close', () => {
        fail('the connection ended before the server announced anything')
        ended(this)
      })
    })
    // Each dial that waits for it learns of it by itself.
    this.ready.catch(ignored)
  }

  takes(mostSockets: number): boolean {
    const { closed, destroyed } = this.#session
    return !closed && !destroyed && this.#users < Math.min(mostSockets, this.#mostSockets)
  }

  reserve(): void {
    this.#users += 1
  }

  /** Ends it, and what is on it, unless it shows that it is alive: a dead one would take every further socket with it. */
  doubt(): void {
    doubt(this.#session)
  }

  release(): void {
    this.#users -= 1
    if (this.#users > 0) return
    // One that isn't connected yet would wait until it is, and one that is dead until the system gives it up.
    if (this.#session.connecting) this.#session.destroy()
    else {
      doubt(this.#session)
      this.#session.close()
    }
  }

  /** Only when it is ready. Throws a DialError when the connection has ended meanwhile. */
  request(fields: Headers): ClientHttp2Stream {
    try {
      const stream = this.#session.request({ ...fields }, { endStream: false })
      // An error leads to `close`, where it is dealt with.
      stream.on('error', ignored)
      this.reserve()
      stream.once('close', () => this.release())
      return stream
    } catch (error) {
      throw new DialError(`no connection: ${messageOf(error)}`, null, {}, { cause: error })
    }
  }

  destroy(): void {
    this.#session.destroy()
  }
}

function answerTo(stream: ClientHttp2Stream): Promise<ResponseHeaders> {
  return new Promise((resolve, reject) => {
    const fail = (message: string, cause?: unknown): void =>
      reject(new DialError(message, null, {}, { cause }))
    stream.once('response', resolve)
    stream.once('error', (error) => fail(`no answer: ${error.message}`, error))
    stream.once('close', () => fail(`the stream was closed with HTTP/2 code ${stream.rstCode ?? 0}`))
  })
}

function ignored(): undefined {
  return undefined
}

/** One time-out, and one signal, over several waits. */
class TimeLimit {
  readonly #over = Promise.withResolvers<never>()
  readonly #clock: Clock
  readonly #timer: unknown
  readonly #signal: AbortSignal | undefined
  readonly #onAbort = (): void => this.#over.reject(this.#signal?.reason)

  constructor(clock: Clock, timeoutMs: number, signal: AbortSignal | undefined) {
    this.#clock = clock
    this.#signal = signal
    this.#over.promise.catch(ignored)
    const late = (): void =>
      this.#over.reject(new DialError(`the handshake took longer than ${timeoutMs} ms`, null, {}))
    this.#timer = clock.setTimeout(late, timeoutMs)
    signal?.addEventListener('abort', this.#onAbort)
  }

  /** Settles as `wait` does, unless the time is over before. */
  hold<T>(wait: Promise<T>): Promise<T> {
    return Promise.race([wait, this.#over.promise])
  }

  release(): void {
    this.#clock.clearTimeout(this.#timer)
    this.#signal?.removeEventListener('abort', this.#onAbort)
  }
}

function parseAddress(url: string | URL): URL {
  const parsed = new URL(String(url).replace(/^wss:/i, 'https:'))
  if (parsed.protocol !== 'https:') {
    throw new UsageError(`a WebSocket over HTTP/2 has a URL that begins with wss:, not ${parsed.protocol}`)
  }
  // RFC 6455 §3
  if (parsed.hash !== '') throw new UsageError("a WebSocket's URL has no fragment")
  return parsed
}

/** Without the pseudo-header fields. */
function asFields(headers: ResponseHeaders): Headers {
  const fields = Object.entries(headers).filter(([name]) => !name.startsWith(':'))
  return Object.fromEntries(fields.map(([name, value]) => [name, String(value)]))
}
