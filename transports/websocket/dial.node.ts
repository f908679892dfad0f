// Our own WebSocket client for Node: opens ws:// and wss:// and gives the same socket as the server has.
import { randomBytes } from 'node:crypto'
import { connect as connectTcp, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { connect as connectTls, type ConnectionOptions as TlsOptions } from 'node:tls'
import { type Clock, systemClock } from './clock.ts'
import { Deflate, type DeflateOffer, type DeflateOptions } from './deflate.node.ts'
import { cut } from './duplex.node.ts'
import { frameArena, nodePrimitives, sha1Base64 } from './primitives.node.ts'
import { connectionSettings } from './protocol/connection.ts'
import { UsageError } from './protocol/errors.ts'
import {
  type ClientHandshake,
  checkResponse,
  type HandshakeResponse,
  requestText,
} from './protocol/handshake.ts'
import { type Headers, HeadReader, type WholeHead } from './protocol/head.ts'
import { defaultLimits, type Limits } from './protocol/limits.ts'
import { MessageSocket } from './socket.node.ts'
import { defaultCloseTimeoutMs, type SocketHandler } from './socket-handler.ts'

export interface DialOptions<Context> {
  readonly handler: SocketHandler<Context>
  readonly context: Context
  /** In order of preference. */
  readonly subprotocols?: readonly string[]
  /** More request fields: `origin`, `cookie`, `authorization`. */
  readonly headers?: Headers
  /** Offers to compress messages (permessage-deflate); null or nothing: doesn't. */
  readonly deflate?: DeflateOptions | null
  readonly limits?: Partial<Limits>
  /** For wss: `ca`, `rejectUnauthorized`, a client certificate. */
  readonly tls?: TlsOptions
  /** Covers opening only. */
  readonly signal?: AbortSignal
  /** From the first packet to the server's answer. */
  readonly handshakeTimeoutMs?: number
  readonly closeTimeoutMs?: number
  readonly clock?: Clock
  /** Fails when the server chooses none of the subprotocols, which RFC 6455 leaves to the client. */
  readonly requireSubprotocol?: boolean
  /** Called with the open socket before the first message, and before `dial` resolves. */
  opened?(socket: MessageSocket<Context>): void
}

/** Why no connection came about. */
export class DialError extends Error {
  override readonly name = 'DialError'
  /** The server's status, if it answered at all. */
  readonly status: number | null
  /** The fields of its answer: `retry-after`, say. */
  readonly headers: Headers

  constructor(message: string, status: number | null, headers: Headers, options?: ErrorOptions) {
    super(message, options)
    this.status = status
    this.headers = headers
  }
}

export const defaultHandshakeTimeoutMs = 10_000
const maxResponseHeadBytes = 32 * 1024

/**
 * Opens a WebSocket.
 *
 * @param url `ws:`, `wss:`, `http:` or `https:`
 * @returns the open socket. Messages that came with the server's answer may reach the handler before the caller goes on.
 * @throws DialError when there is no server, no answer in time, or an answer that doesn't open; UsageError for a wrong URL,
 *   subprotocol, header or option; the signal's reason when it is aborted
 */
export async function dial<Context>(
  url: string | URL,
  options: DialOptions<Context>,
): Promise<MessageSocket<Context>> {
  const { signal, clock = systemClock, handshakeTimeoutMs = defaultHandshakeTimeoutMs } = options
  const address = parseAddress(url)
  const offer = options.deflate == null ? null : new Deflate(options.deflate).offer()
  const handshake: ClientHandshake = {
    host: address.host,
    target: address.target,
    key: randomBytes(16).toString('base64'),
    subprotocols: options.subprotocols ?? [],
    extensions: offer === null ? '' : offer.text,
    headers: options.headers ?? {},
  }
  const request = requestText(handshake)
  signal?.throwIfAborted()
  const socket = connect(address, options.tls)
  let opening: WholeHead
  try {
    opening = await exchange(socket, request, signal, clock, handshakeTimeoutMs)
  } catch (error) {
    socket.destroy()
    throw error
  }
  const read = (): HandshakeResponse => checkResponse(opening.head, handshake, sha1Base64)
  return openSocket({ duplex: socket, read, rest: opening.rest, offer }, options, clock)
}

interface Address {
  readonly secure: boolean
  readonly hostname: string
  readonly port: number
  /** For the Host field. */
  readonly host: string
  readonly target: string
}

function parseAddress(url: string | URL): Address {
  const parsed = new URL(url)
  const secure = parsed.protocol === 'wss:' || parsed.protocol === 'https:'
  if (!secure && parsed.protocol !== 'ws:' && parsed.protocol !== 'http:') {
    throw new UsageError(`a WebSocket's URL begins with ws: or wss:, not ${parsed.protocol}`)
  }
  // RFC 6455 §3
  if (parsed.hash !== '') throw new UsageError("a WebSocket's URL has no fragment")
  return {
    secure,
    hostname: parsed.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: parsed.port === '' ? (secure ? 443 : 80) : Number(parsed.port),
    host: parsed.host,
    target: parsed.pathname + parsed.search,
  }
}

function connect(address: Address, tls: TlsOptions | undefined): Socket {
  const { hostname, port } = address
  if (!address.secure) return connectTcp({ host: hostname, port })
  const servername = /[:]|^[\d.]+$/.test(hostname) ? '' : hostname
  return connectTls({ host: hostname, port, servername, ALPNProtocols: ['http/1.1'], ...tls })
}

/** Sends the request and reads the head of the answer; leaves the socket paused and without listeners of its own. */
function exchange(
  socket: Socket,
  request: string,
  signal: AbortSignal | undefined,
  clock: Clock,
  handshakeTimeoutMs: number,
): Promise<WholeHead> {
  return new Promise((resolve, reject) => {
    const reader = new HeadReader(maxResponseHeadBytes)
    const settle = (): void => {
      clock.clearTimeout(timer)
      signal?.removeEventListener('abort', onAbort)
      socket.off('data', onData).off('error', onError).off('close', onClose)
      // Whoever takes the socket over listens; nobody does after a rejection.
      socket.on('error', ignoreAfterOpening)
    }
    const fail = (message: string, cause?: unknown): void => {
      settle()
      reject(new DialError(message, null, {}, { cause }))
    }
    const onData = (chunk: Buffer): void => {
      const read = reader.push(chunk)
      if (read === null) return
      if (read === 'too large') {
        fail('the head of the answer is too long')
      } else {
        settle()
        socket.pause()
        resolve(read)
      }
    }
    const onError = (error: Error): void => fail(`no connection: ${error.message}`, error)
    const onClose = (): void => fail('the connection ended before the server answered')
    const onAbort = (): void => {
      settle()
      reject(signal?.reason)
    }
    const timer = clock.setTimeout(
      () => fail(`the handshake took longer than ${handshakeTimeoutMs} ms`),
      handshakeTimeoutMs,
    )
    signal?.addEventListener('abort', onAbort)
    socket.on('data', onData).on('error', onError).on('close', onClose)
    socket.write(request, 'latin1')
  })
}

/** An error of a socket always leads to `close`, where it is dealt with. */
function ignoreAfterOpening(): undefined {
  return undefined
}

/** An answered handshake, over whatever it went. */
export interface Answered {
  readonly duplex: Duplex
  /** Reads and checks the answer. */
  read(): HandshakeResponse
  /** What came behind the answer. */
  readonly rest: Uint8Array
  readonly offer: DeflateOffer | null
}

/** Makes the socket of an answer that opens one; of any other the connection is cut. Throws a DialError. */
export function openSocket<Context>(
  { duplex, read, rest, offer }: Answered,
  options: DialOptions<Context>,
  clock: Clock,
): MessageSocket<Context> {
  try {
    const response = read()
    const { subprotocol, status, headers } = response
    if (response.fault !== null) throw new DialError(response.fault, status, headers)
    const limits = { ...defaultLimits, ...options.limits }
    const settings = {
      connection: connectionSettings('client', limits, nodePrimitives, frameArena),
      handler: options.handler,
      closeTimeoutMs: options.closeTimeoutMs ?? defaultCloseTimeoutMs,
      clock,
    }
    const offeredSome = options.subprotocols !== undefined && options.subprotocols.length > 0
    if (options.requireSubprotocol === true && offeredSome && subprotocol === null) {
      throw new DialError('the server chose no subprotocol', status, headers)
    }
    // RFC 7692 §7.1: what the server has agreed to must be what was offered.
    const deflate = offer === null ? null : offer.check(response.extensions)
    if (typeof deflate === 'string') throw new DialError(deflate, status, headers)
    const opened = new MessageSocket(duplex, settings, options.context, subprotocol, rest, deflate)
    duplex.resume()
    options.opened?.(opened)
    return opened
  } catch (error) {
    cut(duplex)
    throw error instanceof DialError ? error : new DialError(String(error), null, {}, { cause: error })
  }
}
