// WebSocket by the library ws, server half: the same wire as the hand-built one's, framed by what most Node servers run.
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { WebSocketServer } from 'ws'
import { refuseUpgrade } from '../before-router.server.ts'
import type { MountContext, ServerTransport, UpgradeHandler } from '../contract.server.ts'
import { serverLimits } from '../limits.ts'
import { problem } from '../problem.ts'
import { problemFor } from '../request.server.ts'
import { jsonSubprotocol } from '../socket-documents.ts'
import { type Care, longestDocumentBytes, SocketSubscriber, takeCare } from '../socket-subscriber.server.ts'
import { refuseWithoutUpgrade } from '../socket-upgrade.server.ts'
import { documentPayload, LibrarySocket } from './library-socket.server.ts'

const address = 'socket-library'

export const wsLibraryServer: ServerTransport = {
  name: 'ws-library',
  mount(app, context) {
    const care = takeCare(app, context, documentPayload)
    context.upgrade(
      address,
      upgrade(context, care, (error) => app.log.error(error)),
    )
    refuseWithoutUpgrade(app, context.hub, address, 'Open this address as a WebSocket.')
  },
}

/** The library's settings. `closeTimeout`, in ms, is not in its types yet. */
const settings = {
  noServer: true,
  perMessageDeflate: false,
  maxPayload: longestDocumentBytes,
  clientTracking: false,
  closeTimeout: serverLimits.goodbyeDeadlineMs,
  handleProtocols: (offered: Set<string>) => offered.has(jsonSubprotocol) && jsonSubprotocol,
} as const

function upgrade(context: MountContext, care: Care, log: (error: unknown) => void): UpgradeHandler {
  // The library checks a handshake, asks and answers within one call: there is never more than one under way.
  let enter: () => void = () => undefined
  const library = new WebSocketServer({
    ...settings,
    // Called between the checks and the 101. All that can be refused is refused there.
    verifyClient: ({ req: request }, accept) => {
      // The library takes version 8 too, whose clients name their origin in another field, past the guard (R23).
      if (request.headers['sec-websocket-version'] !== '13') {
        refuseHandshake(request.socket, request, 'the WebSocket version is 13')
        return
      }
      try {
        enter()
      } catch (error) {
        refuseUpgrade(request.socket, problemFor(error, log))
        return
      }
      accept(true)
    },
  })
  library.on('wsClientError', ({ message }, duplex, request) => refuseHandshake(duplex, request, message))
  return ({ request, socket: duplex, head, room, query }) => {
    const subscriber = new SocketSubscriber(context, room, log)
    enter = () => subscriber.enter(query, request.headers.origin)
    let opened = false
    library.handleUpgrade(request, duplex, head, (socket) => {
      opened = true
      const tls = (duplex as { encrypted?: boolean }).encrypted === true
      subscriber.begin(new LibrarySocket(socket, duplex, subscriber), care, 'ws-library', {
        protocol: 'http/1.1',
        tls,
      })
    })
    // Refused, or its connection has ended since: it keeps no place.
    if (!opened) subscriber.gone()
  }
}

/** A handshake that is wrong; RFC 6455 §4.4 has the version named that is spoken here. */
function refuseHandshake(duplex: Duplex, { headers }: IncomingMessage, detail: string): void {
  const name = headers['sec-websocket-version'] === '13' ? 'bad-request' : 'upgrade-required'
  refuseUpgrade(duplex, problem(name, `It opens no WebSocket: ${detail}.`), { 'Sec-WebSocket-Version': '13' })
}
