// The transports that the page offers: the client halves with the browser's own primitives put in, and what each lacks here.
import { autoEntry, type CatalogueEntry, catalogue } from '../transports/catalogue.ts'
import type { ClientTransport } from '../transports/contract.ts'
import { Http2PushTransport } from '../transports/http2-push/client.ts'
import { LongPollingTransport } from '../transports/long-polling/client.ts'
import { PollingTransport, type Visibility } from '../transports/polling/client.ts'
import { ServerSentEventsTransport } from '../transports/server-sent-events/client.ts'
import { WebSocketTransport } from '../transports/socket-client.ts'
import { SocketIoTransport } from '../transports/socket-io/client.ts'
import { loadSocketIo } from '../transports/socket-io/library.ts'
import { http2InBrowser } from '../transports/websocket/http2-port.ts'

/** One set of transports; a session has a set of its own, as the polling interval belongs to it. */
export interface TransportSet {
  readonly all: readonly ClientTransport[]
  readonly polling: PollingTransport
}

export function makeTransports(intervalMs: number, pauseWhenHidden: boolean): TransportSet {
  const fetch = globalThis.fetch.bind(globalThis)
  const polling = new PollingTransport({ fetch, intervalMs, visibility: pageVisibility })
  polling.pauseWhenHidden = pauseWhenHidden
  return {
    polling,
    all: [
      polling,
      new LongPollingTransport({ fetch }),
      new ServerSentEventsTransport({ EventSource, fetch }),
      new Http2PushTransport({ fetch }),
      new WebSocketTransport({ WebSocket, fetch }),
      new WebSocketTransport({ WebSocket, http2: http2InBrowser(fetch) }),
      new SocketIoTransport({ load: loadSocketIo }),
    ],
  }
}

const pageVisibility: Visibility = {
  hidden: () => document.hidden,
  changed(callback) {
    document.addEventListener('visibilitychange', callback)
    return () => document.removeEventListener('visibilitychange', callback)
  },
}

/** A transport, or the ladder over them, as a row of the switch. */
export interface Offer {
  readonly entry: CatalogueEntry
  /** Why it can't run here, in sentences; empty when it can. */
  readonly missing: readonly string[]
}

/** The ladder first, then the transports as the catalogue has them. */
export function makeOffers(transports: readonly ClientTransport[], base: URL): readonly Offer[] {
  const offers = catalogue.flatMap((entry) => {
    const transport = transports.find(({ name }) => name === entry.name)
    return transport === undefined ? [] : [{ entry, missing: transport.missing(base) }]
  })
  return [{ entry: autoEntry, missing: [] }, ...offers]
}
