// Drafts until their fate is known (R40). On a new link everything that is not acknowledged is sent again, in order, before what is new; the ids make that safe.
import type { CancelTimer, Clock } from './clock.ts'
import type { Link, Receipt } from './contract.ts'
import { messageOf, SendError, UsageError } from './errors.ts'
import type { Draft, Message } from './message.ts'
import { longestRetryAfterMs } from './retry.ts'
import type { DraftView } from './session.state.ts'

/** The wait after a refusal that does not say how long, before the jitter. */
const pauseMs = 1000

interface Pending {
  readonly draft: Draft
  readonly sentAtMs: number
  /** The link that it was handed to and that has not answered yet. */
  on: Link | null
}

export interface OutboxParts {
  readonly clock: Clock
  readonly random: () => number
  onView(view: DraftView, sentAtMs: number): void
}

export class Outbox {
  readonly #parts: OutboxParts
  /** In the order of sending. */
  readonly #pending = new Map<string, Pending>()
  readonly #failed = new Map<string, Draft>()
  #link: Link | null = null
  #pause: CancelTimer | null = null
  #stopped = false

  constructor(parts: OutboxParts) {
    this.#parts = parts
  }

  get pending(): number {
    return this.#pending.size
  }

  add(draft: Draft): void {
    const pending = { draft, sentAtMs: this.#parts.clock.nowMs(), on: null }
    this.#pending.set(draft.id, pending)
    this.#parts.onView({ fate: 'pending', draft }, pending.sentAtMs)
    this.#flush()
  }

  resend(id: string): void {
    this.add(this.#takeFailed(id))
  }

  discard(id: string): void {
    this.#takeFailed(id)
  }

  /** From now on drafts go over this link; null: there is none. */
  use(link: Link | null): void {
    this.#link = link
    this.#pause?.()
    this.#pause = null
    this.#flush()
  }

  /** Messages came down: those of ours are stored, whether or not their receipt ever arrives. */
  seen(messages: readonly Message[]): void {
    if (this.#pending.size === 0) return
    for (const { id, offset, time } of messages) {
      const pending = this.#pending.get(id)
      if (pending !== undefined) this.#stored(pending, { id, offset, time, created: true })
    }
  }

  stop(): void {
    this.#stopped = true
    this.#pause?.()
    this.#link = null
  }

  #takeFailed(id: string): Draft {
    const draft = this.#failed.get(id)
    if (draft === undefined) throw new UsageError('There is no failed message with this id.')
    this.#failed.delete(id)
    return draft
  }

  #flush(): void {
    const link = this.#link
    if (link === null || this.#pause !== null || this.#stopped) return
    for (const pending of this.#pending.values()) {
      if (pending.on === link) continue
      pending.on = link
      link.send(pending.draft).then(
        (receipt) => this.#stored(pending, receipt),
        (error: unknown) => this.#refused(pending, link, error),
      )
    }
  }

  #stored(pending: Pending, receipt: Receipt): void {
    const { draft } = pending
    if (this.#pending.get(draft.id) !== pending) return
    this.#pending.delete(draft.id)
    this.#parts.onView({ fate: 'stored', draft, receipt }, pending.sentAtMs)
  }

  #refused(pending: Pending, link: Link, error: unknown): void {
    const { draft } = pending
    // It may be stored, or on its way over a newer link, by now.
    if (this.#pending.get(draft.id) !== pending || pending.on !== link || this.#stopped) return
    pending.on = null
    const failure =
      error instanceof SendError ? error : new SendError('unknown', messageOf(error), { cause: error })
    if (failure.stored === 'no' && !failure.retry) {
      this.#pending.delete(draft.id)
      this.#failed.set(draft.id, draft)
      const view: DraftView = {
        fate: 'failed',
        draft,
        detail: failure.message,
        problem: failure.problem ?? null,
      }
      this.#parts.onView(view, pending.sentAtMs)
      return
    }
    if (this.#link !== link || this.#pause !== null) return
    const askedMs = Math.min(longestRetryAfterMs, failure.retryAfterMs ?? pauseMs)
    const delayMs = askedMs + this.#parts.random() * pauseMs
    this.#pause = this.#parts.clock.after(delayMs, () => {
      this.#pause = null
      this.#flush()
    })
  }
}
