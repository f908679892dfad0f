// The transports that the server offers: one table. A new one is one line here.
import type { ServerTransport } from '../transports/contract.server.ts'
import { http2PushServer } from '../transports/http2-push/server.ts'
import { longPollingServer } from '../transports/long-polling/server.ts'
import { pollingServer } from '../transports/polling/server.ts'
import { serverSentEventsServer } from '../transports/server-sent-events/server.ts'
import { socketIoServer } from '../transports/socket-io/server.ts'
import { webSocketHttp2Server } from '../transports/websocket/over-http2.server.ts'
import { webSocketServer } from '../transports/websocket/server.ts'

export const serverTransports: readonly ServerTransport[] = [
  pollingServer,
  longPollingServer,
  serverSentEventsServer,
  http2PushServer,
  webSocketServer,
  webSocketHttp2Server,
  socketIoServer,
]
