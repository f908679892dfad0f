// The switch that a session is about to make: who asked for it, which link will bring it about, and what is reported in the end.
import type { Clock } from './clock.ts'
import type { TransportName } from './contract.ts'
import { LinkError } from './errors.ts'
import type { SwitchReport } from './session.state.ts'
import type { Attempt } from './session-attempt.ts'

/** Who waits to hear what became of it. */
export interface SwitchWaiter {
  resolve(report: SwitchReport): void
  reject(error: LinkError): void
}

/** Nobody asked for it. */
export const nobody: SwitchWaiter = { resolve: () => undefined, reject: () => undefined }

interface Switching {
  readonly from: TransportName
  /** The link that will have brought it about, as far as can be seen. */
  readonly attempt: Attempt
  readonly startedAtMs: number
  readonly overlappedBefore: number
  /** What was wished for before; null: nobody asked for this switch. */
  readonly wishedBefore: TransportName | null
  readonly waiter: SwitchWaiter
}

/** At most one switch at a time; a newer one takes the place of it. */
export class Switch {
  readonly #clock: Clock
  readonly #overlapped: () => number
  #current: Switching | null = null

  /** `overlapped`: how many deliveries came over two links so far. */
  constructor(clock: Clock, overlapped: () => number) {
    this.#clock = clock
    this.#overlapped = overlapped
  }

  get underWay(): boolean {
    return this.#current !== null
  }

  /** What was wished for before the switch that this link is to bring about; null: there is none, or nobody asked for it. */
  wishedBefore(attempt: Attempt | null): TransportName | null {
    return attempt !== null && this.#current?.attempt === attempt ? this.#current.wishedBefore : null
  }

  begin(
    from: TransportName,
    attempt: Attempt,
    wishedBefore: TransportName | null,
    waiter: SwitchWaiter,
  ): void {
    this.#current?.waiter.reject(superseded())
    const startedAtMs = this.#clock.nowMs()
    this.#current = { from, attempt, startedAtMs, overlappedBefore: this.#overlapped(), wishedBefore, waiter }
  }

  /** Gives up on it. */
  take(): SwitchWaiter {
    const waiter = this.#current?.waiter ?? nobody
    this.#current = null
    return waiter
  }

  /** Whoever won a race brings about the switch that it was for. A better one that opens after all makes another, though nobody asked for it. */
  opened(attempt: Attempt, former: Attempt | null): void {
    if (this.#current?.attempt === attempt) return
    if (former !== null) this.begin(former.transport.name, attempt, null, nobody)
    else if (this.#current !== null) this.#current = { ...this.#current, attempt }
  }

  /** What one was to bring about, the other is to bring about. */
  replace(attempt: Attempt, by: Attempt): void {
    if (this.#current?.attempt === attempt) this.#current = { ...this.#current, attempt: by }
  }

  /** A link could not be opened. Gives who waited for it; `instead`: another one of the same race, which may still bring the switch about. */
  failed(attempt: Attempt, isOffline: boolean, instead: Attempt | null): SwitchWaiter {
    if (this.#current === null || (!isOffline && this.#current.attempt !== attempt)) return nobody
    if (!isOffline || instead === null) return this.take()
    this.#current = { ...this.#current, attempt: instead }
    return nobody
  }

  /** The link has caught up. Gives the report, and who waits for it, when that was the switch. */
  finished(live: Attempt): { readonly report: SwitchReport; readonly waiter: SwitchWaiter } | null {
    const current = this.#current
    if (current?.attempt !== live) return null
    this.#current = null
    const report: SwitchReport = {
      from: current.from,
      to: live.transport.name,
      durationMs: this.#clock.nowMs() - current.startedAtMs,
      overlapped: this.#overlapped() - current.overlappedBefore,
    }
    return { report, waiter: current.waiter }
  }
}

export function superseded(): LinkError {
  return new LinkError('local', 'Another switch took the place of this one.')
}
