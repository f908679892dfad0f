// What is taken before Fastify's router: quick answers, HTTP/2 streams as they are, upgrades, and extended CONNECTs.
import { type IncomingMessage, type OutgoingHttpHeaders, type ServerResponse, STATUS_CODES } from 'node:http'
import { constants, type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2'
import type { Duplex } from 'node:stream'
import type { FastifyInstance } from 'fastify'
import type {
  Accepts,
  ConnectHandler,
  Guard,
  QuickAnswer,
  StreamHandler,
  UpgradeHandler,
} from './contract.server.ts'
import { serverLimits } from './limits.ts'
import { type Problem, problem } from './problem.ts'
import { isGone, problemFor, queryOf } from './request.server.ts'
import { roomProblem } from './text.ts'

/** A handler that may share its address with others. */
export interface AcceptingHandler {
  readonly accepts: Accepts
  readonly handler: StreamHandler
}

/** Handlers by the last part of `/rooms/:room/<suffix>`. */
export interface Taken {
  readonly quick: QuickAnswer[]
  readonly streams: Map<string, AcceptingHandler[]>
  readonly upgrades: Map<string, UpgradeHandler>
  readonly connects: Map<string, ConnectHandler>
}

/** Puts the handlers in front of the application's router. To be called once, with handlers that may still be added. */
export function takeBeforeRouter(app: FastifyInstance, guard: Guard, taken: Taken): void {
  const { server } = app
  before(
    server,
    'request',
    (request: IncomingMessage, response: ServerResponse) =>
      // Over HTTP/2 a request may be given up before it is told of: there is nobody to answer, and no end to wait for.
      isGone(response) ||
      isTooMany(request, response) ||
      taken.quick.some((answer) => answer(request, response)),
  )
  const log = (error: unknown): void => app.log.error(error)
  before(server, 'stream', (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
    if (headers[':method'] !== 'CONNECT') return dispatchStream(taken.streams, guard, stream, headers, log)
    dispatchConnect(taken.connects, guard, stream, headers, log)
    return true
  })
  const onUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    // The socket is ours from here on, and nobody else listens to its errors.
    socket.on('error', () => socket.destroy())
    dispatchUpgrade(taken.upgrades, guard, request, socket, head)
  }
  server.on('upgrade', onUpgrade)
  // Node takes it as an option for HTTP/1.1 servers only, and reads it from both kinds.
  Object.assign(server, { shouldUpgradeCallback: asksForWebSocket })
  app.addHook('onClose', () => {
    server.off('upgrade', onUpgrade)
  })
}

/**
 * Any other upgrade that a client offers is passed over, and its request answered (RFC 9110 §7.8): curl's `--http2` and Java's
 * client offer "h2c" with the first request to a plain port.
 */
function asksForWebSocket({ headers }: IncomingMessage): boolean {
  return /(?:^|,)[\t ]*websocket[\t ]*(?:,|$)/i.test(headers.upgrade ?? '')
}

/** Requests of an HTTP/1.1 connection that came before the answer to an earlier one was written (pipelining). */
const waiting = new WeakMap<object, number>()

/**
 * Cuts a connection that asks on and on and takes no answer: what waits for its turn costs more than its few bytes, and a refusal
 * would wait as well (R38). No browser sends a request before the last one is answered.
 */
function isTooMany(request: IncomingMessage, response: ServerResponse): boolean {
  // Who is in turn has the connection's socket from the beginning.
  if (request.httpVersionMajor !== 1 || response.socket !== null) return false
  const { socket } = request
  const count = (waiting.get(socket) ?? 0) + 1
  waiting.set(socket, count)
  response.once('socket', () => waiting.set(socket, (waiting.get(socket) ?? 1) - 1))
  if (count <= serverLimits.waitingRequests) return false
  socket.destroy()
  return true
}

/** The host that a request names: HTTP/2 has a pseudo-header for it, and beside that Host must not count (RFC 9113 §8.3.1). */
export function hostOf(headers: object): string | undefined {
  const { host, ':authority': authority } = headers as { host?: string; ':authority'?: string }
  return authority ?? host
}

/** Lets `take` see an event first; what it does not take goes to those who listened before. */
function before<Details extends unknown[]>(
  server: FastifyInstance['server'],
  event: string,
  take: (...details: Details) => boolean,
): void {
  const listeners = server.listeners(event)
  // A server without listeners for it doesn't speak HTTP/2.
  if (listeners.length === 0) return
  server.removeAllListeners(event)
  server.on(event, (...details: Details) => {
    if (take(...details)) return
    for (const listener of listeners) listener.apply(server, details)
  })
}

const noSuchForm =
  'This stream comes as application/x-ndjson or as text/event-stream, as far as they are served.'
const roomPath = /^\/rooms\/([^/?#]*)\/([a-z0-9-]+)(?:\?(.*))?$/

function dispatchStream(
  handlers: ReadonlyMap<string, readonly AcceptingHandler[]>,
  guard: Guard,
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  log: (error: unknown) => void,
): boolean {
  if (headers[':method'] !== 'GET') return false
  const [, room = '', suffix = '', search = ''] = roomPath.exec(headers[':path'] ?? '') ?? []
  const here = handlers.get(suffix)
  if (here === undefined) return false
  const found = here.find(({ accepts }) => accepts(headers.accept))
  const wrongRoom = roomProblem(room)
  const refused = guard({ host: hostOf(headers), origin: headers.origin })
  if (refused !== null) refuseStream(stream, refused)
  else if (wrongRoom !== null) refuseStream(stream, problem('bad-room', wrongRoom))
  else if (found === undefined) refuseStream(stream, problem('not-acceptable', noSuchForm))
  else {
    try {
      found.handler({ stream, headers, room, query: queryOf(search) })
    } catch (error) {
      refuseStream(stream, problemFor(error, log))
    }
  }
  return true
}

function dispatchConnect(
  handlers: ReadonlyMap<string, ConnectHandler>,
  guard: Guard,
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  log: (error: unknown) => void,
): void {
  // Whatever becomes of it: an error that nobody listens to would end the process.
  stream.on('error', () => stream.destroy())
  const refused = guard({ host: hostOf(headers), origin: headers.origin })
  const [, room = '', suffix = '', search = ''] = roomPath.exec(headers[':path'] ?? '') ?? []
  const handler = handlers.get(suffix)
  const wrongRoom = roomProblem(room)
  if (refused !== null) refuseConnect(stream, refused)
  // A plain CONNECT has no path (RFC 9113 §8.5): it asks for a tunnel to somewhere else.
  else if (headers[':path'] === undefined) {
    refuseConnect(stream, problem('not-implemented', 'This is no proxy: it opens no tunnels.'))
  } else if (handler === undefined)
    refuseConnect(stream, problem('not-found', 'Nothing here speaks WebSocket.'))
  else if (wrongRoom !== null) refuseConnect(stream, problem('bad-room', wrongRoom))
  else {
    try {
      handler({ stream, headers, room, query: queryOf(search) })
    } catch (error) {
      refuseConnect(stream, problemFor(error, log))
    }
  }
}

/** Answers a CONNECT with problem details, and its stream goes, though whoever asked has its own half open still. */
export function refuseConnect(
  stream: ServerHttp2Stream,
  value: Problem,
  headers: Readonly<Record<string, string>> = {},
): void {
  refuseStream(stream, value, headers)
  if (stream.destroyed) return
  // Behind a whole answer Node asks for no more, with NO_ERROR (RFC 9113 §8.1). A peer that doesn't take it is not waited for.
  const timer = setTimeout(() => {
    stream.close(constants.NGHTTP2_CANCEL)
    stream.destroy()
  }, serverLimits.goodbyeDeadlineMs).unref()
  stream.once('close', () => clearTimeout(timer))
}

/** Answers a stream with problem details. */
function refuseStream(
  stream: ServerHttp2Stream,
  value: Problem,
  more: Readonly<Record<string, string>> = {},
): void {
  // One that was cancelled meanwhile has nobody to tell.
  stream.on('error', () => stream.destroy())
  if (stream.destroyed || stream.headersSent) return
  const headers: OutgoingHttpHeaders = {
    ':status': value.status,
    'content-type': 'application/problem+json',
    'cache-control': 'no-store',
    ...more,
  }
  if (value.retryAfterMs !== undefined) headers['retry-after'] = String(Math.ceil(value.retryAfterMs / 1000))
  stream.respond(headers)
  stream.end(JSON.stringify(value))
}

function dispatchUpgrade(
  upgrades: ReadonlyMap<string, UpgradeHandler>,
  guard: Guard,
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
): void {
  const refused = guard({ host: request.headers.host, origin: request.headers.origin })
  if (refused !== null) {
    refuseUpgrade(socket, refused)
    return
  }
  const [, room = '', suffix = '', search = ''] = roomPath.exec(request.url ?? '') ?? []
  const handler = upgrades.get(suffix)
  const wrongRoom = roomProblem(room)
  if (handler === undefined) refuseUpgrade(socket, problem('not-found', 'Nothing here speaks WebSocket.'))
  else if (wrongRoom !== null) refuseUpgrade(socket, problem('bad-room', wrongRoom))
  else handler({ request, socket, head, room, query: queryOf(search) })
}

/** Answers an upgrade with a plain HTTP response and ends the connection. */
export function refuseUpgrade(
  socket: Duplex,
  value: Problem,
  headers: Readonly<Record<string, string>> = {},
): void {
  const body = JSON.stringify(value)
  const retry =
    value.retryAfterMs === undefined ? {} : { 'Retry-After': String(Math.ceil(value.retryAfterMs / 1000)) }
  const lines = Object.entries({
    'Content-Type': 'application/problem+json',
    'Content-Length': String(Buffer.byteLength(body)),
    'Cache-Control': 'no-store',
    Connection: 'close',
    ...retry,
    ...headers,
  }).map(([name, field]) => `${name}: ${field}\r\n`)
  const answer = `HTTP/1.1 ${value.status} ${STATUS_CODES[value.status] ?? ''}\r\n${lines.join('')}\r\n${body}`
  // Once the answer is written the connection goes, whether or not the peer closes its half.
  socket.end(answer, () => socket.destroy())
}
