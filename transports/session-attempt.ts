// One link of a session, from the call that opens it to its end.
import type { CancelTimer, Clock } from './clock.ts'
import type { ClientTransport, Closed, Delivery, Link, OpenRequest, Start } from './contract.ts'
import { LinkError, messageOf, OpeningTooLate } from './errors.ts'
import type { LinkUse } from './fallback.ts'
import type { LinkView } from './session.state.ts'

/** A link that has lived for so long was of use, even when there was nothing to bring. */
const usefulAfterMs = 5000

export interface AttemptParts {
  readonly number: number
  /** The id that it belongs to, for the server. */
  readonly session: string
  readonly transport: ClientTransport
  readonly start: Start
  /** How many resets the session had seen when it asked for this link. */
  readonly resets: number
  readonly clock: Clock
  onDelivery(delivery: Delivery): void
  onOpened(): void
  /** It never opened. */
  onFailed(error: LinkError): void
  /** What its view shows has changed. */
  onChanged(): void
  /** It was open and is not any more. */
  onClosed(reason: Closed): void
}

export class Attempt {
  readonly number: number
  readonly session: string
  readonly transport: ClientTransport
  resets: number
  link: Link | null = null
  readonly #parts: AttemptParts
  readonly #abort = new AbortController()
  #ended = false
  #delivered = false
  #openedAtMs = 0
  #readsAtOpening = 0
  /** How much had come when it was asked for a sign of life; null when it never was. */
  #readsAtProbe: number | null = null
  #late: OpeningTooLate | null = null
  #beganAtMs = 0
  #cancelTimer: CancelTimer | null = null
  /** It closed before its opening was told. */
  #closedEarly: Closed | null = null

  constructor(parts: AttemptParts) {
    this.#parts = parts
    this.number = parts.number
    this.session = parts.session
    this.transport = parts.transport
    this.resets = parts.resets
  }

  /**
   * What it was good for, when it ends for this reason. `stalled`: nothing came after its opening, not even a heartbeat (R1). One that falls into
   * the moment of a link that is cut at once makes it no better: the server's are sent by the clock.
   */
  use({ cause }: Closed): LinkUse {
    if (this.#delivered) return 'useful'
    const reads = this.link?.stats().reads ?? 0
    if (cause === 'idle') return reads > this.#readsAtOpening ? 'useful' : 'stalled'
    return this.#parts.clock.nowMs() - this.#openedAtMs >= usefulAfterMs ? 'useful' : 'useless'
  }

  /** It asked for the newest messages, as the session knew no position yet: where it begins is the server's to say. */
  get beginsAnywhere(): boolean {
    return 'last' in this.#parts.start
  }

  /** Asks the peer for a sign of life. */
  probe(): void {
    if (this.link === null) return
    this.#readsAtProbe = this.link.stats().reads
    this.link.probe()
  }

  /** Whether it owes a sign of life that it was asked for. */
  get isSilent(): boolean {
    return this.#readsAtProbe !== null && this.link?.stats().reads === this.#readsAtProbe
  }

  /** `timeoutMs`: how long opening it may take before it counts as failed. */
  open(request: Pick<OpenRequest, 'base' | 'room'>, timeoutMs: number): void {
    this.#beganAtMs = this.#parts.clock.nowMs()
    this.#limit(timeoutMs)
    const opening = this.transport.open({
      ...request,
      start: this.#parts.start,
      session: this.session,
      link: this.number,
      receive: (delivery) => {
        if (this.#ended) return
        if (delivery.kind !== 'messages' || delivery.messages.length > 0) this.#delivered = true
        this.#parts.onDelivery(delivery)
      },
      closed: (reason) => this.#closed(reason),
      renegotiated: () => {
        if (!this.#ended) this.#parts.onChanged()
      },
      signal: this.#abort.signal,
    })
    opening.then(
      (link) => {
        this.#cancelTimer?.()
        this.#opened(link)
      },
      (error: unknown) => {
        this.#cancelTimer?.()
        if (this.#ended) return
        this.#ended = true
        const failure = asLinkError(error)
        // A transport may know more about it than the time.
        const knowsWhy = failure.cause !== 'local'
        this.#parts.onFailed(
          this.#late === null || knowsWhy ? failure : new LinkError('idle', this.#late.message),
        )
      },
    )
  }

  /** From now on opening it may take so long, in ms: nothing else carries the session any more. */
  hurry(timeoutMs: number): void {
    if (this.link === null && !this.#ended && this.#late === null) this.#limit(timeoutMs)
  }

  #limit(timeoutMs: number): void {
    this.#cancelTimer?.()
    this.#cancelTimer = this.#parts.clock.after(timeoutMs, () => {
      this.#late = new OpeningTooLate(this.#parts.clock.nowMs() - this.#beganAtMs)
      this.#abort.abort(this.#late)
    })
  }

  /** Ends it, open or not. What comes of it afterwards is not handed up. */
  async end(): Promise<void> {
    this.#ended = true
    this.#cancelTimer?.()
    this.#abort.abort()
    await this.link?.close()
  }

  /** Ends it because of what the peer did. */
  fail(error: LinkError): void {
    if (this.#ended) return
    this.#ended = true
    this.#cancelTimer?.()
    this.#abort.abort()
    void this.link?.close()
    const reason: Closed = { cause: error.cause, retry: error.retry, detail: error.message }
    if (this.link === null) this.#parts.onFailed(error)
    else this.#parts.onClosed(reason)
  }

  view(phase: LinkView['phase']): LinkView {
    return {
      number: this.number,
      transport: this.transport.name,
      phase,
      negotiated: this.link?.negotiated ?? null,
    }
  }

  #opened(link: Link): void {
    this.link = link
    if (this.#ended) {
      void link.close()
      return
    }
    this.#openedAtMs = this.#parts.clock.nowMs()
    this.#readsAtOpening = link.stats().reads
    this.#parts.onOpened()
    if (this.#closedEarly !== null) this.#closed(this.#closedEarly)
  }

  #closed(reason: Closed): void {
    if (this.#ended) return
    if (this.link === null) {
      this.#closedEarly = reason
      return
    }
    this.#ended = true
    this.#parts.onClosed(reason)
  }
}

function asLinkError(error: unknown): LinkError {
  return error instanceof LinkError ? error : new LinkError('network', messageOf(error), { error })
}
