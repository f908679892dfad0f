// The end of a link, which comes exactly once whoever causes it.
import type { Closed } from './contract.ts'

/** Keeps the first reason that a link ends for, and lets go of everything that must end with it. */
export class LinkEnd {
  #reason: Closed | null = null
  readonly #cleanups: (() => void)[] = []
  readonly #closed: (reason: Closed) => void

  /** `closed` is called at the first `end`, after all cleanups. */
  constructor(closed: (reason: Closed) => void) {
    this.#closed = closed
  }

  get reason(): Closed | null {
    return this.#reason
  }

  /** Runs `cleanup` when the link ends, or now when it has. */
  onEnd(cleanup: () => void): void {
    if (this.#reason === null) this.#cleanups.push(cleanup)
    else cleanup()
  }

  /** Ends the link; every call but the first does nothing. */
  end(reason: Closed): void {
    if (this.#reason !== null) return
    this.#reason = reason
    for (const cleanup of this.#cleanups.splice(0)) cleanup()
    this.#closed(reason)
  }
}

/** The end that this side asked for. */
export const endedHere: Closed = { cause: 'local', retry: true, detail: 'Closed here.' }

/** The end that the server gives to a link whose session has a newer one (R24). */
export const replacedByNewer: Closed = {
  cause: 'replaced',
  retry: false,
  detail: 'A newer link of this session took over.',
}
