// WebSocket over HTTP/2 (RFC 8441), server half: the same sockets and subscribers, on the streams of extended CONNECTs.
import { refuseConnect } from '../before-router.server.ts'
import type { ConnectHandler, MountContext, ServerTransport, UpgradeHandler } from '../contract.server.ts'
import type { Closed } from '../contract.ts'
import { problem } from '../problem.ts'
import { closeCodes, jsonSubprotocol } from '../socket-documents.ts'
import { type Care, SocketSubscriber, takeCare } from '../socket-subscriber.server.ts'
import { refuseWithoutUpgrade } from '../socket-upgrade.server.ts'
import { encodeDocument } from '../wire.ts'
import { Acceptor } from './accept.node.ts'
import { createAcceptor, documentFrame, HandBuiltSocket } from './hand-built.server.ts'
import { checkConnect } from './protocol/extended-connect.ts'
import { isRefusal } from './protocol/handshake.ts'

const onlyOverHttp2 = 'This port speaks WebSocket over HTTP/2 alone (RFC 8441).'

export const webSocketHttp2Server: ServerTransport = {
  name: 'websocket-h2',
  byExtendedConnect: true,
  mount(app, context) {
    const log = (error: unknown): void => app.log.error(error)
    context.connect('socket', connect(context, createAcceptor(), takeCare(app, context, documentFrame), log))
    context.upgrade('socket', explain)
    refuseWithoutUpgrade(
      app,
      context.hub,
      'socket',
      `${onlyOverHttp2} Open this address with an extended CONNECT.`,
    )
  },
}

function connect(
  context: MountContext,
  acceptor: Acceptor<SocketSubscriber>,
  care: Care,
  log: (error: unknown) => void,
): ConnectHandler {
  return ({ stream, headers, room, query }) => {
    const tls = stream.session?.encrypted === true
    const offers = checkConnect({ headers, scheme: tls ? 'https' : 'http', ended: stream.endAfterHeaders })
    if (isRefusal(offers)) {
      const name = offers.status === 501 ? 'not-implemented' : 'bad-request'
      refuseConnect(stream, problem(name, `It opens no WebSocket: ${offers.detail}.`), offers.headers)
      return
    }
    const subscriber = new SocketSubscriber(context, room, log)
    subscriber.enter(query, headers.origin)
    try {
      const socket = new HandBuiltSocket(acceptor.connect(stream, offers, subscriber))
      subscriber.begin(socket, care, 'websocket-h2', { protocol: 'h2', tls })
    } catch (error) {
      subscriber.gone()
      throw error
    }
  }
}

/**
 * An upgrade over HTTP/1.1 is opened, told why it can't stay, and closed, before it takes a place: a browser tells a page nothing
 * of an answer other than 101, and one that has no HTTP/2 connection to this port asks in this way (decisions/0011).
 */
const explain: UpgradeHandler = ({ request, socket: duplex, head }) => {
  const socket = explaining.upgrade(request, duplex, head, null)
  socket?.send(encodeDocument({ kind: 'goodbye', ...wrongProtocol }))
  socket?.close(closeCodes.policyViolation, wrongProtocol.detail)
}

const wrongProtocol: Closed = {
  cause: 'protocol',
  retry: true,
  detail: `${onlyOverHttp2} This one came over HTTP/1.1.`,
}

const explaining = new Acceptor<null>({
  handler: { message: () => undefined, closed: () => undefined },
  subprotocols: [jsonSubprotocol],
  limits: { maxMessageBytes: 1024 },
})
