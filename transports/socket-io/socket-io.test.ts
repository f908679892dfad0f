// Socket.IO under the contract's suite: as it comes, over TLS, and where nothing lets its WebSocket through.
import { contractSuite } from '../contract.suite.ts'
import { SocketIoTransport } from './client.ts'
import { loadSocketIo } from './library.ts'
import { socketIoServer } from './server.ts'

const upgraded = ['engine.io websocket']

contractSuite('Socket.IO', {
  server: socketIoServer,
  client: () => new SocketIoTransport({ load: loadSocketIo }),
  base: (lab) => lab.http,
  negotiated: { protocol: 'http/1.1', tls: false, subprotocol: null, extensions: upgraded },
  staysOpen: true,
})

contractSuite('Socket.IO over TLS', {
  server: socketIoServer,
  client: (lab) => new SocketIoTransport({ load: loadSocketIo, options: () => ({ ca: lab.certificate }) }),
  base: (lab) => lab.https,
  negotiated: { protocol: 'http/1.1', tls: true, subprotocol: null, extensions: upgraded },
  staysOpen: true,
})
