// The server half of the opening handshake: on an HTTP server's upgrade, on an HTTP/2 server's streams, and on bare sockets
// with a parser of our own.
import type { IncomingMessage } from 'node:http'
import type { ServerHttp2Stream } from 'node:http2'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { type Clock, systemClock } from './clock.ts'
import { Deflate, type DeflateInForce, type DeflateOptions } from './deflate.node.ts'
import { frameArena, nodePrimitives, sha1Base64 } from './primitives.node.ts'
import { connectionSettings } from './protocol/connection.ts'
import { connectAnswer } from './protocol/extended-connect.ts'
import {
  type AcceptableHandshake,
  acceptResponse,
  checkRequest,
  chooseSubprotocol,
  isRefusal,
  type Offers,
  parseRequest,
  type RawRequest,
  type Refusal,
  refusal,
  refusalResponse,
} from './protocol/handshake.ts'
import { type Headers, HeadReader } from './protocol/head.ts'
import { defaultLimits, type Limits } from './protocol/limits.ts'
import { MessageSocket } from './socket.node.ts'
import { defaultCloseTimeoutMs, type SocketHandler, type SocketSettings } from './socket-handler.ts'

const noBytes = new Uint8Array(0)

export interface AcceptOptions<Context> {
  readonly handler: SocketHandler<Context>
  /** Those that are spoken here, or any that a client offers first. Without a common one, none is agreed on. */
  readonly subprotocols: readonly string[] | 'any'
  /** Compresses messages (permessage-deflate) with clients that offer it; null or nothing: with none. */
  readonly deflate?: DeflateOptions | null
  readonly limits?: Partial<Limits>
  readonly closeTimeoutMs?: number
  readonly clock?: Clock
}

/** Turns upgrade requests of `node:http`, `node:https` or Fastify's server into sockets. */
export class Acceptor<Context> {
  readonly #settings: SocketSettings<Context>
  readonly #subprotocols: readonly string[] | 'any'
  readonly #deflate: Deflate | null

  /** @throws UsageError for options that can't be */
  constructor(options: AcceptOptions<Context>) {
    const limits = { ...defaultLimits, ...options.limits }
    this.#subprotocols = options.subprotocols
    this.#deflate = options.deflate == null ? null : new Deflate(options.deflate)
    this.#settings = {
      connection: connectionSettings('server', limits, nodePrimitives, frameArena),
      handler: options.handler,
      closeTimeoutMs: options.closeTimeoutMs ?? defaultCloseTimeoutMs,
      clock: options.clock ?? systemClock,
    }
  }

  /**
   * Answers an `upgrade` event. Whether this client may connect at all is to be decided before: see `refuse`.
   *
   * @param head what came behind the request
   * @param headers more fields for the 101
   * @returns the open socket, which says nothing before this call returns; null if the request was wrong and is answered
   */
  upgrade(
    request: IncomingMessage,
    duplex: Duplex,
    head: Uint8Array,
    context: Context,
    headers: Headers = {},
  ): MessageSocket<Context> | null {
    const handshake = checkRequest({
      method: request.method ?? '',
      httpVersion: request.httpVersion,
      headers: request.headers,
    })
    if (isRefusal(handshake)) {
      this.refuse(duplex, handshake)
      return null
    }
    return this.open(duplex, handshake, head, context, headers)
  }

  /** Answers a handshake that has been checked. */
  open(
    duplex: Duplex,
    handshake: AcceptableHandshake,
    head: Uint8Array,
    context: Context,
    headers: Headers = {},
  ): MessageSocket<Context> {
    const { subprotocol, deflate } = this.#agree(handshake, headers, (chosen, fields) => {
      duplex.write(acceptResponse(handshake, chosen, fields, sha1Base64), 'latin1')
    })
    return new MessageSocket(duplex, this.#settings, context, subprotocol, head, deflate)
  }

  /**
   * Answers an extended CONNECT (RFC 8441) that `checkConnect` has checked. What comes behind it is the stream's own data.
   *
   * @throws when the stream has ended meanwhile
   */
  connect(
    stream: ServerHttp2Stream,
    offers: Offers,
    context: Context,
    headers: Headers = {},
  ): MessageSocket<Context> {
    const { subprotocol, deflate } = this.#agree(offers, headers, (chosen, fields) => {
      stream.respond(connectAnswer(offers, chosen, fields))
    })
    return new MessageSocket(stream, this.#settings, context, subprotocol, noBytes, deflate)
  }

  /** Chooses of what is offered, and answers so. If that throws, what was set aside for the connection is given back. */
  #agree(
    offers: Offers,
    headers: Headers,
    answer: (subprotocol: string | null, fields: Headers) => void,
  ): { readonly subprotocol: string | null; readonly deflate: DeflateInForce | null } {
    const subprotocol = chooseSubprotocol(offers.offeredSubprotocols, this.#subprotocols)
    const deflate = this.#deflate === null ? null : this.#deflate.accept(offers)
    try {
      answer(
        subprotocol,
        deflate === null ? headers : { ...headers, 'sec-websocket-extensions': deflate.text },
      )
    } catch (error) {
      deflate?.compression.inflater.close()
      deflate?.compression.deflater.close()
      throw error
    }
    return { subprotocol, deflate }
  }

  /** Answers with something other than 101 and ends the connection, within a time. */
  refuse(duplex: Duplex, refused: Refusal): void {
    const { clock, closeTimeoutMs } = this.#settings
    const timer = clock.setTimeout(() => duplex.destroy(), closeTimeoutMs)
    duplex.once('close', () => clock.clearTimeout(timer))
    duplex.on('error', () => duplex.destroy())
    duplex.resume()
    duplex.end(refusalResponse(refused))
  }
}

export interface BareAcceptOptions<Context> extends AcceptOptions<Context> {
  /** Who may connect, and with what context. */
  admit(request: RawRequest): { readonly context: Context } | Refusal
  opened(socket: MessageSocket<Context>): void
  /** How long a client may take for its request. */
  readonly handshakeTimeoutMs?: number
  readonly maxHeadBytes?: number
}

const defaultHandshakeTimeoutMs = 10_000
const defaultMaxHeadBytes = 16 * 1024

/**
 * Accepts WebSockets on the sockets of a bare `net.Server` or `tls.Server`, which costs less memory and time than an HTTP
 * server does: `server.on('connection', (socket) => acceptor.take(socket))`.
 */
export class BareAcceptor<Context> {
  readonly #options: BareAcceptOptions<Context>
  readonly #acceptor: Acceptor<Context>
  readonly #clock: Clock

  constructor(options: BareAcceptOptions<Context>) {
    this.#options = options
    this.#acceptor = new Acceptor(options)
    this.#clock = options.clock ?? systemClock
  }

  /** Reads a request from a new socket and answers it; a socket that is too slow with it is cut (R18). */
  take(socket: Socket): void {
    const { handshakeTimeoutMs = defaultHandshakeTimeoutMs, maxHeadBytes = defaultMaxHeadBytes } =
      this.#options
    const reader = new HeadReader(maxHeadBytes)
    const cut = (): void => {
      socket.destroy()
    }
    const timer = this.#clock.setTimeout(cut, handshakeTimeoutMs)
    const release = (): void => {
      this.#clock.clearTimeout(timer)
      socket.off('data', onData).off('end', cut).off('error', cut).off('close', release)
    }
    const onData = (chunk: Buffer): void => {
      const read = reader.push(chunk)
      if (read === null) return
      release()
      if (read === 'too large') {
        const detail = `the request's head is longer than ${maxHeadBytes} bytes`
        this.#acceptor.refuse(socket, refusal(431, 'Request Header Fields Too Large', detail))
      } else {
        this.#answer(socket, read.head, read.rest)
      }
    }
    socket.on('data', onData).on('end', cut).on('error', cut).on('close', release)
  }

  #answer(socket: Socket, head: Uint8Array, rest: Uint8Array): void {
    const answer = this.#judge(head)
    if (isRefusal(answer)) this.#acceptor.refuse(socket, answer)
    else this.#options.opened(this.#acceptor.open(socket, answer.handshake, rest, answer.context))
  }

  #judge(head: Uint8Array): { handshake: AcceptableHandshake; context: Context } | Refusal {
    const request = parseRequest(head)
    if (isRefusal(request)) return request
    const handshake = checkRequest(request)
    if (isRefusal(handshake)) return handshake
    const admitted = this.#options.admit(request)
    return isRefusal(admitted) ? admitted : { handshake, context: admitted.context }
  }
}
