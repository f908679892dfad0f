// WebSocket, server half: turns the hand-built sockets into subscribers of the hub.
import type { FastifyInstance } from 'fastify'
import { refuseUpgrade } from '../before-router.server.ts'
import type { Hub, MountContext, ServerTransport, UpgradeHandler } from '../contract.server.ts'
import { problem } from '../problem.ts'
import { problemFor, sendProblem } from '../request.server.ts'
import type { Acceptor } from './accept.node.ts'
import { checkRequest, isRefusal } from './protocol/handshake.ts'
import { type Care, createAcceptor, SocketSubscriber, takeCare } from './subscriber.server.ts'

export const webSocketServer: ServerTransport = {
  name: 'websocket',
  mount(app, context) {
    const care = takeCare(app, context)
    context.upgrade(
      'socket',
      upgrade(context, createAcceptor(), care, (error) => app.log.error(error)),
    )
    refuseWithoutUpgrade(app, context.hub, 'Open this address as a WebSocket.')
  },
}

/** A plain request to the socket's address (RFC 9110 §15.5.22). */
export function refuseWithoutUpgrade(app: FastifyInstance, hub: Hub, detail: string): void {
  app.get('/rooms/:room/socket', { exposeHeadRoute: false }, (request, reply) => {
    // Whoever asks may be a browser's page that wants to know why its handshake was refused.
    hub.assertServing()
    reply.header('sec-websocket-version', '13')
    // HTTP/2 has no upgrades, and no such field (RFC 9113 §8.2.2): Node throws on it, and nobody would catch that.
    if (request.raw.httpVersionMajor === 1) reply.header('upgrade', 'websocket')
    return sendProblem(reply, problem('upgrade-required', detail))
  })
}

function upgrade(
  context: MountContext,
  acceptor: Acceptor<SocketSubscriber>,
  care: Care,
  log: (error: unknown) => void,
): UpgradeHandler {
  return ({ request, socket: duplex, head, room, query }) => {
    // All that can be refused is refused before the 101, and a handshake that is wrong before it takes over from a link.
    const handshake = checkRequest({
      method: request.method ?? '',
      httpVersion: request.httpVersion,
      headers: request.headers,
    })
    if (isRefusal(handshake)) {
      acceptor.refuse(duplex, handshake)
      return
    }
    const subscriber = new SocketSubscriber(context, room, log)
    try {
      subscriber.enter(query, request.headers.origin)
    } catch (error) {
      refuseUpgrade(duplex, problemFor(error, log))
      return
    }
    const tls = (duplex as { encrypted?: boolean }).encrypted === true
    subscriber.begin(acceptor.open(duplex, handshake, head, subscriber), care, 'websocket', {
      protocol: 'http/1.1',
      tls,
    })
  }
}
