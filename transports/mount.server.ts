// Puts server transports on a Fastify application: one scope with the checks that all of them share, and the dispatch of upgrades.
import type { FastifyInstance } from 'fastify'
import { hostOf, type Taken, takeBeforeRouter } from './before-router.server.ts'
import type { Guard, Hub, ServerTransport } from './contract.server.ts'
import { problem } from './problem.ts'
import { problemFor, sendProblem } from './request.server.ts'
import { roomProblem } from './text.ts'

export interface MountOptions {
  readonly hub: Hub
  readonly guard: Guard
  readonly transports: readonly ServerTransport[]
  readonly heartbeatMs: number
}

/**
 * Mounts the transports under `/rooms/`. Each request is checked for its origin and host (R23) and its room's name first.
 * What a transport takes before the router is taken here too, and a WebSocket to anything else is refused.
 */
export async function mountTransports(app: FastifyInstance, options: MountOptions): Promise<void> {
  const taken: Taken = { quick: [], streams: new Map(), upgrades: new Map(), connects: new Map() }
  await app.register(async (scope) => {
    // A draft is JSON and says so. A page of another site can send plain text without asking first, but not JSON.
    scope.removeContentTypeParser('text/plain')
    scope.addHook('onRequest', (request, reply, done) => {
      const refused = options.guard({
        host: hostOf(request.raw.headers),
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
        quick: (answer) => taken.quick.push(answer),
        stream: (suffix, accepts, handler) => {
          const here = taken.streams.get(suffix) ?? []
          taken.streams.set(suffix, [...here, { accepts, handler }])
        },
        upgrade: (suffix, handler) => taken.upgrades.set(suffix, handler),
        connect: (suffix, handler) => taken.connects.set(suffix, handler),
      })
    }
  })
  takeBeforeRouter(app, options.guard, taken)
}
