// The shared interface: what both sides of a transport agree on, and its client half. No Node, no DOM, no Fastify.
import type { Cursor } from './cursor.ts'
import type { LinkCause } from './errors.ts'
import type { Draft, Message } from './message.ts'

/** A transport's name in addresses, reports and code: `polling`, `http2-push`, `websocket`, … */
export type TransportName = string

/** Stands in the place of a transport's name for the ladder over them: the best that works here, whichever it is. */
export const auto = 'auto'

/** Where a link starts to read: behind a cursor, or at the last N messages of the room. */
export type Start = { readonly after: Cursor } | { readonly last: number }

/** What a link hands up, always with the cursor that it leads to. */
export type Delivery = Messages | Gap | Reset

/** Messages that follow `after` without a hole, in order. None at all says "you are here". */
export interface Messages {
  readonly kind: 'messages'
  /** The position that these messages continue. */
  readonly after: Cursor
  readonly messages: readonly Message[]
  readonly cursor: Cursor
}

/** The log was trimmed past the reader's cursor: what lies between `after` and `cursor` is gone. */
export interface Gap {
  readonly kind: 'gap'
  readonly after: Cursor
  readonly cursor: Cursor
}

/** The log has another epoch than the reader's cursor: what the reader holds is another log's. It reads on from `cursor`, the oldest position kept. */
export interface Reset {
  readonly kind: 'reset'
  readonly cursor: Cursor
}

/** What is really spoken on a link, said by the server and checked by the client as far as it can see (R11). */
export interface Negotiated {
  readonly protocol: 'http/1.1' | 'h2'
  readonly tls: boolean
  /** The WebSocket subprotocol; null elsewhere. */
  readonly subprotocol: string | null
  /** The WebSocket extensions in force. */
  readonly extensions: readonly string[]
}

/** The fate of a stored draft. */
export interface Receipt {
  readonly id: string
  readonly offset: number
  /** Server clock, ms since the Unix epoch. */
  readonly time: number
  /** False: an earlier send of the same id had stored it. */
  readonly created: boolean
}

/** Why and how a link ended. */
export interface Closed {
  readonly cause: LinkCause
  /** Whether opening another link of this kind may succeed. */
  readonly retry: boolean
  /** How long the peer asked to wait before that. */
  readonly retryAfterMs?: number
  /** One sentence for a person. */
  readonly detail: string
}

/** What a link has counted since it opened. What cannot be seen from where it runs is null, never 0. */
export interface LinkStats {
  /** Bodies of requests, or payloads of frames, in bytes; headers and framing are not visible to a page. */
  readonly payloadBytesUp: number
  readonly payloadBytesDown: number
  /** HTTP requests made; a WebSocket counts its handshake. */
  readonly requests: number
  /** Events in which something arrived: answers, chunks or WebSocket messages. */
  readonly reads: number
  /** Bytes handed to the runtime that have not left yet. */
  readonly bufferedBytes: number | null
}

/** An open link. */
export interface Link {
  readonly negotiated: Negotiated
  /** Where this link began to read: a session that knows no position yet takes it for its own, so that a cut before the first message loses nothing (R26). */
  readonly start: Cursor
  /** The server's head of the room when the link opened: once the session's cursor is there, the link has caught up. */
  readonly head: Cursor
  /**
   * Sends one draft, in the order of the calls.
   * Resolves when the log has it; rejects with a `SendError` that says whether it may be stored.
   */
  send(draft: Draft): Promise<Receipt>
  stats(): LinkStats
  /** Asks the peer for a sign of life at once: a link that is dead is found within its liveness time-out. */
  probe(): void
  /** Ends the link. Idempotent; resolves when nothing of it is left, and `closed` has been called with cause 'local'. */
  close(): Promise<void>
}

export interface OpenRequest {
  /** The lab's address: scheme, host and port. */
  readonly base: URL
  readonly room: string
  /** The session that the link belongs to: 122 random bits or more, made by the client. */
  readonly session: string
  /** A session's links are numbered from 1; the newest wins. */
  readonly link: number
  readonly start: Start
  /**
   * Takes a delivery. Awaited before more is read, which is how the reader pushes back; it must not await a send on this link.
   * Called in order, from the moment of the server's hello until `closed`.
   */
  receive(delivery: Delivery): void | Promise<void>
  /** Called exactly once after `open` has resolved; never for an open that rejected. Nothing is received afterwards. */
  closed(reason: Closed): void
  /** Called when an open link speaks something else than before, as a library that leaves one transport for another: `negotiated` says what (R11). */
  renegotiated?(): void
  /**
   * Gives up opening: `open` then rejects with a `LinkError` of cause 'local'; where the reason is an `OpeningTooLate`, of another cause when
   * the transport can say what kept it. It has no effect on an open link.
   */
  readonly signal: AbortSignal
}

/** The client half of a transport. It knows nothing of retries or of other transports. */
export interface ClientTransport {
  readonly name: TransportName
  /** What this runtime or that address lacks for it, in sentences; empty when it can run. */
  missing(base: URL): readonly string[]
  /** Resolves with an open link, or rejects with a `LinkError`: nobody ever holds a half-open one. */
  open(request: OpenRequest): Promise<Link>
}
