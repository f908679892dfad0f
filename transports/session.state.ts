// What a session shows and tells: its state, the fate of its drafts, and its events. Plain values, made anew at each change.
import type { Closed, Negotiated, Receipt, TransportName } from './contract.ts'
import type { Cursor } from './cursor.ts'
import type { Skip } from './fallback.ts'
import type { Draft, Message } from './message.ts'
import type { Problem } from './problem.ts'

/**
 * `connecting`: a first link is being opened, or another one after a failure. `open`: a link carries the session.
 * `waiting`: the next try is at `retryAtMs`. `closed`: ended by the application, or refused for good.
 */
export type SessionPhase = 'connecting' | 'open' | 'waiting' | 'closed'

/** One of the session's links, as shown. While a switch lasts there are two. */
export interface LinkView {
  readonly number: number
  readonly transport: TransportName
  /** `opening`: not open yet. `catching-up`: open, not yet at the head it was told. `live`: carries the session. `closing`: replaced, on its way out. */
  readonly phase: 'opening' | 'catching-up' | 'live' | 'closing'
  readonly negotiated: Negotiated | null
}

/**
 * One step of the ladder, as far as this session knows it. `open`: a link of it carries the session. `failed`: it could not be used, and
 * nobody knows yet whether another can. `skipped`: it is left alone until `untilMs`, because another one works where it doesn't.
 */
export interface RungView {
  readonly transport: TransportName
  readonly standing: 'untried' | 'opening' | 'open' | 'failed' | 'skipped'
  /** Why it failed or is left alone, as sentences; null elsewhere. */
  readonly detail: string | null
  /** Monotonic clock, ms: when it is tried again; null elsewhere. */
  readonly untilMs: number | null
}

export interface SessionState {
  readonly phase: SessionPhase
  /** The transport that the session uses, or tries to. */
  readonly transport: TransportName
  /** The transport that was asked for, or `auto`; another one may stand in for it. */
  readonly wished: TransportName
  /** What is better, and left alone for now: why, and until when. The best first; empty when all is as wished. */
  readonly skipped: readonly Skip[]
  /** What is tried in which order, the best first: the one that is wished for and what may stand in for it, or the whole ladder. */
  readonly ladder: readonly RungView[]
  readonly links: readonly LinkView[]
  /** Monotonic clock, ms: when the next try starts. Only in phase `waiting`. */
  readonly retryAtMs: number | null
  /** Failed tries since the last link that was open. */
  readonly failures: number
  /** Why the last link ended or could not be opened; null while all is well. */
  readonly trouble: Closed | null
  /** Drafts that are not stored yet, the failed ones not counted. */
  readonly pending: number
  /** Everything up to here has been handed to the application. */
  readonly cursor: Cursor | null
}

/** What became of a draft so far. */
export type DraftView =
  | { readonly fate: 'pending'; readonly draft: Draft }
  | { readonly fate: 'stored'; readonly draft: Draft; readonly receipt: Receipt }
  | {
      readonly fate: 'failed'
      readonly draft: Draft
      readonly detail: string
      readonly problem: Problem | null
    }

/** A finished switch: from the call until the new link had caught up and the old one was let go. */
export interface SwitchReport {
  readonly from: TransportName
  readonly to: TransportName
  readonly durationMs: number
  /** Deliveries that came over both links and were handed up once. */
  readonly overlapped: number
}

export type SessionEvent =
  /** New messages, in order, each once. `receivedAtMs`: monotonic clock of this side at the moment the link handed them up. */
  | {
      readonly kind: 'messages'
      /** The position that they continue. */
      readonly after: Cursor
      readonly messages: readonly Message[]
      readonly cursor: Cursor
      readonly receivedAtMs: number
      readonly transport: TransportName
    }
  /** The log was trimmed: offsets from `after` (not included) to `cursor` are gone. */
  | { readonly kind: 'gap'; readonly after: Cursor; readonly cursor: Cursor }
  /** Another log: what was received so far belongs to the former one. */
  | { readonly kind: 'reset'; readonly cursor: Cursor }
  | { readonly kind: 'draft'; readonly view: DraftView; readonly sentAtMs: number }
  | { readonly kind: 'switched'; readonly report: SwitchReport }
  /** Another transport stands in for the one that was asked for, which can't be used here now (R31, R32). */
  | {
      readonly kind: 'fell-back'
      readonly from: TransportName
      readonly to: TransportName
      /** Why, as a sentence. */
      readonly detail: string
    }
  /** The session is back after it had no open link. */
  | { readonly kind: 'recovered'; readonly offlineMs: number; readonly caughtUp: number }
  | { readonly kind: 'state'; readonly state: SessionState }
