// Every transport's client half for Node, on connections of its own: what a test, a bench or a bot hands to a session.
import type { SecureClientSessionOptions } from 'node:http2'
import type { ClientTransport } from './contract.ts'
import { nodeFetch } from './fetch.node.ts'
import type { Fetch } from './http.client.ts'
import { Http2PushTransport } from './http2-push/client.ts'
import { LongPollingTransport } from './long-polling/client.ts'
import { PollingTransport } from './polling/client.ts'
import { ServerSentEventsTransport } from './server-sent-events/client.ts'
import { eventSourceOver } from './server-sent-events/fetch-event-source.ts'
import { WebSocketTransport } from './socket-client.ts'
import { SocketIoTransport } from './socket-io/client.ts'
import { loadSocketIo } from './socket-io/library.ts'
import { Http2Dialer } from './websocket/dial-http2.node.ts'
import { http2Port } from './websocket/http2-port.ts'
import { NodeWebSocket } from './websocket/node-websocket.node.ts'

export interface NodeTransportsOptions {
  /** A certificate, or an authority's, in PEM, that alone is trusted. Without it: those that Node trusts. */
  readonly certificate?: string
  /** Of polling, in ms: 100 to 30,000. */
  readonly intervalMs: number
  /** How long a long poll asks to be held, in seconds: 1 to 30. */
  readonly longPollSeconds?: number
  /** Where WebSockets over HTTP/2 are served; without it the server is asked, at each opening. */
  readonly h2WebSocketUrl?: URL
}

export interface NodeTransports {
  /** In the order of the catalogue. */
  readonly all: readonly ClientTransport[]
  readonly polling: PollingTransport
  /** Speaks HTTP/2 with https: addresses, over the connection that polls, streams and sends share. */
  readonly fetch: Fetch
  /** Cuts the connections of `fetch`; links that are open end as for a broken network. */
  close(): void
}

/** Makes a set. People who are to fail apart need a set each: within one, HTTP/2 connections are shared, as in a browser. */
export function nodeTransports(options: NodeTransportsOptions): NodeTransports {
  const { certificate, intervalMs, longPollSeconds, h2WebSocketUrl } = options
  const tls: SecureClientSessionOptions = certificate === undefined ? {} : { ca: certificate }
  const client = nodeFetch(tls)
  const dialer = new Http2Dialer({ connection: tls })
  class TrustingWebSocket extends NodeWebSocket {
    constructor(url: string, protocols: string[]) {
      super(url, protocols, { tls })
    }
  }
  class WebSocketOverHttp2 extends NodeWebSocket {
    constructor(url: string, protocols: string[]) {
      super(url, protocols, { dial: (address, dialOptions) => dialer.dial(address, dialOptions) })
    }
  }
  const http2 =
    h2WebSocketUrl === undefined
      ? http2Port(client.fetch)
      : { prepare: () => Promise.resolve(h2WebSocketUrl) }
  const polling = new PollingTransport({ fetch: client.fetch, intervalMs })
  return {
    all: [
      polling,
      new LongPollingTransport({
        fetch: client.fetch,
        ...(longPollSeconds === undefined ? {} : { waitSeconds: longPollSeconds }),
      }),
      new ServerSentEventsTransport({
        EventSource: eventSourceOver({ fetch: client.fetch }),
        fetch: client.fetch,
      }),
      new Http2PushTransport({ fetch: client.fetch }),
      new WebSocketTransport({ WebSocket: TrustingWebSocket }),
      new WebSocketTransport({ WebSocket: WebSocketOverHttp2, http2 }),
      new WebSocketTransport({ WebSocket: TrustingWebSocket, server: 'ws-library' }),
      new SocketIoTransport({
        load: loadSocketIo,
        options: () => (certificate === undefined ? {} : { ca: certificate }),
      }),
    ],
    polling,
    fetch: client.fetch,
    close: () => client.close(),
  }
}
