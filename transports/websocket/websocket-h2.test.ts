// The hand-built WebSocket under the contract's suite, over extended CONNECT on HTTP/2 (RFC 8441).
import { contractSuite } from '../contract.suite.ts'
import { WebSocketTransport } from '../socket-client.ts'
import { Http2Dialer } from './dial-http2.node.ts'
import { NodeWebSocket } from './node-websocket.node.ts'
import { webSocketHttp2Server } from './over-http2.server.ts'

contractSuite('WebSocket over HTTP/2', {
  server: webSocketHttp2Server,
  client: (lab) => {
    const dialer = new Http2Dialer({ connection: { ca: lab.certificate } })
    return new WebSocketTransport({
      WebSocket: class extends NodeWebSocket {
        constructor(url: string, protocols: string[]) {
          super(url, protocols, { dial: (address, options) => dialer.dial(address, options) })
        }
      },
      http2: { prepare: (base) => Promise.resolve(base) },
    })
  },
  base: (lab) => lab.h2WebSocket,
  negotiated: { protocol: 'h2', tls: true, subprotocol: 'json', extensions: [] },
  staysOpen: true,
})
