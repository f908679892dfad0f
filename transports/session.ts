// The session: one reader of one room over any transport. It owns the cursor, the order, retries and the switch; links come and go beneath it.
import { v4 as uuidVersion4, v7 as uuidVersion7 } from 'uuid'
import { type CancelTimer, type Clock, systemClock } from './clock.ts'
import {
  auto,
  type ClientTransport,
  type Closed,
  type Delivery,
  type LinkStats,
  type Start,
  type TransportName,
} from './contract.ts'
import type { Cursor } from './cursor.ts'
import { isOfAnother, LinkError, UsageError } from './errors.ts'
import { Fallback, patientOpenMs } from './fallback.ts'
import type { Draft, Message } from './message.ts'
import { Outbox } from './outbox.ts'
import { delayBeforeRetryMs } from './retry.ts'
import type { SessionEvent, SessionPhase, SessionState, SwitchReport } from './session.state.ts'
import { Attempt } from './session-attempt.ts'
import { Openings, overtakeMs } from './session-openings.ts'
import { Position } from './session-position.ts'
import { nobody, Switch, type SwitchWaiter, superseded } from './session-switch.ts'
import { ladderView, linkViews } from './session-view.ts'
import { roomProblem, textProblem, userProblem } from './text.ts'

export interface SessionOptions {
  /** The lab's address. */
  readonly base: URL
  readonly room: string
  readonly transports: readonly ClientTransport[]
  /** The one to use; `auto`: the best of `fallback` that works. */
  readonly transport: TransportName
  /** What may take its place where it can't be used, the best first (R31, R32); what can't run here is left out. None: it alone is tried, again and again. */
  readonly fallback?: readonly TransportName[]
  /** Messages of history to begin with. */
  readonly last: number
  onEvent(event: SessionEvent): void
  /** Drafts whose fate an earlier session never learned. They are sent first, in this order. */
  readonly drafts?: readonly Draft[]
  readonly clock?: Clock
  /** Uniform in [0, 1). */
  readonly random?: () => number
}

export class Session {
  readonly #options: SessionOptions
  readonly #clock: Clock
  readonly #random: () => number
  readonly #outbox: Outbox
  readonly #fallback: Fallback
  #phase: SessionPhase = 'connecting'
  /** The one in use, or being tried. */
  #transport: ClientTransport
  readonly #position = new Position()
  /** Made of 122 random bits: nobody else can name this session (R24). Links that race have one each, and the winner's becomes the session's. */
  #id = uuidVersion4()
  #linkNumber = 0
  /** The link that carries the session. */
  #live: Attempt | null = null
  /** What is being opened to carry it next. */
  readonly #openings: Openings
  /** The former link, while the live one catches up. */
  #former: Attempt | null = null
  readonly #switch: Switch
  #failures = 0
  #trouble: Closed | null = null
  #retryAtMs: number | null = null
  #cancelRetry: CancelTimer | null = null
  #cancelReturn: CancelTimer | null = null
  /** The transport that took another one's place, as far as that was told. */
  #told: TransportName | null = null
  /** Since when there has been no open link; null while there is one. */
  #offlineSinceMs: number | null = null
  #wasOpen = false
  #recovering: { readonly offlineMs: number; caughtUp: number } | null = null
  #state: SessionState

  /** Throws `UsageError` for a room or transport that cannot be, or a ladder without a step. Opens nothing yet. */
  constructor(options: SessionOptions) {
    const problem = roomProblem(options.room)
    if (problem !== null) throw new UsageError(problem)
    this.#options = options
    this.#clock = options.clock ?? systemClock
    this.#random = options.random ?? Math.random
    const ladder = (options.fallback ?? []).filter(
      (name) => this.#find(name).missing(options.base).length === 0,
    )
    if (options.transport === auto && ladder.length === 0)
      throw new UsageError('"auto" needs a ladder: none of "fallback" can run here.')
    this.#openings = new Openings(this.#clock)
    this.#switch = new Switch(this.#clock, () => this.#position.overlapped)
    this.#fallback = new Fallback(options.transport, ladder, this.#clock)
    this.#transport = this.#next()
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
    if (this.#state.cursor !== this.#position.cursor)
      this.#state = { ...this.#state, cursor: this.#position.cursor }
    return this.#state
  }

  start(): void {
    if (this.#linkNumber === 0 && this.#phase !== 'closed') this.#open(this.#transport)
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
   * call takes the place of this one; with a `UsageError` when there is no such transport, or no ladder for `auto`.
   */
  async switchTo(name: TransportName): Promise<SwitchReport> {
    const transport = name === auto ? this.#best() : this.#find(name)
    if (this.#phase === 'closed') throw new LinkError('local', 'This session is closed.', { retry: false })
    const from = this.#live?.transport.name ?? this.#transport.name
    if (
      this.#openings.first === null &&
      !this.#switch.underWay &&
      this.#live !== null &&
      transport.name === from
    ) {
      this.#fallback.wished = name
      this.#planReturn()
      this.#changed()
      return { from, to: from, durationMs: 0, overlapped: 0 }
    }
    const wishedBefore = this.#granted()
    this.#supersede()
    this.#fallback.wished = name
    this.#fallback.forgive(name)
    this.#failures = 0
    return new Promise((resolve, reject) => {
      this.#goOver(transport, from, wishedBefore, { resolve, reject })
    })
  }

  /**
   * Does not wait any longer: tries now, or asks the open link for a sign of life. What was left alone is tried again too: who
   * asks has looked, or has another network.
   */
  reconnect(): void {
    this.#fallback.forgive()
    // What carries the session is believed as before, unless it owes an answer when it ends.
    if (this.#live !== null) this.#fallback.opened(this.#live.transport.name)
    if (this.#phase === 'waiting') this.#open(this.#next())
    this.#live?.probe()
    this.#return()
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
    this.#cancelReturn?.()
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

  /** The wish that stands when what is being tried fails: one that is not open yet has not been granted. */
  #granted(): TransportName {
    return this.#switch.wishedBefore(this.#openings.first) ?? this.#fallback.wished
  }

  /** Gives up a switch, or an opening, that something newer takes the place of. */
  #supersede(): void {
    const waiter = this.#switch.take()
    this.#openings.end()
    waiter.reject(superseded())
  }

  #goOver(
    to: ClientTransport,
    from: TransportName,
    wishedBefore: TransportName | null,
    waiter: SwitchWaiter,
  ): void {
    const attempt = this.#open(to)
    if (!this.#openings.includes(attempt)) {
      // The application heard of it and did something else at once.
      waiter.reject(superseded())
      return
    }
    this.#switch.begin(from, attempt, wishedBefore, waiter)
  }

  /** The best of the ladder that nothing is held against. */
  #best(): ClientTransport {
    const wished = this.#fallback.wished
    this.#fallback.wished = auto
    try {
      return this.#next()
    } finally {
      this.#fallback.wished = wished
    }
  }

  /** The transport to try now. */
  #next(): ClientTransport {
    return this.#find(this.#fallback.next())
  }

  /** Goes back to a better transport that was left alone until now, while the present link goes on. */
  #return(): void {
    const live = this.#live
    if (live === null || this.#openings.first !== null || this.#switch.underWay) return
    const better = this.#next()
    if (better === live.transport) this.#planReturn()
    else this.#goOver(better, live.transport.name, null, nobody)
  }

  #planReturn(): void {
    this.#cancelReturn?.()
    this.#cancelReturn = null
    const skipped = this.#live === null ? [] : this.#fallback.skippedFor(this.#live.transport.name)
    if (skipped.length === 0) return
    const atMs = Math.min(...skipped.map(({ untilMs }) => untilMs))
    this.#cancelReturn = this.#clock.after(atMs - this.#clock.nowMs(), () => this.#return())
  }

  /** Opens a link; where nothing carries the session, and nothing is known to work, others join it (a race). */
  #open(transport: ClientTransport): Attempt {
    this.#cancelRetry?.()
    this.#cancelRetry = null
    this.#retryAtMs = null
    this.#transport = transport
    if (this.#live === null) {
      this.#phase = 'connecting'
      this.#offlineSinceMs ??= this.#clock.nowMs()
    }
    const races = this.#live === null && this.#fallback.races(transport.name)
    // Beside a link that is open, or others that are being opened, nothing else waits for it.
    const patient = races || this.#live !== null
    const timeoutMs = patient ? patientOpenMs : this.#fallback.openTimeoutMs(transport.name)
    if (races) this.#openings.planNext(() => this.#join())
    return this.#begin(transport, this.#id, timeoutMs)
  }

  /** The next best takes part in the race. Another session's id keeps the server from taking it for the successor of one that may yet win (R24). */
  #join(): void {
    const name = this.#fallback.next(this.#openings.names)
    if (name === null) {
      this.#changed()
      return
    }
    this.#openings.planNext(() => this.#join())
    this.#begin(this.#find(name), uuidVersion4(), patientOpenMs)
  }

  /** `before`: the one whose place it takes. */
  #begin(transport: ClientTransport, session: string, timeoutMs: number, before?: Attempt): Attempt {
    this.#linkNumber += 1
    const start: Start =
      this.#position.cursor === null ? { last: this.#options.last } : { after: this.#position.cursor }
    const attempt = new Attempt({
      number: this.#linkNumber,
      session,
      transport,
      start,
      resets: this.#position.resets,
      clock: this.#clock,
      onDelivery: (delivery) => this.#receive(attempt, delivery),
      onOpened: () => this.#opened(attempt),
      onFailed: (error) => this.#failed(attempt, error),
      onClosed: (reason) => this.#closed(attempt, reason),
      onChanged: () => this.#changed(),
    })
    if (before === undefined) this.#openings.add(attempt)
    else this.#openings.replace(before, attempt)
    const { base, room } = this.#options
    attempt.open({ base, room }, timeoutMs)
    this.#changed()
    return attempt
  }

  /** Opens once more, at the cursor, what began ahead of it: while it was on its way, another one of the race has set the cursor. Nothing is wrong with either. */
  #beginAtCursor(early: Attempt): void {
    void early.end()
    const attempt = this.#begin(early.transport, early.session, patientOpenMs, early)
    this.#switch.replace(early, attempt)
    if (this.#live !== null) attempt.hurry(overtakeMs)
  }

  #opened(attempt: Attempt): void {
    if (!this.#openings.includes(attempt)) {
      void attempt.end()
      return
    }
    const start = attempt.link?.start
    if (attempt.beginsAnywhere && start !== undefined && this.#position.isBehind(start)) {
      this.#beginAtCursor(attempt)
      return
    }
    this.#openings.won(attempt)
    // Better ones that are still on their way: what is in the way of them is soon told (R32).
    for (const better of this.#openings.all) better.hurry(overtakeMs)
    this.#id = attempt.session
    this.#switch.opened(attempt, this.#live)
    void this.#former?.end()
    this.#former = this.#live
    this.#live = attempt
    this.#transport = attempt.transport
    this.#phase = 'open'
    this.#trouble = null
    this.#fallback.opened(attempt.transport.name)
    this.#tellFallback(attempt.transport.name)
    if (this.#offlineSinceMs !== null) {
      // The very first link recovers nothing, though it may have delivered before it was told of.
      this.#recovering = this.#wasOpen
        ? { offlineMs: this.#clock.nowMs() - this.#offlineSinceMs, caughtUp: 0 }
        : null
      this.#offlineSinceMs = null
    }
    this.#wasOpen = true
    this.#position.cursor ??= attempt.link?.start ?? null
    this.#outbox.use(attempt.link)
    this.#settle()
    this.#changed()
    this.#return()
  }

  #failed(attempt: Attempt, error: LinkError): void {
    if (!this.#openings.includes(attempt)) return
    this.#openings.remove(attempt)
    this.#trouble = {
      cause: error.cause,
      retry: error.retry,
      ...(error.retryAfterMs === undefined ? {} : { retryAfterMs: error.retryAfterMs }),
      detail: error.message,
    }
    const { name } = attempt.transport
    let waiter: SwitchWaiter
    if (this.#live !== null) {
      // The old link is as good as before.
      this.#transport = this.#live.transport
      this.#fallback.wished = this.#switch.wishedBefore(attempt) ?? this.#fallback.wished
      waiter = this.#switch.failed(attempt, false, null)
      this.#fallback.failedBeside(name, this.#transport.name, error.message)
      this.#tellFallback(this.#transport.name)
      this.#changed()
      this.#return()
    } else {
      const isOwn = isItsOwn(error)
      // What the server says of itself holds for the others too.
      if (!isOwn) this.#openings.end()
      waiter = this.#switch.failed(attempt, true, this.#openings.first)
      const another = isOwn && this.#fallback.failed(name, error.message, !error.retry || error.isBlocked)
      // The others run on, and there is no reason to wait with the next.
      if (this.#openings.first !== null) this.#join()
      else if (another) this.#open(this.#next())
      // What was open once is not refused for good by a stranger.
      else this.#retry(error.retry || (this.#wasOpen && isOfAnother(error)), error.retryAfterMs)
    }
    waiter.reject(error)
  }

  /** Says once that another transport stands in for the one that is wished for, or for the best of the ladder. */
  #tellFallback(to: TransportName): void {
    const [skip] = this.#fallback.skippedFor(to)
    if (skip === undefined) this.#told = null
    if (skip === undefined || this.#told === to) return
    this.#told = to
    this.#options.onEvent({ kind: 'fell-back', from: skip.transport, to, detail: skip.detail })
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
    this.#cancelReturn?.()
    const use = attempt.use(reason)
    if (use === 'useful') this.#failures = 0
    // It was asked for a sign of life and gave none: this is another network, where something else may work.
    if (attempt.isSilent) this.#fallback.forgive(attempt.transport.name)
    // What the server ends in words was no fault of the transport.
    if (reason.cause !== 'peer' && reason.cause !== 'replaced')
      this.#fallback.ended(attempt.transport.name, reason.detail, use)
    const { first } = this.#openings
    if (first === null) {
      this.#switch.take().reject(new LinkError(reason.cause, reason.detail, { retry: reason.retry }))
      this.#retry(reason.retry || reason.cause === 'replaced', reason.retryAfterMs)
    } else {
      if (this.#fallback.races(first.transport.name)) this.#openings.planNext(() => this.#join())
      // It was opened beside this one, and had time.
      else first.hurry(this.#fallback.openTimeoutMs(first.transport.name))
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
    this.#cancelRetry = this.#clock.after(delayMs, () => this.#open(this.#next()))
    this.#changed()
  }

  #receive(attempt: Attempt, delivery: Delivery): void {
    if (attempt !== this.#live && attempt !== this.#former && !this.#openings.includes(attempt)) return
    const isFirst = this.#position.cursor === null
    const step = this.#position.take(delivery, attempt.resets)
    const { onEvent } = this.#options
    const { cursor } = delivery
    switch (step.kind) {
      case 'hole':
        if (attempt.beginsAnywhere && this.#openings.includes(attempt)) this.#beginAtCursor(attempt)
        else attempt.fail(new LinkError('protocol', step.detail))
        return
      case 'messages':
        if (isFirst) this.#changed()
        this.#handUp(attempt, step.after, step.messages)
        break
      case 'gap':
        onEvent({ kind: 'gap', after: step.after, cursor })
        break
      case 'reset':
        attempt.resets = this.#position.resets
        onEvent({ kind: 'reset', cursor })
        break
      case 'nothing':
        break
    }
    this.#settle()
  }

  #handUp(attempt: Attempt, after: Cursor, messages: readonly Message[]): void {
    const { cursor } = this.#position
    if (messages.length === 0 || cursor === null) return
    if (this.#recovering !== null) this.#recovering.caughtUp += messages.length
    this.#options.onEvent({
      kind: 'messages',
      after,
      messages,
      cursor,
      receivedAtMs: this.#clock.nowMs(),
      transport: attempt.transport.name,
    })
    this.#outbox.seen(messages)
  }

  /** Once the live link has caught up, lets the former one go and tells what there is to tell. */
  #settle(): void {
    const live = this.#live
    const head = live?.link?.head
    if (live === null || head === undefined || this.#position.cursor === null) return
    const caughtUp = this.#position.cursor.epoch !== head.epoch || this.#position.cursor.offset >= head.offset
    if (!caughtUp) return
    const former = this.#former
    this.#former = null
    void former?.end()
    const switched = this.#switch.finished(live)
    if (switched !== null) {
      this.#options.onEvent({ kind: 'switched', report: switched.report })
      switched.waiter.resolve(switched.report)
    }
    const recovered = this.#recovering
    this.#recovering = null
    if (recovered !== null) this.#options.onEvent({ kind: 'recovered', ...recovered })
    if (former !== null || switched !== null || recovered !== null) this.#changed()
    // While it lasted there was no way back.
    if (switched !== null) this.#return()
  }

  #changed(): void {
    this.#state = this.#view()
    this.#options.onEvent({ kind: 'state', state: this.#state })
  }

  #view(): SessionState {
    const parts = { live: this.#live, former: this.#former, openings: this.#openings.all }
    return {
      phase: this.#phase,
      transport: this.#transport.name,
      wished: this.#fallback.wished,
      skipped: this.#live === null ? [] : this.#fallback.skippedFor(this.#live.transport.name),
      ladder: ladderView(this.#fallback.rungs(), parts),
      links: linkViews(parts),
      retryAtMs: this.#retryAtMs,
      failures: this.#phase === 'open' ? 0 : this.#failures,
      trouble: this.#trouble,
      pending: this.#outbox.pending,
      cursor: this.#position.cursor,
    }
  }
}

/** Whether a failure to open may lie in the transport. What Parley's server says about itself, or about the session, does not; what a proxy says may. */
function isItsOwn({ cause, retry, problem }: LinkError): boolean {
  if (cause === 'peer' || cause === 'replaced' || cause === 'local') return false
  return !(cause === 'refused' && retry && problem !== undefined)
}
