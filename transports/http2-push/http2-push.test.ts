// HTTP/2 push under the contract's suite.
import { contractSuite } from '../contract.suite.ts'
import { pollingServer } from '../polling/server.ts'
import { Http2PushTransport } from './client.ts'
import { http2PushServer } from './server.ts'

contractSuite('HTTP/2 push', {
  server: http2PushServer,
  also: [pollingServer],
  client: (lab) => new Http2PushTransport({ fetch: lab.fetch }),
  base: (lab) => lab.https,
  negotiated: { protocol: 'h2', tls: true, subprotocol: null, extensions: [] },
  staysOpen: true,
})
