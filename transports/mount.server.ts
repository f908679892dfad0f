// Puts server transports on a Fastify application: one scope with the checks that all of them share, and the dispatch of upgrades.
import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import type { FastifyInstance } from 'fastify'
import type { Guard, Hub, QuickAnswer, ServerTransport, UpgradeHandler } from './contract.server.ts'
import { type Problem, ProblemError, problem } from './problem.ts'
import { sendProblem } from './request.server.ts'
import { roomProblem } from './text.ts'

export interface MountOptions {
  readonly hub: Hub
  readonly guard: Guard
  readonly transports: readonly ServerTransport[]
  readonly heartbeatMs: number
}

/**
 * Mounts the transports under `/rooms/`. Each request is checked for its origin and host (R23) and its room's name first.
 * Takes the server's `request` and `upgrade` events for itself: an upgrade of anything else is refused.
 */
export async function mountTransports(app: FastifyInstance, options: MountOptions): Promise<void> {
  const upgrades = new Map<string, UpgradeHandler>()
  const quick: QuickAnswer[] = []
  await app.register(async (scope) => {
    scope.addHook('onRequest', (request, reply, done) => {
      const refused = options.guard({
        host: request.headers.host ?? authorityOf(request.raw),
        origin: request.headers.origin,
      })
      const wrongRoom =
        refused === null ? roomProblem((request.params as { room?: string }).room ?? '') : null
      if (refused !== null) sendProblem(reply, refused)
      else if (wrongRoom !== null) sendProblem(reply, problem('bad-room', wrongRoom))
      else done()
    })
    scope.setErrorHandler((error, request, reply) => {
      // Fastify asks to close the connection after a body that is too long; HTTP/2 has no such field (RFC 9113 §8.2.2).
      if (request.raw.httpVersionMajor === 2) reply.removeHeader('connection')
      return sendProblem(
        reply,
        problemFor(error, (cause) => request.log.error(cause)),
      )
    })
    for (const transport of options.transports) {
      await transport.mount(scope, {
        hub: options.hub,
        guard: options.guard,
        heartbeatMs: options.heartbeatMs,
        upgrade: (suffix, handler) => upgrades.set(suffix, handler),
        quick: (answer) => quick.push(answer),
      })
    }
  })
  answerFirst(app, quick)
  const onUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    // The socket is ours from here on, and nobody else listens to its errors.
    socket.on('error', () => socket.destroy())
    dispatchUpgrade(upgrades, options.guard, request, socket, head)
  }
  app.server.on('upgrade', onUpgrade)
  app.addHook('onClose', () => {
    app.server.off('upgrade', onUpgrade)
  })
}

/** Puts the quick answers before the router. */
function answerFirst(app: FastifyInstance, quick: readonly QuickAnswer[]): void {
  const routers = app.server.listeners('request')
  app.server.removeAllListeners('request')
  app.server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    for (const answer of quick) if (answer(request, response)) return
    for (const router of routers) router.call(app.server, request, response)
  })
}

/** HTTP/2 names the host in a pseudo-header (RFC 9113 §8.3.1). */
function authorityOf(request: { headers: object }): string | undefined {
  const { ':authority': authority } = request.headers as { ':authority'?: string }
  return authority
}

const socketPath = /^\/rooms\/([^/?#]*)\/([a-z0-9-]+)(?:\?(.*))?$/

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
  const [, room = '', suffix = '', search = ''] = socketPath.exec(request.url ?? '') ?? []
  const handler = upgrades.get(suffix)
  const wrongRoom = roomProblem(room)
  if (handler === undefined) refuseUpgrade(socket, problem('not-found', 'Nothing here speaks WebSocket.'))
  else if (wrongRoom !== null) refuseUpgrade(socket, problem('bad-room', wrongRoom))
  else handler({ request, socket, head, room, query: new URLSearchParams(search) })
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

/** The problem that stands for whatever was thrown. What nobody foresaw is told to `log`, and the client learns no details. */
export function problemFor(error: unknown, log: (error: unknown) => void): Problem {
  if (error instanceof ProblemError) return error.problem
  const { code, statusCode, message } = error as { code?: string; statusCode?: number; message?: string }
  if (code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE')
    return problem('unsupported-media-type', 'Send it as application/json.')
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE')
    return problem('too-large', 'The body is longer than a message can be.')
  if (statusCode === 429) return problem('too-many-requests', message ?? 'Wait a moment.')
  if (statusCode === 503)
    return problem('overloaded', message ?? 'Try again in a moment.', { retryAfterMs: 1000 })
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500) {
    return problem('bad-request', message ?? 'The request cannot be understood.')
  }
  log(error)
  return problem('internal', 'The server failed on this request. It goes on serving others.')
}
