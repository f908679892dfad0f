// What every server half of a WebSocket answers to a plain request at its address.
import type { FastifyInstance } from 'fastify'
import type { Hub } from './contract.server.ts'
import { problem } from './problem.ts'
import { sendProblem } from './request.server.ts'

/** Answers a plain request to `/rooms/:room/<suffix>` with 426 (RFC 9110 §15.5.22). */
export function refuseWithoutUpgrade(app: FastifyInstance, hub: Hub, suffix: string, detail: string): void {
  app.get(`/rooms/:room/${suffix}`, { exposeHeadRoute: false }, (request, reply) => {
    // Whoever asks may be a browser's page that wants to know why its handshake was refused.
    hub.assertServing()
    reply.header('sec-websocket-version', '13')
    // HTTP/2 has no upgrades, and no such field (RFC 9113 §8.2.2): Node throws on it, and nobody would catch that.
    if (request.raw.httpVersionMajor === 1) reply.header('upgrade', 'websocket')
    return sendProblem(reply, problem('upgrade-required', detail))
  })
}
