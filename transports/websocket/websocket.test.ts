// The hand-built WebSocket under the contract's suite, over HTTP/1.1 upgrades on both ports.
import { contractSuite } from '../contract.suite.ts'
import { WebSocketTransport } from '../socket-client.ts'
import { NodeWebSocket } from './node-websocket.node.ts'
import { webSocketServer } from './server.ts'

contractSuite('WebSocket', {
  server: webSocketServer,
  client: () => new WebSocketTransport({ WebSocket: NodeWebSocket }),
  base: (lab) => lab.http,
  negotiated: { protocol: 'http/1.1', tls: false, subprotocol: 'json', extensions: [] },
  staysOpen: true,
})
