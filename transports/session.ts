// The session: one reader of one room over any transport. It owns the cursor, the order, retries and the switch; links come and go beneath it.
import { v4 as uuidVersion4, v7 as uuidVersion7 } from 'uuid'
import { type CancelTimer, type Clock, systemClock } from './clock.ts'
import type {
  ClientTransport,
  Closed,
  Delivery,
  LinkStats,
  Messages,
  Start,
  TransportName,
} from './contract.ts'
import type { Cursor } from './cursor.ts'
import { LinkError, UsageError } from './errors.ts'
import type { Draft } from './message.ts'
import { Outbox } from './outbox.ts'
import { delayBeforeRetryMs } from './retry.ts'
import type { LinkView, SessionEvent, SessionPhase, SessionState, SwitchReport } from './session.state.ts'
import { Attempt } from './session-attempt.ts'
import { roomProblem, textProblem, userProblem } from './text.ts'

export interface SessionOptions {
  /** The lab's address. */
  readonly base: URL
  readonly room: string
  readonly transports: readonly ClientTransport[]
  /** The one to use first. */
  readonly transport: TransportName
  /** Messages of history to begin with. */
  readonly last: number
  onEvent(event: SessionEvent): void
  /** Drafts whose fate an earlier session never learned. They are sent first, in this order. */
  readonly drafts?: readonly Draft[]
  readonly clock?: Clock
  /** Uniform in [0, 1). */
  readonly random?: () => number
}

interface Switching {
  readonly from: TransportName
  readonly attempt: Attempt
  readonly startedAtMs: number
  readonly overlappedBefore: number
  resolve(report: SwitchReport): void
  reject(error: LinkError): void
}

export class Session {
  /** Made of 122 random bits: nobody else can name this session (R24). */
  readonly id = uuidVersion4()
  readonly #options: SessionOptions
  readonly #clock: Clock
  readonly #random: () => number
  readonly #outbox: Outbox
  #phase: SessionPhase = 'connecting'
  #transport: ClientTransport
  #cursor: Cursor | null = null
  #resets = 0
  #linkNumber = 0
  /** The link that carries the session. */
  #live: Attempt | null = null
  /** The link that is being opened to carry it next. */
  #opening: Attempt | null = null
  /** The former link, while the live one catches up. */
  #former: Attempt | null = null
  #switching: Switching | null = null
  #failures = 0
  #trouble: Closed | null = null
  #retryAtMs: number | null = null
  #cancelRetry: CancelTimer | null = null
  #overlapped = 0
  /** Since when there has been no open link; null while there is one. */
  #offlineSinceMs: number | null = null
  #recovering: { readonly offlineMs: number; caughtUp: number } | null = null
  #state: SessionState

  /** Throws `UsageError` for a room or transport that cannot be. Opens nothing yet. */
  constructor(options: SessionOptions) {
    const problem = roomProblem(options.room)
    if (problem !== null) throw new UsageError(problem)
    this.#options = options
    this.#clock = options.clock ?? systemClock
    this.#random = options.random ?? Math.random
    this.#transport = this.#find(options.transport)
    this.#outbox = new Outbox({
      clock: this.#clock,
      random: this.#random,
      onView: (view, sentAtMs) => {
        options.onEvent({ kind: 'draft', view, sentAtMs })
        this.#changed()
      },
    })
    this.#state = this.#view()
    for (const draft of options.drafts ?? []) this.#outbox.add(draft)
  }

  get state(): SessionState {
    // The cursor moves with every delivery, for which no new state is announced.
    if (this.#state.cursor !== this.#cursor) this.#state = { ...this.#state, cursor: this.#cursor }
    return this.#state
  }

  start(): void {
    if (this.#linkNumber === 0 && this.#phase !== 'closed') this.#open()
  }

  /**
   * Sends a message; gives its draft at once. Its fate comes as `draft` events. While there is no link it is kept.
   * Throws `UsageError` when the name or the text is not allowed, or the session is closed.
   */
  send(user: string, text: string): Draft {
    const problem = userProblem(user) ?? textProblem(text)
    if (problem !== null) throw new UsageError(problem)
    if (this.#phase === 'closed') throw new UsageError('This session is closed.')
    const draft = { id: uuidVersion7(), user, text }
    this.#outbox.add(draft)
    return draft
  }

  /** Sends a failed draft once more, behind all that is pending. Throws `UsageError` when there is none of that id. */
  resend(id: string): void {
    this.#outbox.resend(id)
  }

  /** Forgets a failed draft. Throws `UsageError` when there is none of that id. */
  discard(id: string): void {
    this.#outbox.discard(id)
  }

  /**
   * Goes over to another transport: opens the new link at the cursor, lets both run until the new one has caught up, then
   * closes the old one. Rejects with a `LinkError` when the new link cannot be opened (the old one goes on), or when a newer
   * call takes the place of this one.
   */
  switchTo(name: TransportName): Promise<SwitchReport> {
    const transport = this.#find(name)
    if (this.#phase === 'closed')
      return Promise.reject(new LinkError('local', 'This session is closed.', { retry: false }))
    const from = this.#live?.transport.name ?? this.#transport.name
    if (this.#opening === null && this.#switching === null && this.#live !== null && name === from) {
      return Promise.resolve({ from, to: name, durationMs: 0, overlapped: 0 })
    }
    this.#supersede()
    this.#transport = transport
    this.#failures = 0
    return new Promise((resolve, reject) => {
      const attempt = this.#open()
      const overlappedBefore = this.#overlapped
      this.#switching = { from, attempt, startedAtMs: this.#clock.nowMs(), overlappedBefore, resolve, reject }
    })
  }

  /** Does not wait any longer: tries now, or asks the open link for a sign of life. */
  reconnect(): void {
    if (this.#phase === 'waiting') this.#open()
    else this.#live?.link?.probe()
  }

  /** What the live link has counted; null while there is none. */
  stats(): LinkStats | null {
    return this.#live?.link?.stats() ?? null
  }

  /** Ends the session. What is pending stays so; its fate is not known. */
  async close(): Promise<void> {
    if (this.#phase === 'closed') return
    this.#phase = 'closed'
    this.#cancelRetry?.()
    this.#outbox.stop()
    this.#supersede()
    const links = [this.#live, this.#former]
    this.#live = null
    this.#former = null
    this.#changed()
    await Promise.all(links.map((attempt) => attempt?.end()))
  }

  #find(name: TransportName): ClientTransport {
    const found = this.#options.transports.find((one) => one.name === name)
    if (found !== undefined) return found
    const known = this.#options.transports.map((one) => one.name).join(', ')
    throw new UsageError(`There is no transport "${name}" here; there are ${known}.`)
  }

  /** Gives up a switch, or an opening, that something newer takes the place of. */
  #supersede(): void {
    const switching = this.#switching
    this.#switching = null
    const opening = this.#opening
    this.#opening = null
    void opening?.end()
    switching?.reject(new LinkError('local', 'Another switch took the place of this one.'))
  }

  #open(): Attempt {
    this.#cancelRetry?.()
    this.#cancelRetry = null
    this.#retryAtMs = null
    if (this.#live === null) {
      this.#phase = 'connecting'
      this.#offlineSinceMs ??= this.#clock.nowMs()
    }
    this.#linkNumber += 1
    const start: Start = this.#cursor === null ? { last: this.#options.last } : { after: this.#cursor }
    const attempt = new Attempt({
      number: this.#linkNumber,
      transport: this.#transport,
      resets: this.#resets,
      onDelivery: (delivery) => this.#receive(attempt, delivery),
      onOpened: () => this.#opened(attempt),
      onFailed: (error) => this.#failed(attempt, error),
      onClosed: (reason) => this.#closed(attempt, reason),
    })
    this.#opening = attempt
    const { base, room } = this.#options
    attempt.open({ base, room, session: this.id, start }, this.#clock)
    this.#changed()
    return attempt
  }

  #opened(attempt: Attempt): void {
    if (this.#opening !== attempt) {
      void attempt.end()
      return
    }
    this.#opening = null
    void this.#former?.end()
    this.#former = this.#live
    this.#live = attempt
    this.#transport = attempt.transport
    this.#phase = 'open'
    this.#failures = 0
    this.#trouble = null
    if (this.#offlineSinceMs !== null) {
      // The very first link recovers nothing.
      const first = this.#cursor === null
      this.#recovering = first ? null : { offlineMs: this.#clock.nowMs() - this.#offlineSinceMs, caughtUp: 0 }
      this.#offlineSinceMs = null
    }
    this.#cursor ??= attempt.link?.start ?? null
    this.#outbox.use(attempt.link)
    this.#settle()
    this.#changed()
  }

  #failed(attempt: Attempt, error: LinkError): void {
    if (this.#opening !== attempt) return
    this.#opening = null
    this.#trouble = {
      cause: error.cause,
      retry: error.retry,
      ...(error.retryAfterMs === undefined ? {} : { retryAfterMs: error.retryAfterMs }),
      detail: error.message,
    }
    const switching = this.#switching
    this.#switching = null
    if (this.#live !== null) {
      // The old link is as good as before.
      this.#transport = this.#live.transport
      this.#changed()
    } else this.#retry(error.retry, error.retryAfterMs)
    switching?.reject(error)
  }

  #closed(attempt: Attempt, reason: Closed): void {
    if (attempt === this.#former) {
      this.#former = null
      this.#changed()
      return
    }
    if (attempt !== this.#live) return
    this.#live = null
    this.#outbox.use(null)
    this.#offlineSinceMs = this.#clock.nowMs()
    this.#recovering = null
    // The former link, if one is left, was about to go; the session does not fall back to it.
    void this.#former?.end()
    this.#former = null
    this.#trouble = reason
    if (this.#opening === null) {
      this.#switching?.reject(new LinkError(reason.cause, reason.detail, { retry: reason.retry }))
      this.#switching = null
      this.#retry(reason.retry || reason.cause === 'replaced', reason.retryAfterMs)
    } else {
      this.#phase = 'connecting'
      this.#changed()
    }
  }

  #retry(allowed: boolean, retryAfterMs: number | undefined): void {
    if (!allowed) {
      this.#phase = 'closed'
      this.#outbox.stop()
      this.#changed()
      return
    }
    const delayMs = delayBeforeRetryMs(this.#failures, retryAfterMs, this.#random)
    this.#failures += 1
    this.#phase = 'waiting'
    this.#retryAtMs = this.#clock.nowMs() + delayMs
    this.#cancelRetry = this.#clock.after(delayMs, () => this.#open())
    this.#changed()
  }

  #receive(attempt: Attempt, delivery: Delivery): void {
    if (attempt !== this.#live && attempt !== this.#former && attempt !== this.#opening) return
    switch (delivery.kind) {
      case 'messages':
        this.#messages(attempt, delivery)
        break
      case 'gap':
        if (this.#cursor !== null && delivery.cursor.epoch === this.#cursor.epoch) {
          if (delivery.cursor.offset <= this.#cursor.offset) break
          const after = this.#cursor
          this.#cursor = delivery.cursor
          this.#options.onEvent({ kind: 'gap', after, cursor: delivery.cursor })
        }
        break
      case 'reset':
        // Both links of a switch may say so; what was said to a link that was opened before the first word of it is old.
        if (attempt.resets !== this.#resets) break
        this.#resets += 1
        attempt.resets = this.#resets
        this.#cursor = delivery.cursor
        this.#options.onEvent({ kind: 'reset', cursor: delivery.cursor })
        break
    }
    this.#settle()
  }

  #messages(attempt: Attempt, delivery: Messages): void {
    const { after, cursor } = delivery
    const at = this.#cursor ?? after
    if (cursor.epoch !== at.epoch || after.offset > at.offset) {
      // A hole, or another log without a word of it. The next link asks for what is missing.
      const error = new LinkError(
        'protocol',
        `The server skipped from offset ${at.offset} to ${after.offset}.`,
      )
      attempt.fail(error)
      return
    }
    const known = Math.min(at.offset - after.offset, delivery.messages.length)
    this.#overlapped += known
    const messages = known === 0 ? delivery.messages : delivery.messages.slice(known)
    const first = this.#cursor === null
    this.#cursor = cursor.offset > at.offset ? cursor : at
    if (first) this.#changed()
    if (messages.length === 0) return
    if (this.#recovering !== null) this.#recovering.caughtUp += messages.length
    this.#options.onEvent({
      kind: 'messages',
      after: at,
      messages,
      cursor: this.#cursor,
      receivedAtMs: this.#clock.nowMs(),
      transport: attempt.transport.name,
    })
    this.#outbox.seen(messages)
  }

  /** Once the live link has caught up, lets the former one go and tells what there is to tell. */
  #settle(): void {
    const head = this.#live?.link?.head
    if (head === undefined || this.#cursor === null) return
    const caughtUp = this.#cursor.epoch !== head.epoch || this.#cursor.offset >= head.offset
    if (!caughtUp) return
    const former = this.#former
    this.#former = null
    void former?.end()
    const switching = this.#switching
    if (switching !== null && switching.attempt === this.#live) {
      this.#switching = null
      const report: SwitchReport = {
        from: switching.from,
        to: switching.attempt.transport.name,
        durationMs: this.#clock.nowMs() - switching.startedAtMs,
        overlapped: this.#overlapped - switching.overlappedBefore,
      }
      this.#options.onEvent({ kind: 'switched', report })
      switching.resolve(report)
    }
    const recovered = this.#recovering
    this.#recovering = null
    if (recovered !== null) this.#options.onEvent({ kind: 'recovered', ...recovered })
    if (former !== null || switching !== null || recovered !== null) this.#changed()
  }

  #changed(): void {
    this.#state = this.#view()
    this.#options.onEvent({ kind: 'state', state: this.#state })
  }

  #view(): SessionState {
    const links: LinkView[] = []
    if (this.#former !== null) links.push(this.#former.view('closing'))
    if (this.#live !== null) links.push(this.#live.view(this.#former === null ? 'live' : 'catching-up'))
    if (this.#opening !== null) links.push(this.#opening.view('opening'))
    return {
      phase: this.#phase,
      transport: this.#opening?.transport.name ?? this.#transport.name,
      links,
      retryAtMs: this.#retryAtMs,
      failures: this.#failures,
      trouble: this.#trouble,
      pending: this.#outbox.pending,
      cursor: this.#cursor,
    }
  }
}
