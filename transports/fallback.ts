// Which transport a session tries next: the one that is wished for, unless it can't be used here while another can (R31, R32).
import type { Clock } from './clock.ts'
import { auto, type TransportName } from './contract.ts'
import type { RungView } from './session.state.ts'

/** How long a transport that can't be used is left alone; it doubles each time that it can't be used again. */
const skipMs = 60_000
const longestSkipMs = 600_000
/** So often a link may open and end without having brought anything before its transport is left alone. */
const mostFlaps = 3
/** A transport that has been open in this session may fail so often before another one is tried: it is more likely the network. */
const mostFailures = 2
/** How long an opening may take while another transport is left to be tried: a blocked one must leave time for it (R32 allows 3 s). */
const impatientOpenMs = 2000
export const patientOpenMs = 10_000

/** What a link was good for: it brought something, or lived for a while; it ended at once, with nothing; or it was silent until it was given up. */
export type LinkUse = 'useful' | 'useless' | 'stalled'

/** A transport that is left alone for a time, because another works where it doesn't. */
export interface Skip {
  readonly transport: TransportName
  /** Why, as a sentence. */
  readonly detail: string
  /** Monotonic clock, ms: when it is tried again. */
  readonly untilMs: number
}

interface Rung {
  readonly name: TransportName
  /** It has been open in this session. */
  worked: boolean
  /** Openings that failed since then, or since the beginning. */
  failures: number
  /** Links that opened and ended without having brought anything, one after the other. */
  flaps: number
  /** Why it seems useless, until another works where it doesn't, or none does. */
  doubt: string | null
  skip: Skip | null
  /** Skips one after the other. */
  skips: number
}

/** The order in which transports are tried. It knows no links: the session tells it what became of them. */
export class Fallback {
  readonly #clock: Clock
  readonly #order: readonly TransportName[]
  readonly #rungs = new Map<TransportName, Rung>()
  #wished: TransportName

  /** `order`: what may take the place of the wished one, the best first. Empty: nothing may. */
  constructor(wished: TransportName, order: readonly TransportName[], clock: Clock) {
    this.#clock = clock
    this.#order = order
    this.#wished = wished
  }

  get wished(): TransportName {
    return this.#wished
  }

  set wished(name: TransportName) {
    this.#wished = name
  }

  /** Nothing is held against this one any more, or against any, nor in their favour: somebody insists, or the network is another one. */
  forgive(name?: TransportName): void {
    for (const rung of this.#rungs.values()) {
      if (name === undefined || rung.name === name)
        Object.assign(rung, { worked: false, failures: 0, flaps: 0, doubt: null, skip: null, skips: 0 })
    }
  }

  /** The one to try now: the best that nothing is held against; the best of all when something is against each. */
  next(): TransportName
  /** The same, where these are being tried already: null when there is no other. */
  next(except: readonly TransportName[]): TransportName | null
  next(except: readonly TransportName[] = []): TransportName | null {
    const found = this.#candidate(except)?.name
    return found ?? (except.length === 0 ? (this.#ladder()[0] ?? this.#wished) : null)
  }

  /**
   * Whether others join this one in a race, where it is not open soon (R32): on the ladder, as long as it has not been open. What has
   * worked is believed, so that a thousand clients that were cut together come back with one handshake each (R33).
   */
  races(name: TransportName): boolean {
    return this.#wished === auto && !this.#rung(name).worked
  }

  /** How long opening this one may take, in ms, when no link is open meanwhile. One that was left alone is not believed yet. */
  openTimeoutMs(name: TransportName): number {
    const { worked, skip } = this.#rung(name)
    const isLast = this.#candidate([name]) === undefined
    return isLast || (worked && skip === null) ? patientOpenMs : impatientOpenMs
  }

  /**
   * It could not be opened, for a reason that may be its own. `final`: that is certain, as it was refused for good, or is stopped where others pass.
   * True: `next()` is another one now, to be tried at once. False: there is nothing better to try.
   */
  failed(name: TransportName, detail: string, final: boolean): boolean {
    const rung = this.#rung(name)
    rung.failures += 1
    // Once one has been given up it is no passing trouble: those behind it are gone through without a wait.
    const isGoingDown = [...this.#rungs.values()].some(({ doubt }) => doubt !== null)
    if (rung.worked && rung.failures < mostFailures && !final && !isGoingDown) return false
    return this.#doubt(rung, detail)
  }

  /** It was tried beside a link of another one, and can't be used. Where it would be better, it is left alone for a time. */
  failedBeside(name: TransportName, live: TransportName, detail: string): void {
    if (this.#betterThan(live).includes(name)) this.#skip(this.#rung(name), detail)
  }

  /** A link of it is open: what seemed useless meanwhile is left alone for a time. */
  opened(name: TransportName): void {
    for (const rung of this.#rungs.values())
      if (rung.doubt !== null && rung.name !== name) this.#skip(rung, rung.doubt)
    Object.assign(this.#rung(name), { worked: true, failures: 0, doubt: null, skip: null })
  }

  /** A link of it has ended, though nobody wished so. */
  ended(name: TransportName, detail: string, use: LinkUse): void {
    const rung = this.#rung(name)
    if (use === 'useful') {
      rung.flaps = 0
      rung.skips = 0
      return
    }
    if (use === 'stalled') {
      this.#doubt(rung, `It opened and stalled: something on the way holds back what it brings. ${detail}`)
      return
    }
    rung.flaps += 1
    if (rung.flaps < mostFlaps) return
    rung.flaps = 0
    this.#doubt(rung, `It opened ${mostFlaps} times and ended without having brought anything: ${detail}`)
  }

  /** What is left alone in favour of a link of this transport, the best first. */
  skippedFor(name: TransportName): readonly Skip[] {
    return this.#betterThan(name).flatMap((better) => {
      const skip = this.#rung(better).skip
      return skip === null ? [] : [skip]
    })
  }

  /** The steps, the best first, as they stand; which of them are open, or being opened, the session knows. */
  rungs(): readonly RungView[] {
    return this.#ladder().map((name) => {
      const { doubt, skip } = this.#rung(name)
      if (skip !== null)
        return { transport: name, standing: 'skipped', detail: skip.detail, untilMs: skip.untilMs }
      const standing = doubt === null ? 'untried' : 'failed'
      return { transport: name, standing, detail: doubt, untilMs: null }
    })
  }

  #betterThan(name: TransportName): readonly TransportName[] {
    const names = this.#ladder()
    return names.slice(0, Math.max(0, names.indexOf(name)))
  }

  #ladder(): readonly TransportName[] {
    return this.#wished === auto
      ? this.#order
      : [this.#wished, ...this.#order.filter((name) => name !== this.#wished)]
  }

  #rung(name: TransportName): Rung {
    let rung = this.#rungs.get(name)
    if (rung === undefined) {
      rung = { name, worked: false, failures: 0, flaps: 0, doubt: null, skip: null, skips: 0 }
      this.#rungs.set(name, rung)
    }
    return rung
  }

  /** The best that nothing is held against. */
  #candidate(except: readonly TransportName[] = []): Rung | undefined {
    const nowMs = this.#clock.nowMs()
    return this.#ladder()
      .map((name) => this.#rung(name))
      .find(
        ({ name, doubt, skip }) =>
          !except.includes(name) && doubt === null && (skip === null || skip.untilMs <= nowMs),
      )
  }

  /** Gives whether another is left to be tried. When none is, it was no fault of theirs: all of them are trusted again. */
  #doubt(rung: Rung, detail: string): boolean {
    rung.doubt = detail
    if (this.#candidate() !== undefined) return true
    for (const one of this.#rungs.values()) Object.assign(one, { failures: 0, doubt: null, skip: null })
    return false
  }

  #skip(rung: Rung, detail: string): void {
    const forMs = Math.min(longestSkipMs, skipMs * 2 ** Math.min(rung.skips, 10))
    rung.skips += 1
    rung.doubt = null
    rung.skip = { transport: rung.name, detail, untilMs: this.#clock.nowMs() + forMs }
  }
}
