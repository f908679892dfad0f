// Polling under the contract's suite, and what is its own: 304, intervals, pauses.
import { contractSuite } from '../contract.suite.ts'
import { PollingTransport } from './client.ts'
import { pollingServer } from './server.ts'

contractSuite('polling over HTTP/1.1', {
  server: pollingServer,
  client: (lab) => new PollingTransport({ fetch: lab.fetch, intervalMs: 100 }),
  base: (lab) => lab.http,
  negotiated: { protocol: 'http/1.1', tls: false, subprotocol: null, extensions: [] },
  staysOpen: false,
})

contractSuite('polling over HTTP/2', {
  server: pollingServer,
  client: (lab) => new PollingTransport({ fetch: lab.fetch, intervalMs: 100 }),
  base: (lab) => lab.https,
  negotiated: { protocol: 'h2', tls: true, subprotocol: null, extensions: [] },
  staysOpen: false,
})
