// Server-sent events under the contract's suite, over both versions of HTTP.
import { contractSuite } from '../contract.suite.ts'
import type { Lab } from '../lab.harness.ts'
import { pollingServer } from '../polling/server.ts'
import { ServerSentEventsTransport } from './client.ts'
import { eventSourceOver } from './fetch-event-source.ts'
import { serverSentEventsServer } from './server.ts'

const client = ({ fetch }: Lab) =>
  new ServerSentEventsTransport({ EventSource: eventSourceOver({ fetch }), fetch })

contractSuite('server-sent events over HTTP/1.1', {
  server: serverSentEventsServer,
  also: [pollingServer],
  client,
  base: (lab) => lab.http,
  negotiated: { protocol: 'http/1.1', tls: false, subprotocol: null, extensions: [] },
  staysOpen: true,
})

contractSuite('server-sent events over HTTP/2', {
  server: serverSentEventsServer,
  also: [pollingServer],
  client,
  base: (lab) => lab.https,
  negotiated: { protocol: 'h2', tls: true, subprotocol: null, extensions: [] },
  staysOpen: true,
})
