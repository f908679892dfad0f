// The log: what a room is. Implemented in memory beside this file, and on disk by the server.
import type { Gap, Reset } from '../contract.ts'
import type { Cursor } from '../cursor.ts'
import type { Draft, Message } from '../message.ts'

/** What became of a draft. */
export type Appended =
  | { readonly kind: 'created'; readonly message: Message }
  /** The id was there before, with the same user and text: nothing is appended, the earlier message stands. */
  | { readonly kind: 'existing'; readonly message: Message }
  /** The id was there before with another user or text: refused. */
  | { readonly kind: 'conflict' }

/**
 * Which part of a log to read. A cursor is a position between two messages: `after` reads forward from it; `before` reads the
 * messages that lead up to it, offsets up to and including its own; `last` reads the newest.
 */
export type Range = { readonly after: Cursor } | { readonly before: Cursor } | { readonly last: number }

/** How much one read may give: at least one message when there is one, however long it is. */
export interface ReadLimit {
  readonly messages: number
  /** Bytes of the messages as JSON. */
  readonly bytes: number
}

/** Consecutive messages that follow `after`, none when the reader is at the head. */
export interface Page {
  readonly kind: 'page'
  readonly after: Cursor
  readonly messages: readonly Message[]
}

/** Stops following. */
export type Unfollow = () => void

/**
 * Rooms of ordered messages. A room exists from its first message on; until then its head is offset 0.
 * One log has one epoch.
 */
export interface Log {
  readonly epoch: string
  /**
   * Appends in the order given. Resolves when the messages are as durable as this log makes them, and never before its
   * followers have been called. Rejects when nothing was stored (`ProblemError` when there is a reason to tell).
   * All that is appended in one tick is committed together, at most `serverLimits.commitDrafts` at a time.
   */
  append(room: string, drafts: readonly Draft[]): Promise<readonly Appended[]>
  /** The position behind the newest message. Answers from memory, always. */
  head(room: string): Cursor
  /** The position before the oldest message kept. Answers from memory, always. */
  tail(room: string): Cursor
  /** Reads, never beyond `head`; a cursor that the log cannot continue gives a gap or a reset. */
  read(room: string, range: Range, limit: ReadLimit): Page | Gap | Reset | Promise<Page | Gap | Reset>
  /**
   * Calls `appended` with each commit's new messages of the room, in order, without a hole, whoever appended them, in the same
   * turn in which `head` moves behind them.
   */
  follow(room: string, appended: (messages: readonly Message[]) => void): Unfollow
  /** Stores what is still queued, then lets go of its files. */
  close(): Promise<void>
}
