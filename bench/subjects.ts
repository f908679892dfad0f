// What is measured: one line a transport. A new transport is one more line in `table`.
import { Http2PushTransport } from '../transports/http2-push/client.ts'
import { LongPollingTransport } from '../transports/long-polling/client.ts'
import { PollingTransport } from '../transports/polling/client.ts'
import { ServerSentEventsTransport } from '../transports/server-sent-events/client.ts'
import { eventSourceOver } from '../transports/server-sent-events/fetch-event-source.ts'
import { WebSocketTransport } from '../transports/socket-client.ts'
import { SocketIoTransport } from '../transports/socket-io/client.ts'
import { loadSocketIo } from '../transports/socket-io/library.ts'
import { type Follow, type MakeClient, overLines, overTransport } from './load/follow.ts'
import type { SlowWay } from './load/slow-orders.ts'
import { askedOnce, type HttpVersion, socketUrlOf } from './load/sockets.ts'
import type { ServerKind } from './measurement.ts'
import type { Wire } from './model/wire.ts'

export interface Transport {
  readonly server: ServerKind
  /** How one who reads is made: a real client half, or whoever reads a control's lines. */
  readonly reader: MakeClient | Lines
  /** Where its links go beside the server's own address, as a relay has to stand before that too; null: nowhere. */
  readonly elsewhere: ((base: URL) => Promise<URL>) | null
  /** The ways in which a reader of it can stop: what `slow` measures. Parley's own only. */
  readonly stops: readonly SlowWay[]
  /** How its messages are framed: what the model of bytes goes by. */
  readonly wire: Wire
  /** What a link speaks over TLS and without; null where it cannot run. A link that says otherwise makes the run invalid (R11). */
  readonly secure: string
  readonly plain: string | null
  /** Asks again and again, in intervals that the scenario sets. */
  readonly polls: boolean
  /** Takes messages up the same link. */
  readonly sends: boolean
  /**
   * The transport that this is over HTTP/1.1, where a client would agree on HTTP/2: a row of its own. Without TLS both are the same,
   * and the other one's row stands for them.
   */
  readonly http1Of?: string
  readonly summary: string
}

/** A control without a client half: no session comes back over it. */
type Lines = 'lines'

const polling: MakeClient = ({ fetch, intervalMs, clock }) =>
  new PollingTransport({ fetch, intervalMs, clock })
const longPolling: MakeClient = ({ fetch }) => new LongPollingTransport({ fetch })
const events: MakeClient = ({ fetch }) =>
  new ServerSentEventsTransport({ EventSource: eventSourceOver({ fetch }), fetch })
const push: MakeClient = ({ fetch }) => new Http2PushTransport({ fetch })
const socket: MakeClient = ({ sockets }) => new WebSocketTransport({ WebSocket: sockets.webSocketClass() })
const socketOverHttp2: MakeClient = ({ sockets }) =>
  new WebSocketTransport({ WebSocket: sockets.http2WebSocketClass(), http2: askedOnce })
const librarySocket: MakeClient = ({ sockets }) =>
  new WebSocketTransport({ WebSocket: sockets.webSocketClass(), server: 'ws-library' })
const socketIo: MakeClient = ({ sockets }) =>
  new SocketIoTransport({ load: loadSocketIo, options: (base) => sockets.socketIoOptions(base) })

// biome-ignore format: one line each
export const table: Readonly<Record<string, Transport>> = {
  polling: { server: 'parley', reader: polling, elsewhere: null, stops: ['stopped', 'asks'], wire: 'poll', secure: 'h2, TLS', plain: 'http/1.1', polls: true, sends: true, summary: 'GET again and again, 304 when nothing is new' },
  'polling-http1': { server: 'parley', reader: polling, elsewhere: null, stops: ['stopped'], wire: 'poll', secure: 'http/1.1, TLS', plain: null, polls: true, sends: true, http1Of: 'polling', summary: 'the same over HTTP/1.1, where TLS would agree on HTTP/2' },
  'long-polling': { server: 'parley', reader: longPolling, elsewhere: null, stops: ['stopped'], wire: 'long-poll', secure: 'h2, TLS', plain: 'http/1.1', polls: false, sends: true, summary: 'GET that is answered when there is something, and the next one' },
  'long-polling-http1': { server: 'parley', reader: longPolling, elsewhere: null, stops: ['stopped'], wire: 'long-poll', secure: 'http/1.1, TLS', plain: null, polls: false, sends: true, http1Of: 'long-polling', summary: 'the same over HTTP/1.1' },
  'server-sent-events': { server: 'parley', reader: events, elsewhere: null, stops: ['stopped', 'unread'], wire: 'events', secure: 'h2, TLS', plain: 'http/1.1', polls: false, sends: true, summary: 'a response of text/event-stream that stays open' },
  'server-sent-events-http1': { server: 'parley', reader: events, elsewhere: null, stops: ['stopped'], wire: 'events', secure: 'http/1.1, TLS', plain: null, polls: false, sends: true, http1Of: 'server-sent-events', summary: 'the same over HTTP/1.1, in chunks' },
  'http2-push': { server: 'parley', reader: push, elsewhere: null, stops: ['stopped', 'unread'], wire: 'http2-stream', secure: 'h2, TLS', plain: null, polls: false, sends: true, summary: 'a response over HTTP/2 that stays open' },
  websocket: { server: 'parley', reader: socket, elsewhere: null, stops: ['stopped'], wire: 'websocket', secure: 'http/1.1, TLS', plain: 'http/1.1', polls: false, sends: true, summary: 'RFC 6455 by hand' },
  'websocket-h2': { server: 'parley', reader: socketOverHttp2, elsewhere: socketUrlOf, stops: ['stopped', 'unread'], wire: 'websocket-h2', secure: 'h2, TLS', plain: null, polls: false, sends: true, summary: 'the same over HTTP/2 (RFC 8441), one socket on each connection' },
  'ws-library': { server: 'parley', reader: librarySocket, elsewhere: null, stops: ['stopped'], wire: 'websocket', secure: 'http/1.1, TLS', plain: 'http/1.1', polls: false, sends: true, summary: 'the same wire as websocket, its server half by the library ws' },
  'socket-io': { server: 'parley', reader: socketIo, elsewhere: null, stops: ['stopped'], wire: 'socket-io', secure: 'http/1.1, TLS', plain: 'http/1.1', polls: false, sends: true, summary: 'the library Socket.IO: polls at first, then a WebSocket' },
  ws: { server: 'ws', reader: socket, elsewhere: null, stops: [], wire: 'websocket', secure: 'http/1.1, TLS', plain: 'http/1.1', polls: false, sends: false, summary: 'peer: the ws library, client by client' },
  tcp: { server: 'tcp', reader: 'lines', elsewhere: null, stops: [], wire: 'lines', secure: 'bare, TLS', plain: 'bare', polls: false, sends: false, summary: 'control, the floor: lines over a bare socket' },
}

export const transportNames: readonly string[] = Object.keys(table)

/** Throws a RangeError for a name that is not in the table. */
export function transportOf(name: string): Transport {
  const found = table[name]
  if (found === undefined) throw new RangeError(`There is no transport "${name}".`)
  return found
}

export function followOf(name: string): Follow {
  const { reader } = transportOf(name)
  return reader === 'lines' ? overLines : overTransport(reader, httpOf(name))
}

/** Whether it is another transport's row over HTTP/1.1. */
export function isOverHttp1(name: string): boolean {
  return transportOf(name).http1Of !== undefined
}

/** What its `fetch` may speak. */
export function httpOf(name: string): HttpVersion {
  return isOverHttp1(name) ? 'http/1.1' : 'h2'
}

/** Whether whoever reads over it comes back when its link is cut: our own have sessions, controls have none. */
export function reconnects(name: string): boolean {
  const { server, reader } = transportOf(name)
  return server === 'parley' && reader !== 'lines'
}

/** The client half of a transport. Throws a RangeError for one that has none. */
export function clientOf(name: string): MakeClient {
  const { reader } = transportOf(name)
  if (reader === 'lines') throw new RangeError(`There is no client half of "${name}".`)
  return reader
}

/** A transport under one name of a table: polling once for each interval, the A/A control's transport twice. */
export interface Subject {
  /** As the table shows it: `polling 1 s`, `websocket`, `websocket (A/A)`. */
  readonly name: string
  readonly transport: string
  readonly intervalMs: number
  /** The baseline once more. */
  readonly isTwin: boolean
}

/** The second name of the transport that is measured twice. */
export const twinSuffix = ' (A/A)'

/** The subjects of a table: every transport that can run, and the baseline's twin. */
export function subjectsOf(options: {
  readonly transports: readonly string[]
  readonly secure: boolean
  readonly pollIntervalsMs: readonly number[]
}): readonly Subject[] {
  const subjects: Subject[] = []
  for (const name of options.transports) {
    const transport = transportOf(name)
    if (!options.secure && transport.plain === null) continue
    const intervals = transport.polls ? intervalsOf(transport, options) : [0]
    for (const intervalMs of intervals) {
      subjects.push({
        name: transport.polls ? `${name} ${intervalMs / 1000} s` : name,
        transport: name,
        intervalMs,
        isTwin: false,
      })
    }
  }
  const baseline = baselineOf(subjects.map((subject) => subject.name))
  const twin = subjects.find((subject) => subject.name === baseline)
  return twin === undefined
    ? subjects
    : [...subjects, { ...twin, name: `${twin.name}${twinSuffix}`, isTwin: true }]
}

/** Over HTTP/1.1 beside HTTP/2 the shortest interval alone, where what a question costs shows most. */
function intervalsOf(
  { http1Of }: Transport,
  {
    transports,
    pollIntervalsMs,
  }: { readonly transports: readonly string[]; readonly pollIntervalsMs: readonly number[] },
): readonly number[] {
  if (http1Of === undefined || !transports.includes(http1Of)) return pollIntervalsMs
  return pollIntervalsMs.slice(0, 1)
}

/** Whom a table compares with: our WebSocket where it takes part, else the first that pushes, else the first. */
export function baselineOf(names: readonly string[]): string | null {
  const own = names
    .filter((name) => !name.endsWith(twinSuffix))
    .map((name) => ({ name, transport: transportIn(name) }))
  const place = ({ transport }: (typeof own)[number]): number =>
    transport === null ? transportNames.length : transportNames.indexOf(transport)
  const sorted = own.toSorted((one, other) => place(one) - place(other))
  const pushed = sorted.find(({ transport }) => transport !== null && !transportOf(transport).polls)
  return (sorted.find(({ name }) => name === 'websocket') ?? pushed ?? sorted[0])?.name ?? null
}

/** The name in the table of a subject, or of one with a suffix: `polling 0.25 s` is `polling`. Null for one that is not there. */
export function transportIn(subject: string): string | null {
  return (
    transportNames.find((name) => subject === name) ??
    transportNames.find((name) => subject.startsWith(`${name} `)) ??
    null
  )
}
