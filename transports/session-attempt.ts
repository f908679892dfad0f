// One link of a session, from the call that opens it to its end.
import type { CancelTimer, Clock } from './clock.ts'
import type { ClientTransport, Closed, Delivery, Link, OpenRequest } from './contract.ts'
import { LinkError, messageOf } from './errors.ts'
import type { LinkView } from './session.state.ts'

/** How long opening a link may take before it counts as failed. */
export const openTimeoutMs = 10_000

export interface AttemptParts {
  readonly number: number
  readonly transport: ClientTransport
  /** How many resets the session had seen when it asked for this link. */
  readonly resets: number
  onDelivery(delivery: Delivery): void
  onOpened(): void
  /** It never opened. */
  onFailed(error: LinkError): void
  /** It was open and is not any more. */
  onClosed(reason: Closed): void
}

export class Attempt {
  readonly number: number
  readonly transport: ClientTransport
  resets: number
  link: Link | null = null
  readonly #parts: AttemptParts
  readonly #abort = new AbortController()
  #ended = false
  /** It closed before its opening was told. */
  #closedEarly: Closed | null = null

  constructor(parts: AttemptParts) {
    this.#parts = parts
    this.number = parts.number
    this.transport = parts.transport
    this.resets = parts.resets
  }

  open(request: Pick<OpenRequest, 'base' | 'room' | 'session' | 'start'>, clock: Clock): void {
    let late = false
    const cancelTimer: CancelTimer = clock.after(openTimeoutMs, () => {
      late = true
      this.#abort.abort()
    })
    const opening = this.transport.open({
      ...request,
      link: this.number,
      receive: (delivery) => {
        if (!this.#ended) this.#parts.onDelivery(delivery)
      },
      closed: (reason) => this.#closed(reason),
      signal: this.#abort.signal,
    })
    opening.then(
      (link) => {
        cancelTimer()
        this.#opened(link)
      },
      (error: unknown) => {
        cancelTimer()
        if (this.#ended) return
        this.#ended = true
        this.#parts.onFailed(late ? tooLate() : asLinkError(error))
      },
    )
  }

  /** Ends it, open or not. What comes of it afterwards is not handed up. */
  async end(): Promise<void> {
    this.#ended = true
    this.#abort.abort()
    await this.link?.close()
  }

  /** Ends it because of what the peer did. */
  fail(error: LinkError): void {
    if (this.#ended) return
    this.#ended = true
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

function tooLate(): LinkError {
  return new LinkError('idle', `The link did not open within ${openTimeoutMs / 1000} s.`)
}

function asLinkError(error: unknown): LinkError {
  return error instanceof LinkError ? error : new LinkError('network', messageOf(error), { error })
}
