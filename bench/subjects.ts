// What is measured: one line a transport. A new transport is one more line in `table`.
import { Http2PushTransport } from '../transports/http2-push/client.ts'
import { PollingTransport } from '../transports/polling/client.ts'
import { SocketIoTransport } from '../transports/socket-io/client.ts'
import { loadSocketIo } from '../transports/socket-io/library.ts'
import { WebSocketTransport } from '../transports/websocket/client.ts'
import { type Follow, type MakeClient, overLines, overTransport } from './load/follow.ts'
import type { SlowWay } from './load/slow-orders.ts'
import { askedOnce, socketUrlOf } from './load/sockets.ts'
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
  readonly summary: string
}

/** A control without a client half: no session comes back over it. */
type Lines = 'lines'

const polling: MakeClient = ({ fetch, intervalMs, clock }) =>
  new PollingTransport({ fetch, intervalMs, clock })
const push: MakeClient = ({ fetch }) => new Http2PushTransport({ fetch })
const socket: MakeClient = ({ sockets }) => new WebSocketTransport({ WebSocket: sockets.webSocketClass() })
const socketOverHttp2: MakeClient = ({ sockets }) =>
  new WebSocketTransport({ WebSocket: sockets.http2WebSocketClass(), http2: askedOnce })
const socketIo: MakeClient = ({ sockets }) =>
  new SocketIoTransport({ load: loadSocketIo, options: (base) => sockets.socketIoOptions(base) })

// biome-ignore format: one line each
export const table: Readonly<Record<string, Transport>> = {
  polling: { server: 'parley', reader: polling, elsewhere: null, stops: ['stopped', 'asks'], wire: 'poll', secure: 'h2, TLS', plain: 'http/1.1', polls: true, sends: true, summary: 'GET again and again, 304 when nothing is new' },
  'http2-push': { server: 'parley', reader: push, elsewhere: null, stops: ['stopped', 'unread'], wire: 'http2-stream', secure: 'h2, TLS', plain: null, polls: false, sends: true, summary: 'a response over HTTP/2 that stays open' },
  websocket: { server: 'parley', reader: socket, elsewhere: null, stops: ['stopped'], wire: 'websocket', secure: 'http/1.1, TLS', plain: 'http/1.1', polls: false, sends: true, summary: 'RFC 6455 by hand' },
  'websocket-h2': { server: 'parley', reader: socketOverHttp2, elsewhere: socketUrlOf, stops: ['stopped', 'unread'], wire: 'websocket-h2', secure: 'h2, TLS', plain: null, polls: false, sends: true, summary: 'the same over HTTP/2 (RFC 8441), one socket on each connection' },
  'socket-io': { server: 'parley', reader: socketIo, elsewhere: null, stops: [], wire: 'socket-io', secure: 'http/1.1, TLS', plain: 'http/1.1', polls: false, sends: true, summary: 'the library Socket.IO: polls at first, then a WebSocket' },
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
  return reader === 'lines' ? overLines : overTransport(reader)
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
    const intervals = transport.polls ? options.pollIntervalsMs : [0]
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

/** Whom a table compares with: our WebSocket where it takes part, else the first that pushes, else the first. */
export function baselineOf(names: readonly string[]): string | null {
  const place = (name: string): number => transportNames.findIndex((transport) => name.startsWith(transport))
  const first = names
    .filter((name) => !name.endsWith(twinSuffix))
    .sort((one, other) => place(one) - place(other))
  return (
    first.find((name) => name === 'websocket') ??
    first.find((name) => !name.startsWith('polling')) ??
    first[0] ??
    null
  )
}
