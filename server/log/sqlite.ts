// The log on disk: `node:sqlite`, one commit a tick for all rooms. An acknowledged message survives the process.
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { Gap, Reset } from '../../transports/contract.ts'
import type { Cursor } from '../../transports/cursor.ts'
import { CommitQueue, type Waiting } from '../../transports/hub/commit-queue.ts'
import type { Appended, Log, Page, Range, ReadLimit, Unfollow } from '../../transports/hub/log.ts'
import { resolveRange } from '../../transports/hub/range.ts'
import type { Draft, Message } from '../../transports/message.ts'
import { ProblemError, problem } from '../../transports/problem.ts'
import { type Keep, keepForever } from '../keep.ts'
import { openDatabase, readEpoch } from './database.ts'
import { Reader } from './reading.ts'
import { loadRooms, type RoomState } from './room-state.ts'
import { Transaction } from './transaction.ts'
import { Trimmer, trimRows } from './trimming.ts'

export interface SqliteLogOptions {
  readonly keep?: Keep
  /** Milliseconds since the Unix epoch. */
  readonly now?: () => number
  /** Told of a commit that failed, with what the database said. Its senders get a problem of type `internal`. */
  readonly failed?: (error: unknown) => void
}

/**
 * Opens the log in `folder`, which is made when it is missing.
 * Throws a `UsageError` with one line when the folder cannot be used or another server has it.
 */
export function openSqliteLog(
  folder: string,
  options: SqliteLogOptions & { readonly synchronous?: 'full' | 'normal' } = {},
): Log {
  return new SqliteLog(openDatabase(folder, options.synchronous ?? 'full'), options)
}

/** The log over an open database, which it owns from then on. */
export class SqliteLog implements Log {
  readonly epoch: string
  readonly #database: DatabaseSync
  readonly #keep: Keep
  readonly #now: () => number
  readonly #failed: (error: unknown) => void
  readonly #rooms: Map<string, RoomState>
  readonly #followers = new Map<string, Set<(messages: readonly Message[]) => void>>()
  readonly #queue = new CommitQueue((waiting) => this.#write(waiting))
  readonly #reader: Reader
  readonly #trimmer: Trimmer
  readonly #begin: StatementSync
  readonly #commit: StatementSync
  readonly #transaction: Transaction
  /** Rooms that hold more than is to be kept. */
  readonly #due = new Set<RoomState>()
  readonly #sweeper: NodeJS.Timeout | undefined
  #trimTick: NodeJS.Immediate | undefined
  #closed = false

  constructor(database: DatabaseSync, options: SqliteLogOptions = {}) {
    this.#database = database
    this.#keep = options.keep ?? keepForever
    this.#now = options.now ?? Date.now
    this.#failed = options.failed ?? (() => undefined)
    this.epoch = readEpoch(database)
    this.#rooms = loadRooms(database)
    this.#reader = new Reader(database)
    this.#trimmer = new Trimmer(database, this.#keep)
    this.#begin = database.prepare('BEGIN IMMEDIATE')
    this.#commit = database.prepare('COMMIT')
    this.#transaction = new Transaction(database, this.#rooms, this.#reader, this.#trimmer)
    this.#sweeper = this.#startSweeping()
  }

  append(room: string, drafts: readonly Draft[]): Promise<readonly Appended[]> {
    if (this.#closed) {
      return Promise.reject(new ProblemError(problem('draining', 'The log is closed.')))
    }
    return this.#queue.push(room, drafts)
  }

  head(room: string): Cursor {
    return { epoch: this.epoch, offset: this.#rooms.get(room)?.head ?? 0 }
  }

  tail(room: string): Cursor {
    return { epoch: this.epoch, offset: this.#rooms.get(room)?.tail ?? 0 }
  }

  read(room: string, range: Range, limit: ReadLimit): Page | Gap | Reset {
    const span = resolveRange(range, this.head(room), this.tail(room), limit.messages)
    if (span.kind !== 'span') return span
    const number = this.#rooms.get(room)?.number
    const { epoch } = this
    if (number === undefined) return { kind: 'page', after: { epoch, offset: span.after }, messages: [] }
    const { after, until } = span
    if (span.keep === 'oldest') {
      const messages = this.#reader.forward(number, after + 1, until, limit.bytes)
      return { kind: 'page', after: { epoch, offset: after }, messages }
    }
    const messages = this.#reader.backward(number, after + 1, until, limit.bytes)
    return { kind: 'page', after: { epoch, offset: until - messages.length }, messages }
  }

  follow(room: string, appended: (messages: readonly Message[]) => void): Unfollow {
    // Its own function, so that following twice with the same one is two follows.
    const follower = (messages: readonly Message[]): void => appended(messages)
    const followers = this.#followers.get(room) ?? new Set()
    this.#followers.set(room, followers.add(follower))
    return () => {
      if (followers.delete(follower) && followers.size === 0) this.#followers.delete(room)
    }
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    clearInterval(this.#sweeper)
    clearImmediate(this.#trimTick)
    await this.#queue.drained()
    this.#database.close()
  }

  /** One commit of everything that waits, and of the trimming that it causes. The queue rejects the senders when this throws. */
  #write(waiting: readonly Waiting[]): void {
    const now = this.#now()
    const outcomes = this.#inTransaction(() => {
      const written = this.#transaction.write(waiting, now)
      this.#transaction.trim(this.#due, now, trimRows)
      return written
    })
    // From here on it is stored: first what `head` and `read` say, then the followers, then the senders.
    this.#settle(now)
    waiting.forEach((entry, index) => {
      const outcome = outcomes[index] ?? []
      if (outcome instanceof Error) entry.reject(outcome)
      else entry.resolve(outcome)
    })
  }

  /** Trims without anything to write: after the start, and for what has become too old. */
  #trim(): void {
    const now = this.#now()
    this.#inTransaction(() => this.#transaction.trim(this.#due, now, trimRows))
    this.#settle(now)
  }

  #settle(now: number): void {
    this.#due.clear()
    for (const { state, messages } of this.#transaction.settle()) {
      if (this.#trimmer.isDue(state, state.head, now)) this.#due.add(state)
      if (messages.length > 0) this.#tell(state.name, messages)
    }
    this.#scheduleTrim()
  }

  /** Commits what `work` does, or nothing of it: then it throws a `ProblemError` for the senders. */
  #inTransaction<T>(work: () => T): T {
    try {
      this.#begin.run()
      const result = work()
      this.#commit.run()
      return result
    } catch (error) {
      this.#giveUp(error)
      throw new ProblemError(problem('internal', 'The message could not be stored.'))
    }
  }

  #tell(room: string, messages: readonly Message[]): void {
    const followers = this.#followers.get(room)
    if (followers === undefined) return
    for (const follower of followers) {
      try {
        follower(messages)
      } catch (error) {
        // A follower's fault is neither the senders' nor the other followers': it surfaces on its own.
        setImmediate(() => {
          throw error
        })
      }
    }
  }

  #giveUp(error: unknown): void {
    this.#transaction.forget()
    // What couldn't be trimmed is found again by the next sweep.
    this.#due.clear()
    this.#failed(error)
    try {
      // Some errors (a full disk) have ended the transaction already.
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK')
    } catch (rollbackError) {
      this.#failed(rollbackError)
    }
  }

  #scheduleTrim(): void {
    if (this.#due.size === 0 || this.#closed) return
    this.#trimTick ??= setImmediate(() => {
      this.#trimTick = undefined
      // A commit in between may have done it already.
      if (this.#due.size === 0) return
      try {
        this.#trim()
      } catch (error) {
        // `failed` has been told, nobody else waits for it, and the next sweep tries again.
        if (!(error instanceof ProblemError)) throw error
      }
    })
  }

  #startSweeping(): NodeJS.Timeout | undefined {
    const { messages, ageMs } = this.#keep
    if (messages === null && ageMs === null) return undefined
    this.#sweep()
    const intervalMs = Math.min(Math.max((ageMs ?? Number.POSITIVE_INFINITY) / 10, 1000), 60_000)
    return setInterval(() => this.#sweep(), intervalMs).unref()
  }

  #sweep(): void {
    const now = this.#now()
    for (const room of this.#rooms.values()) {
      if (this.#trimmer.isDue(room, room.head, now)) this.#due.add(room)
    }
    this.#scheduleTrim()
  }
}
