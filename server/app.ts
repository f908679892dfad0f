// One Fastify application: the transports, what is said about the lab, and the page. The lab has three over one hub: plain, TLS,
// and one for WebSockets over HTTP/2.
import { type ServerResponse, STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import rateLimit from '@fastify/rate-limit'
import Fastify, {
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyServerOptions,
  LogController,
} from 'fastify'
import type { Guard, Hub, ServerTransport } from '../transports/contract.server.ts'
import type { TransportName } from '../transports/contract.ts'
import { serverLimits, wireLimits } from '../transports/limits.ts'
import { mountTransports } from '../transports/mount.server.ts'
import { ProblemError, problem } from '../transports/problem.ts'
import { problemFor, sendProblem } from '../transports/request.server.ts'
import { Connections } from './connections.ts'
import { watchMethods } from './other-methods.ts'
import { problemPage } from './problem-pages.ts'
import type { Identity } from './tls/certificate.ts'

/** Sends that one address off this machine may make in ten seconds. */
const sendsPerTenSeconds = 1000
/** On closing, what the hub's drain has left over is destroyed after this. */
const leftoverMs = 50

export interface Ports {
  readonly plain: number
  readonly tls: number
  /** WebSockets over HTTP/2 (RFC 8441). */
  readonly h2WebSocket: number
}

export interface AppOptions {
  readonly hub: Hub
  readonly guard: Guard
  /** Those that are mounted here. */
  readonly transports: readonly ServerTransport[]
  /** Those that the lab offers, here or on another port. */
  readonly offered: readonly TransportName[]
  readonly heartbeatMs: number
  /** A handshake and the head of a request must be whole by then. */
  readonly headMs: number
  readonly logger: FastifyBaseLogger
  /** Null: plain HTTP/1.1. */
  readonly identity: Identity | null
  ports(): Ports
  /** Whether all ports are open and the log takes messages. */
  isReady(): boolean
  /** Whether the event loop is so late that requests are better turned away. */
  isOverloaded(): boolean
  metrics(): string
  /** Adds the page's routes. */
  page(app: FastifyInstance): Promise<void>
}

export interface App {
  readonly fastify: FastifyInstance
  readonly connections: Connections
}

/** Builds the application; nothing listens yet. Its `close()` says goodbye to everybody and ends within a second (R5). */
export async function createApp(options: AppOptions): Promise<App> {
  const fastify = makeFastify(options)
  const connections = new Connections(fastify)
  // Nobody else ends a connection whose handshake fails or never comes: Node's HTTP/2 server leaves it open.
  fastify.server.on('tlsClientError', (error: NodeJS.ErrnoException, socket: TLSSocket) => {
    const below = error.code === 'ERR_SSL_HTTP_REQUEST' ? connections.below(socket) : undefined
    if (below === undefined) socket.destroy()
    else
      refuse(
        below,
        400,
        'text/plain; charset=utf-8',
        'This port speaks HTTPS: write https: in place of http:.\n',
      )
  })
  fastify.setErrorHandler((error, request, reply) =>
    sendProblem(
      reply,
      problemFor(error, (cause) => request.log.error(cause)),
    ),
  )
  fastify.setNotFoundHandler((_request, reply) =>
    sendProblem(reply, problem('not-found', 'Nothing is at this address.')),
  )
  fastify.addHook('preClose', async () => {
    await options.hub.drain()
    connections.askToEnd()
    setTimeout(() => connections.destroy(), leftoverMs)
  })
  const answerOtherMethods = watchMethods(fastify)
  await mountRooms(fastify, options)
  mountFacts(fastify, options)
  await options.page(fastify)
  answerOtherMethods()
  return { fastify, connections }
}

function makeFastify(options: AppOptions): FastifyInstance {
  const { identity } = options
  const checkMs = Math.min(options.headMs, 1000)
  const common: FastifyServerOptions = {
    loggerInstance: options.logger,
    // A line for each poll would cost more than the poll.
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: () => '',
    exposeHeadRoutes: false,
    // While it drains, the hub itself says so, as a problem with the time to come back.
    return503OnClosing: false,
    bodyLimit: wireLimits.draftBytes,
    requestTimeout: 3 * options.headMs,
    keepAliveTimeout: serverLimits.keepAliveMs,
    routerOptions: { maxParamLength: serverLimits.headBytes },
    clientErrorHandler,
    frameworkErrors: (error, _request, reply) => {
      sendProblem(reply, problem('bad-request', error.message))
    },
  }
  if (identity === null) {
    const fastify = Fastify({
      ...common,
      http: { maxHeaderSize: serverLimits.headBytes, connectionsCheckingInterval: checkMs },
    })
    fastify.server.headersTimeout = options.headMs
    return fastify
  }
  // R12: it is announced where it is served, and nowhere else, as browsers act on it.
  const connects = options.transports.some(({ byExtendedConnect }) => byExtendedConnect === true)
  const fastify = Fastify({
    ...common,
    http2: true,
    // See `connections.ts`, which closes idle sessions instead.
    http2SessionTimeout: 0,
    https: {
      allowHTTP1: true,
      cert: identity.certificate,
      key: identity.key,
      maxHeaderSize: serverLimits.headBytes,
      connectionsCheckingInterval: checkMs,
      handshakeTimeout: options.headMs,
      settings: {
        maxHeaderListSize: serverLimits.headBytes,
        enableConnectProtocol: connects,
        maxConcurrentStreams: connects ? serverLimits.socketsOnConnection : 1024,
      },
    } as object,
  } as object) as unknown as FastifyInstance
  // The HTTP/1.1 half of the port, of which Fastify knows nothing: Node would close a connection after 5 s, and a poll each 10 s needed a new one each time.
  Object.assign(fastify.server, {
    keepAliveTimeout: serverLimits.keepAliveMs,
    headersTimeout: options.headMs,
    requestTimeout: 3 * options.headMs,
  })
  return fastify
}

async function mountRooms(fastify: FastifyInstance, options: AppOptions): Promise<void> {
  await fastify.register(async (rooms) => {
    rooms.addHook('onRoute', (route) => {
      if (route.method !== 'POST') return
      route.config = {
        ...route.config,
        rateLimit: { max: sendsPerTenSeconds, timeWindow: 10_000, allowList: isLoopback },
      }
    })
    await rooms.register(rateLimit, { global: false })
    rooms.addHook('onRequest', (_request, _reply, done) => {
      if (!options.isOverloaded()) done()
      else
        done(
          new ProblemError(problem('overloaded', 'The server is late by seconds.', { retryAfterMs: 1000 })),
        )
    })
    await mountTransports(rooms, options)
  })
}

function isLoopback(request: { readonly ip: string }): boolean {
  return request.ip === '127.0.0.1' || request.ip === '::1' || request.ip === '::ffff:127.0.0.1'
}

/** Balancers ask with it. A stream has none: it would not end. */
const alsoHead = { exposeHeadRoute: true }

/** What the lab says about itself. */
function mountFacts(fastify: FastifyInstance, options: AppOptions): void {
  fastify.get('/transports', alsoHead, (_request, reply) => {
    reply.header('cache-control', 'no-store')
    return {
      transports: options.offered,
      ports: options.ports(),
      heartbeatMs: options.heartbeatMs,
      limits: wireLimits,
    }
  })
  fastify.get('/healthz', alsoHead, (_request, reply) => text(reply, 'ok\n'))
  fastify.get('/readyz', alsoHead, (_request, reply) => {
    if (options.hub.draining) return sendProblem(reply, problem('draining', 'The server is going away.'))
    if (options.isReady()) return text(reply, 'ready\n')
    return sendProblem(reply, problem('overloaded', 'The server is starting.', { retryAfterMs: 1000 }))
  })
  fastify.get('/metrics', alsoHead, (_request, reply) =>
    reply
      .header('cache-control', 'no-store')
      .type('text/plain; version=0.0.4; charset=utf-8')
      .send(options.metrics()),
  )
  fastify.get<{ Params: { name: string } }>('/problems/:name', alsoHead, (request, reply) => {
    const page = problemPage(request.params.name)
    return page === null ? reply.callNotFound() : text(reply, page)
  })
}

function text(reply: { type(value: string): { send(body: string): unknown } }, body: string): unknown {
  return reply.type('text/plain; charset=utf-8').send(body)
}

/** Answers bytes that are no request. There is no request and no reply yet, only the socket. */
function clientErrorHandler(error: Error & { readonly code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed) return
  // An answer that has begun can't take another one.
  const begun = (socket as { readonly _httpMessage?: ServerResponse })._httpMessage?.headersSent === true
  if (!socket.writable || begun) {
    socket.destroy()
    return
  }
  const status =
    error.code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 408 : error.code === 'HPE_HEADER_OVERFLOW' ? 431 : 400
  const body = JSON.stringify({ ...problem('bad-request', detailOf(status)), status })
  refuse(socket, status, 'application/problem+json', body)
}

/** Where there is no request to answer. */
function refuse(socket: Socket, status: number, type: string, body: string): void {
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nContent-Type: ${type}\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
    // A peer that doesn't read its answer doesn't keep the socket either.
    () => socket.destroy(),
  )
}

function detailOf(status: number): string {
  switch (status) {
    case 408:
      return 'The request did not become whole in time.'
    case 431:
      return `The head of a request has at most ${serverLimits.headBytes} bytes.`
    default:
      return 'This is no HTTP request.'
  }
}
