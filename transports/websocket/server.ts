// WebSocket, server half: turns the hand-built sockets into subscribers of the hub.
import { refuseUpgrade } from '../before-router.server.ts'
import type { MountContext, ServerTransport, UpgradeHandler } from '../contract.server.ts'
import { problemFor } from '../request.server.ts'
import { type Care, SocketSubscriber, takeCare } from '../socket-subscriber.server.ts'
import { refuseWithoutUpgrade } from '../socket-upgrade.server.ts'
import type { Acceptor } from './accept.node.ts'
import { createAcceptor, documentFrame, HandBuiltSocket } from './hand-built.server.ts'
import { checkRequest, isRefusal } from './protocol/handshake.ts'

export const webSocketServer: ServerTransport = {
  name: 'websocket',
  mount(app, context) {
    const care = takeCare(app, context, documentFrame)
    context.upgrade(
      'socket',
      upgrade(context, createAcceptor(), care, (error) => app.log.error(error)),
    )
    refuseWithoutUpgrade(app, context.hub, 'socket', 'Open this address as a WebSocket.')
  },
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
    const socket = new HandBuiltSocket(acceptor.open(duplex, handshake, head, subscriber))
    subscriber.begin(socket, care, 'websocket', {
      protocol: 'http/1.1',
      tls,
    })
  }
}
