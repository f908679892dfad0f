// Which transport carries the room, beside the one that was asked for: what the bar, the switch and the figures name.
import { autoEntry, type CatalogueEntry, describeTransport } from '../transports/catalogue.ts'
import { auto, type TransportName } from '../transports/contract.ts'
import type { SessionState } from '../transports/session.state.ts'

/** The transport of the link that carries the session, not of one that is tried beside it; where none does, the one that is tried. */
export function transportInUse({ links, transport }: SessionState): TransportName {
  const carrying = links.find(({ phase }) => phase === 'live' || phase === 'catching-up')
  return carrying?.transport ?? transport
}

/** Its entry; the ladder's own, while that has found nothing yet. */
export function entryInUse(state: SessionState): CatalogueEntry {
  return state.wished === auto && state.phase !== 'open'
    ? autoEntry
    : describeTransport(transportInUse(state))
}

/** `WebSocket`; by the ladder `Auto · WebSocket`, and while it has found nothing yet `Auto`. */
export function inUseWords(state: SessionState): string {
  const { name, short } = entryInUse(state)
  return state.wished === auto && name !== auto ? `${autoEntry.short} · ${short}` : short
}
