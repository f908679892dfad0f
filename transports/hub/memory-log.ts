// The log in memory: for tests, for `--log memory`, and as the plainest example of what a log must do.
import type { Gap, Reset } from '../contract.ts'
import type { Cursor } from '../cursor.ts'
import { serverLimits } from '../limits.ts'
import type { Draft, Message } from '../message.ts'
import { ProblemError, problem } from '../problem.ts'
import { utf8Bytes } from '../text.ts'
import { CommitQueue, type Waiting } from './commit-queue.ts'
import type { Appended, Log, Page, Range, ReadLimit, Unfollow } from './log.ts'
import { resolveRange } from './range.ts'

export interface MemoryLogOptions {
  /** Names the log; a log that was lost gets another one. */
  readonly epoch: string
  /** Wall clock, ms since the Unix epoch. */
  readonly unixMs: () => number
  /** Messages that a room keeps; older ones are trimmed and their ids forgotten. */
  readonly keepMessages: number
}

type Follower = (messages: readonly Message[]) => void

interface RoomLog {
  /** The messages kept, oldest first. */
  messages: Message[]
  /** Offset before the oldest one kept. */
  tail: number
  lastTime: number
  readonly byId: Map<string, Message>
}

export class MemoryLog implements Log {
  readonly epoch: string
  readonly #options: MemoryLogOptions
  readonly #rooms = new Map<string, RoomLog>()
  readonly #followers = new Map<string, Set<Follower>>()
  readonly #queue = new CommitQueue((batch) => this.#commit(batch))

  constructor(options: MemoryLogOptions) {
    this.epoch = options.epoch
    this.#options = options
  }

  append(room: string, drafts: readonly Draft[]): Promise<readonly Appended[]> {
    return this.#queue.push(room, drafts)
  }

  head(room: string): Cursor {
    const log = this.#rooms.get(room)
    return { epoch: this.epoch, offset: log === undefined ? 0 : log.tail + log.messages.length }
  }

  tail(room: string): Cursor {
    return { epoch: this.epoch, offset: this.#rooms.get(room)?.tail ?? 0 }
  }

  read(room: string, range: Range, limit: ReadLimit): Page | Gap | Reset {
    const head = this.head(room)
    const tail = this.tail(room)
    const resolved = resolveRange(range, head, tail, limit.messages)
    if (resolved.kind !== 'span') return resolved
    const messages = this.#rooms.get(room)?.messages ?? []
    const from = resolved.after - tail.offset
    const until = resolved.until - tail.offset
    if (resolved.keep === 'oldest') {
      const page = withinBytes(messages.slice(from, until), limit.bytes)
      return { kind: 'page', after: { epoch: this.epoch, offset: resolved.after }, messages: page }
    }
    const page = withinBytes(messages.slice(from, until).reverse(), limit.bytes).reverse()
    return {
      kind: 'page',
      after: { epoch: this.epoch, offset: resolved.until - page.length },
      messages: page,
    }
  }

  follow(room: string, appended: Follower): Unfollow {
    let followers = this.#followers.get(room)
    if (followers === undefined) {
      followers = new Set()
      this.#followers.set(room, followers)
    }
    const mine = followers
    mine.add(appended)
    return () => {
      mine.delete(appended)
      if (mine.size === 0 && this.#followers.get(room) === mine) this.#followers.delete(room)
    }
  }

  close(): Promise<void> {
    return this.#queue.drained()
  }

  #commit(batch: readonly Waiting[]): void {
    const created = new Map<string, Message[]>()
    const results = batch.map((entry) => this.#appendAll(entry, created))
    for (const [room, messages] of created) {
      for (const appended of this.#followers.get(room) ?? []) appended(messages)
    }
    batch.forEach((entry, index) => {
      const result = results[index]
      if (result instanceof ProblemError) entry.reject(result)
      else if (result !== undefined) entry.resolve(result)
    })
  }

  #appendAll(entry: Waiting, created: Map<string, Message[]>): readonly Appended[] | ProblemError {
    let log = this.#rooms.get(entry.room)
    if (log === undefined) {
      if (this.#rooms.size >= serverLimits.rooms) {
        return new ProblemError(problem('overloaded', `This lab holds at most ${serverLimits.rooms} rooms.`))
      }
      log = { messages: [], tail: 0, lastTime: 0, byId: new Map() }
      this.#rooms.set(entry.room, log)
    }
    const fresh = created.get(entry.room) ?? []
    const room = log
    const result = entry.drafts.map((draft) => this.#appendOne(room, draft, fresh))
    if (fresh.length > 0) created.set(entry.room, fresh)
    this.#trim(room)
    return result
  }

  #appendOne(log: RoomLog, draft: Draft, fresh: Message[]): Appended {
    const earlier = log.byId.get(draft.id)
    if (earlier !== undefined) {
      const same = earlier.user === draft.user && earlier.text === draft.text
      return same ? { kind: 'existing', message: earlier } : { kind: 'conflict' }
    }
    log.lastTime = Math.max(log.lastTime, this.#options.unixMs())
    const message: Message = {
      id: draft.id,
      user: draft.user,
      text: draft.text,
      offset: log.tail + log.messages.length + 1,
      time: log.lastTime,
    }
    log.messages.push(message)
    log.byId.set(draft.id, message)
    fresh.push(message)
    return { kind: 'created', message }
  }

  /** Trims a fifth at a time, so that moving the rest costs little for each message. */
  #trim(log: RoomLog): void {
    const { keepMessages } = this.#options
    if (log.messages.length <= keepMessages + Math.ceil(keepMessages / 5)) return
    const gone = log.messages.splice(0, log.messages.length - keepMessages)
    log.tail += gone.length
    for (const message of gone) log.byId.delete(message.id)
  }
}

/** As many of `messages` from the start as fit into `bytes`, but one at least. */
function withinBytes(messages: Message[], bytes: number): Message[] {
  let total = 0
  for (const [index, message] of messages.entries()) {
    total += utf8Bytes(JSON.stringify(message))
    if (total > bytes && index > 0) return messages.slice(0, index)
  }
  return messages
}
