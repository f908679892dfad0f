// Gathers what is appended in one turn of the event loop into commits of a bounded size. The heart of every log's `append`.
import { serverLimits } from '../limits.ts'
import type { Draft } from '../message.ts'
import { ProblemError, problem } from '../problem.ts'
import type { Appended } from './log.ts'

/** One call of `append` that waits for its commit. */
export interface Waiting {
  readonly room: string
  readonly drafts: readonly Draft[]
  resolve(appended: readonly Appended[]): void
  reject(error: unknown): void
}

/**
 * Calls `commit` once a tick with all that has come in, at most `serverLimits.commitDrafts` drafts at a time (one call of
 * `append` is never torn apart), and lets other work of the event loop pass between two commits.
 */
export class CommitQueue {
  #waiting: Waiting[] = []
  #queuedDrafts = 0
  #scheduled = false
  #idle: (() => void)[] = []
  readonly #commit: (batch: readonly Waiting[]) => void

  /** `commit` settles every entry of its batch; when it throws, they are rejected with what it threw, and so is all that waits in the same rooms. */
  constructor(commit: (batch: readonly Waiting[]) => void) {
    this.#commit = commit
  }

  push(room: string, drafts: readonly Draft[]): Promise<readonly Appended[]> {
    if (drafts.length === 0) return Promise.resolve([])
    if (this.#queuedDrafts + drafts.length > serverLimits.queuedDrafts) {
      const detail = 'Too many messages wait to be stored. Send this one again in a moment.'
      return Promise.reject(new ProblemError(problem('overloaded', detail, { retryAfterMs: 1000 })))
    }
    this.#queuedDrafts += drafts.length
    this.#schedule()
    return new Promise((resolve, reject) => {
      this.#waiting.push({ room, drafts, resolve, reject })
    })
  }

  /** Resolves when nothing waits any more. */
  drained(): Promise<void> {
    if (this.#waiting.length === 0) return Promise.resolve()
    return new Promise((resolve) => {
      this.#idle.push(resolve)
    })
  }

  #schedule(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    setImmediate(() => {
      this.#scheduled = false
      this.#commitOnce()
      if (this.#waiting.length > 0) this.#schedule()
      else for (const done of this.#idle.splice(0)) done()
    })
  }

  #commitOnce(): void {
    let taken = 0
    let drafts = 0
    while (taken < this.#waiting.length) {
      const next = this.#waiting[taken]?.drafts.length ?? 0
      if (taken > 0 && drafts + next > serverLimits.commitDrafts) break
      drafts += next
      taken += 1
    }
    const batch = taken === this.#waiting.length ? this.#waiting : this.#waiting.slice(0, taken)
    this.#waiting = taken === this.#waiting.length ? [] : this.#waiting.slice(taken)
    this.#queuedDrafts -= drafts
    try {
      this.#commit(batch)
    } catch (error) {
      for (const entry of [...batch, ...this.#takeBehind(batch)]) entry.reject(error)
    }
  }

  /**
   * Takes out what waits in the rooms of a commit that failed: its senders will send that commit's drafts again, and what they
   * sent after them must not be stored before them.
   */
  #takeBehind(failed: readonly Waiting[]): readonly Waiting[] {
    const rooms = new Set(failed.map((entry) => entry.room))
    const behind = this.#waiting.filter((entry) => rooms.has(entry.room))
    this.#waiting = this.#waiting.filter((entry) => !rooms.has(entry.room))
    for (const entry of behind) this.#queuedDrafts -= entry.drafts.length
    return behind
  }
}
