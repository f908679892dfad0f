// Long polling under the contract's suite, over both versions of HTTP.
import { contractSuite } from '../contract.suite.ts'
import { pollingServer } from '../polling/server.ts'
import { LongPollingTransport } from './client.ts'
import { longPollingServer } from './server.ts'

contractSuite('long polling over HTTP/1.1', {
  server: longPollingServer,
  also: [pollingServer],
  client: (lab) => new LongPollingTransport({ fetch: lab.fetch }),
  base: (lab) => lab.http,
  negotiated: { protocol: 'http/1.1', tls: false, subprotocol: null, extensions: [] },
  staysOpen: false,
})

contractSuite('long polling over HTTP/2', {
  server: longPollingServer,
  also: [pollingServer],
  client: (lab) => new LongPollingTransport({ fetch: lab.fetch }),
  base: (lab) => lab.https,
  negotiated: { protocol: 'h2', tls: true, subprotocol: null, extensions: [] },
  staysOpen: false,
})
