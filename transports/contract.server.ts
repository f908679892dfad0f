// The shared interface's server half: the hub that rooms live in, and a transport as a Fastify plugin that turns its wire into the hub's subscribers.
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2'
import type { Duplex } from 'node:stream'
import type { FastifyInstance } from 'fastify'
import type { Closed, Gap, Reset, Start, TransportName } from './contract.ts'
import type { Cursor } from './cursor.ts'
import type { Batch } from './hub/batch.ts'
import type { Range, ReadLimit } from './hub/log.ts'
import type { Draft, Message } from './message.ts'
import type { Problem } from './problem.ts'
import type { Queued } from './queued.server.ts'

/** The parameters of a request: one that is repeated is a list. */
export type Query = Readonly<Record<string, string | string[] | undefined>>

/** One reader's wire. It holds no backlog: what it has not taken stays in the log. */
export interface Subscriber {
  /** Writes one event. It is always taken; false asks for no more until `subscription.writable()`. */
  write(event: Batch | Gap | Reset): boolean
  /** Says goodbye on the wire and ends. May be called more than once. */
  close(reason: Closed): void
  /** Ends at once, without a goodbye: for half-open links and missed deadlines. */
  terminate(): void
  /**
   * Bytes that this process holds for the peer because it has not taken them yet; they are bounded, whatever flows (R38). The system's buffers are not in it. On an HTTP/2 connection that several share, what is encrypted of all of
   * them counts for each.
   */
  queuedBytes(): number
}

export interface Subscription {
  /** Where this subscriber started to read. */
  readonly start: Cursor
  /** The room's head when it started. */
  readonly head: Cursor
  /** The wire takes more again. */
  writable(): void
  /** The wire is gone. Idempotent. */
  leave(): void
}

/** Who a link says it is. All null when a reader does not take part in hand-overs (curl, say). */
export interface LinkIdentity {
  readonly session: string
  readonly link: number
  /** The origin that the browser named, or null. */
  readonly origin: string | null
}

export interface Hub {
  /** Resolves when the log has the draft. Rejects with a `ProblemError` (conflict, overload, draining). */
  publish(room: string, draft: Draft): Promise<{ readonly message: Message; readonly created: boolean }>
  /** The room's head, known without touching the log. */
  head(room: string): Cursor
  /** One page, for a poll. */
  read(
    room: string,
    range: Range,
    limit?: Partial<ReadLimit>,
  ): Batch | Gap | Reset | Promise<Batch | Gap | Reset>
  /**
   * Follows a room. Never writes before it returns; the first write comes within the same turn of the event loop when
   * there is something to read. Throws a `ProblemError` when the hub is full or draining.
   */
  subscribe(room: string, start: Start, subscriber: Subscriber): Subscription
  readonly links: Links
  /** Tells every subscriber to come back later, spread over time; what is still there at the deadline is terminated (R5, R33). Idempotent. */
  drain(): Promise<void>
  readonly draining: boolean
  /** Throws the `ProblemError` that sends a client away while the hub is draining. */
  assertServing(): void
  stats(): HubStats
  /** What waits in this process for peers to take it. Looks at every reader: not for the way of a message. */
  queues(): QueueStats
  /** Adds a holder that is no subscriber to `queues().answers`: it is asked when they are. */
  alsoHolds(answers: () => Queued): void
}

/** Which links a session has: the newest wins, the older ones are told so a moment later (R24). */
export interface Links {
  /** Notes a link that stays open. `replace` is called when a newer one has taken over. Throws a `ProblemError`: `replaced` when a newer one is here already, `forbidden-session` for another origin. */
  enter(identity: LinkIdentity, replace: () => void): LeaveLink
  /** Notes a request that is a link's sign of life (a poll). Throws the same. */
  touch(identity: LinkIdentity): void
}

export type LeaveLink = () => void

export interface HubStats {
  readonly rooms: number
  readonly subscribers: number
  /** Subscribers whose wire has not taken everything yet. */
  readonly behind: number
  readonly published: number
  readonly delivered: number
  readonly batches: number
}

export interface QueueStats {
  /** Subscribers whose peers have something left to take. */
  readonly readers: Queued
  /** Answers to polls that are not taken yet, by connection. */
  readonly answers: Queued
}

/** Decides whether a request may come in, by its `Origin` and `Host` (R23). Null: it may. */
export type Guard = (request: {
  readonly host: string | undefined
  readonly origin: string | undefined
}) => Problem | null

/** Takes an HTTP/1.1 upgrade of `/rooms/:room/<suffix>`. The guard has passed; the room's name is valid. */
export type UpgradeHandler = (upgrade: {
  readonly request: IncomingMessage
  readonly socket: Duplex
  readonly head: Buffer
  readonly room: string
  readonly query: Query
}) => void

/** Takes a `GET` of `/rooms/:room/<suffix>` over HTTP/2 as its stream. As above; what it throws before it responds is answered as a problem. */
export type StreamHandler = (opened: {
  readonly stream: ServerHttp2Stream
  readonly headers: IncomingHttpHeaders
  readonly room: string
  readonly query: Query
}) => void

/** Whether what a handler sends is wanted. `undefined`: the request has no `Accept`, and takes anything. */
export type Accepts = (accept: string | undefined) => boolean

/** Takes a CONNECT of `/rooms/:room/<suffix>` over HTTP/2, extended or not (RFC 8441). As above. */
export type ConnectHandler = StreamHandler

/** Answers a request before the router sees it and says true, or leaves it alone and says false. For what is asked most often. */
export type QuickAnswer = (request: IncomingMessage, response: ServerResponse) => boolean

/** What a transport gets from the application that it is mounted on. */
export interface MountContext {
  readonly hub: Hub
  readonly guard: Guard
  /** Registers the one handler of upgrades to `/rooms/:room/<suffix>`. */
  upgrade(suffix: string, handler: UpgradeHandler): void
  /**
   * Registers a handler of HTTP/2 streams at `/rooms/:room/<suffix>`, which the router then doesn't see. Several may share an address:
   * the first whose `accepts` likes the request's `Accept` takes it (RFC 9110 §12.5.1); where none does, it is answered with 406.
   */
  stream(suffix: string, accepts: Accepts, handler: StreamHandler): void
  /** Registers the one handler of extended CONNECTs to `/rooms/:room/<suffix>`, on a server that announces them. */
  connect(suffix: string, handler: ConnectHandler): void
  /** Registers an answer that is tried before the router. It makes the checks of the scope by itself. */
  quick(answer: QuickAnswer): void
  readonly heartbeatMs: number
}

export interface ServerTransport {
  readonly name: TransportName
  /**
   * True: it is served by extended CONNECT alone, and belongs on a port of its own that announces it and serves nothing else
   * to browsers: one that has seen the announcement sends every WebSocket to that port over HTTP/2 (R12).
   */
  readonly byExtendedConnect?: boolean
  /** Adds its routes under `/rooms/:room/`. `app` is an encapsulated Fastify scope whose hooks have checked origin, host and room. */
  mount(app: FastifyInstance, context: MountContext): Promise<void> | void
}
