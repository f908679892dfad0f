// The transports that the page offers: the client halves with the browser's own primitives put in, and what each lacks here.
import { type CatalogueEntry, describeTransport } from '../transports/catalogue.ts'
import type { ClientTransport, TransportName } from '../transports/contract.ts'
import { Http2PushTransport } from '../transports/http2-push/client.ts'
import { LongPollingTransport } from '../transports/long-polling/client.ts'
import { PollingTransport, type Visibility } from '../transports/polling/client.ts'
import { ServerSentEventsTransport } from '../transports/server-sent-events/client.ts'
import { WebSocketTransport } from '../transports/websocket/client.ts'
import { http2InBrowser } from '../transports/websocket/http2-port.ts'

/** One set of transports; a session has a set of its own, as the polling interval belongs to it. */
export interface TransportSet {
  readonly all: readonly ClientTransport[]
  readonly polling: PollingTransport
}

/** What may stand in for a transport that can't be used here, the best first (R32). */
const fallbackOrder: readonly TransportName[] = ['websocket', 'http2-push', 'polling']

/** The ones of the order that this browser and this address can run at all. */
export function fallbackFor(transports: TransportSet, base: URL): readonly TransportName[] {
  return fallbackOrder.filter((name) =>
    transports.all.some((one) => one.name === name && one.missing(base).length === 0),
  )
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

/** A transport as a row of the switch. */
export interface Offer {
  readonly entry: CatalogueEntry
  /** Why it can't run here, in sentences; empty when it can. */
  readonly missing: readonly string[]
}

export function makeOffers(transports: readonly ClientTransport[], base: URL): readonly Offer[] {
  return transports.map((transport) => ({
    entry: describeTransport(transport.name),
    missing: transport.missing(base),
  }))
}
