// How each transport is called, explained and coloured: one place for the page, the bench and its reports. Pure data.
import type { TransportName } from './contract.ts'

/** A hue for light and for dark surfaces. Both keep 3:1 or more on every surface of the page. */
export interface Hue {
  readonly light: string
  readonly dark: string
}

/**
 * Okabe and Ito's set, which stays apart for colour-blind readers: darkened where the original falls below 3:1 on white,
 * lightened where it would on black. A colour is never the only sign: the title stands beside it.
 */
export const hues = {
  orange: { light: '#b37400', dark: '#e69f00' },
  green: { light: '#00875f', dark: '#2bb98d' },
  blue: { light: '#0072b2', dark: '#56a9e0' },
  vermillion: { light: '#c45200', dark: '#e8763a' },
  purple: { light: '#a8578b', dark: '#cc79a7' },
  grey: { light: '#6b7076', dark: '#8e959c' },
} as const satisfies Record<string, Hue>

/** `ask`: the client asks again and again. `push`: the server speaks when there is something. */
export type TransportGroup = 'ask' | 'push'

export interface CatalogueEntry {
  readonly name: TransportName
  readonly title: string
  /** The title where there is little room, or where the full one has stood already. */
  readonly short: string
  /** How it works, in one line. */
  readonly how: string
  /** What must be said wherever the title stands first; null when it explains itself. */
  readonly note: string | null
  readonly group: TransportGroup
  readonly hue: Hue
}

/** In the order in which they are shown. */
export const catalogue: readonly CatalogueEntry[] = [
  {
    name: 'polling',
    title: 'Polling',
    short: 'Polling',
    how: 'Asks, waits, asks again.',
    note: null,
    group: 'ask',
    hue: hues.orange,
  },
  {
    name: 'http2-push',
    title: 'HTTP/2 push',
    short: 'HTTP/2 push',
    how: 'A response kept open over HTTP/2; not PUSH_PROMISE.',
    note: 'HTTP/2 push is a response that the server keeps open. It is not PUSH_PROMISE, which browsers have removed.',
    group: 'push',
    hue: hues.green,
  },
  {
    name: 'websocket',
    title: 'WebSocket (by hand)',
    short: 'WebSocket',
    how: 'One connection, frames in both directions.',
    note: null,
    group: 'push',
    hue: hues.blue,
  },
  {
    name: 'websocket-h2',
    title: 'WebSocket over HTTP/2',
    short: 'WebSocket (h2)',
    how: 'The same frames on one stream of an HTTP/2 connection.',
    note: 'RFC 8441: an extended CONNECT opens a stream that carries the frames. Tabs share the connection; it has a port of its own.',
    group: 'push',
    hue: hues.purple,
  },
]

/** The entry of a transport; one that the catalogue does not know gets its own name and a neutral hue. */
export function describeTransport(name: TransportName): CatalogueEntry {
  const found = catalogue.find((entry) => entry.name === name)
  return found ?? { name, title: name, short: name, how: '', note: null, group: 'push', hue: hues.grey }
}
