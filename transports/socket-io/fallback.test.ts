// Socket.IO under the contract's suite where its WebSocket is refused, so that it stays with polling: the library's own fallback.
import { refuseUpgrade } from '../before-router.server.ts'
import type { ServerTransport } from '../contract.server.ts'
import { contractSuite } from '../contract.suite.ts'
import { problem } from '../problem.ts'
import { SocketIoTransport } from './client.ts'
import { loadSocketIo } from './library.ts'
import { socketIoServer } from './server.ts'

const refusing: ServerTransport = {
  name: 'socket-io',
  mount(app, context) {
    return socketIoServer.mount(app, {
      ...context,
      upgrade: (suffix) =>
        context.upgrade(suffix, ({ socket }) => refuseUpgrade(socket, problem('not-found', 'Not here.'))),
    })
  },
}

contractSuite('Socket.IO where WebSockets are refused', {
  server: refusing,
  client: () => new SocketIoTransport({ load: loadSocketIo }),
  base: (lab) => lab.http,
  negotiated: { protocol: 'http/1.1', tls: false, subprotocol: null, extensions: ['engine.io polling'] },
  staysOpen: true,
})
