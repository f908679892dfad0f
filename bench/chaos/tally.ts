// Counts which fault came to which transport, and what else happened. Pure.
import { auto } from '../../transports/contract.ts'
import { type FaultKind, faultKinds } from './faults.ts'

export class Tally {
  kills = 0
  restarts = 0
  /** Switches that were finished, and those that could not be, as the new link didn't open or another took their place. */
  switches = 0
  failedSwitches = 0
  /** Black holes in which the server, too, was seen to let go of the dead connection, and those in which it was not in time. */
  serverNoticed = 0
  serverMissed = 0
  readonly #faults = new Map<string, number>()
  readonly #transports: readonly string[]

  constructor(transports: readonly string[]) {
    this.#transports = transports
  }

  /** A fault that came to what it should on this transport. */
  count(transport: string, kind: FaultKind): void {
    const key = `${transport} ${kind}`
    this.#faults.set(key, (this.#faults.get(key) ?? 0) + 1)
  }

  of(transport: string, kind: FaultKind): number {
    return this.#faults.get(`${transport} ${kind}`) ?? 0
  }

  /** In all. What met the ladder has met one of the transports too, and counts there. */
  total(...kinds: FaultKind[]): number {
    const own = this.#transports.filter((transport) => transport !== auto)
    return own.reduce(
      (sum, transport) => sum + kinds.reduce((of, kind) => of + this.of(transport, kind), 0),
      0,
    )
  }

  /** Fault by fault, transport by transport. */
  table(): Record<string, Record<FaultKind, number>> {
    return Object.fromEntries(
      this.#transports.map((transport) => [
        transport,
        Object.fromEntries(faultKinds.map((kind) => [kind, this.of(transport, kind)])) as Record<
          FaultKind,
          number
        >,
      ]),
    )
  }
}
