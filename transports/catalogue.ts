// How each transport is called, explained and coloured: one place for the page, the bench and its reports. Pure data.
import { auto, type TransportName } from './contract.ts'

/** A hue for light and for dark surfaces. Both keep 3:1 or more on every surface of the page. */
export interface Hue {
  readonly light: string
  readonly dark: string
}

/**
 * Okabe and Ito's set with lightnesses of its own, so that any two of the eight stay apart for every kind of sight, and each from
 * the surfaces (`client/hues.test.ts` computes both). A colour is never the only sign: the title stands beside it.
 */
export const hues = {
  orange: { light: '#985b00', dark: '#eaa300' },
  green: { light: '#027e5a', dark: '#3bb499' },
  blue: { light: '#0082c8', dark: '#0681d1' },
  vermillion: { light: '#8a3300', dark: '#d85e16' },
  purple: { light: '#b15d94', dark: '#9c597e' },
  yellow: { light: '#93881e', dark: '#f4e54b' },
  indigo: { light: '#5247b4', dark: '#a8a3ff' },
  ink: { light: '#34393e', dark: '#c2d3e3' },
  grey: { light: '#6b7076', dark: '#8e959c' },
} as const satisfies Record<string, Hue>

/** Who may speak when. `pull`: the client asks. `push`: the server speaks by itself, one way. `both`: so does the client, on the same link. `library`: what a team would install. */
export type TransportGroup = 'pull' | 'push' | 'both' | 'library'

export const groupTitles: Readonly<Record<TransportGroup, string>> = {
  pull: 'Pull',
  push: 'Push, one way',
  both: 'Both ways',
  library: 'Libraries',
}

/**
 * What a link is while nothing happens. `asks`: nothing, it will ask. `parks`: a request that waits for its answer. `stays`: a response or a
 * connection that stays open.
 */
export type LinkHabit = 'asks' | 'parks' | 'stays'

export interface CatalogueEntry {
  readonly name: TransportName
  readonly title: string
  /** The title where there is little room, or where the full one has stood already. */
  readonly short: string
  /** How it works, in one line. */
  readonly how: string
  /** What it costs, in one line. */
  readonly cost: string
  /** When it is the right one, in one line. */
  readonly when: string
  /** What must be said wherever the title stands first; null when it explains itself. */
  readonly note: string | null
  readonly group: TransportGroup
  readonly link: LinkHabit
  /** Whether a page that is slow holds the server back. Where it doesn't, what it does not take in time piles up in its tab (R39). */
  readonly pushesBack: boolean
  readonly hue: Hue
}

/** In the order in which they are shown. */
export const catalogue: readonly CatalogueEntry[] = [
  {
    name: 'polling',
    title: 'Polling',
    short: 'Polling',
    how: 'Asks, waits, asks again.',
    cost: 'Half an interval of delay, and a request each time, whether there is news or not.',
    when: 'News may be seconds old, readers come and go, and caches and proxies must just work.',
    note: null,
    group: 'pull',
    link: 'asks',
    pushesBack: true,
    hue: hues.orange,
  },
  {
    name: 'long-polling',
    title: 'Long polling',
    short: 'Long polling',
    how: 'Asks, and the server answers when there is something.',
    cost: 'A request for each piece of news; over HTTP/1.1 one of six connections.',
    when: 'Push is needed, and something on the way lets only short, whole answers through.',
    note: null,
    group: 'pull',
    link: 'parks',
    pushesBack: true,
    hue: hues.vermillion,
  },
  {
    name: 'server-sent-events',
    title: 'Server-sent events',
    short: 'SSE',
    how: 'A response kept open, which the browser resumes by itself.',
    cost: 'Over HTTP/1.1 one of six connections a browser; sends are requests of their own.',
    when: 'The server does most of the talking, and little code should be needed.',
    note: null,
    group: 'push',
    link: 'stays',
    pushesBack: false,
    hue: hues.yellow,
  },
  {
    name: 'http2-push',
    title: 'HTTP/2 push',
    short: 'HTTP/2 push',
    how: 'A response kept open over HTTP/2; not PUSH_PROMISE.',
    cost: 'A stream of the one connection that all tabs share; it needs TLS.',
    when: 'You own both ends, and want push with back-pressure over plain HTTP semantics.',
    note: 'HTTP/2 push is a response that the server keeps open. It is not PUSH_PROMISE, which browsers have removed.',
    group: 'push',
    link: 'stays',
    pushesBack: true,
    hue: hues.green,
  },
  {
    name: 'websocket',
    title: 'WebSocket (by hand)',
    short: 'WebSocket',
    how: 'One connection, frames in both directions.',
    cost: 'The fewest bytes and the least CPU a message; a connection for each tab.',
    when: 'Both sides talk often, and latency counts.',
    note: null,
    group: 'both',
    link: 'stays',
    pushesBack: false,
    hue: hues.blue,
  },
  {
    name: 'websocket-h2',
    title: 'WebSocket over HTTP/2',
    short: 'WebSocket (h2)',
    how: 'The same frames, on one stream of HTTP/2.',
    cost: 'A stream in place of a connection for each tab; more CPU a frame; few proxies pass it on.',
    when: 'Many tabs or sockets share one origin, and you own all that stands between.',
    note: 'RFC 8441: an extended CONNECT opens a stream that carries the frames. Tabs share the connection; it has a port of its own.',
    group: 'both',
    link: 'stays',
    pushesBack: false,
    hue: hues.purple,
  },
  {
    name: 'ws-library',
    title: 'WebSocket (ws library)',
    short: 'ws',
    how: 'The same wire, its server half by the library ws.',
    cost: 'A frame is made for each reader, where the hand-built one shares it.',
    when: 'You want what most Node servers run, and the numbers beside it allow it.',
    note: null,
    group: 'library',
    link: 'stays',
    pushesBack: false,
    hue: hues.indigo,
  },
  {
    name: 'socket-io',
    title: 'Socket.IO',
    short: 'Socket.IO',
    how: 'Long polling first, then a WebSocket, by itself.',
    cost: 'Several round trips to open, a protocol of its own, 13 kB in the page.',
    when: 'A team wants rooms, acknowledgements and fallbacks today, and both ends are its own.',
    note: null,
    group: 'library',
    link: 'stays',
    pushesBack: false,
    hue: hues.ink,
  },
]

/** The ladder over them. It is no transport: a session goes by the best of them that works. */
export const autoEntry: CatalogueEntry = {
  name: auto,
  title: 'Auto',
  short: 'Auto',
  how: 'The best that works here; climbs when a better one does.',
  cost: 'What the transport in use costs; where the best is blocked, a second attempt beside it.',
  when: 'Always, unless you are here to compare.',
  note: null,
  group: 'both',
  link: 'stays',
  pushesBack: false,
  hue: hues.grey,
}

/** In which order the ladder tries, the best first. The others speak the same wire as one of these, or need what few networks let through. */
export const ladder: readonly TransportName[] = [
  'websocket',
  'http2-push',
  'server-sent-events',
  'long-polling',
  'polling',
]

/** The entry of a transport, or of the ladder; one that the catalogue does not know gets its own name and a neutral hue. */
export function describeTransport(name: TransportName): CatalogueEntry {
  if (name === auto) return autoEntry
  const found = catalogue.find((entry) => entry.name === name)
  return found ?? { ...autoEntry, name, title: name, short: name, how: '', cost: '', when: '' }
}
