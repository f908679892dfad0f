// The plan of a run: a shuffled deck of every fault on every transport, dealt to whoever is free. Pure.
import { ladder } from '../../transports/catalogue.ts'
import { auto } from '../../transports/contract.ts'
import { type Random, shuffled } from '../random.ts'
import type { LinkFault, ServerFault } from './faults.ts'
import { linkFaults, serverFaults } from './faults.ts'

export interface Card {
  readonly transport: string
  readonly kind: LinkFault
}

/** Each pair comes once before any comes again, so that none is left to luck. */
export class Deck {
  readonly #random: Random
  readonly #pairs: readonly Card[]
  #cards: Card[]

  /** The first deck begins with the slowest faults, as a short run would otherwise not get through them. */
  constructor(random: Random, transports: readonly string[]) {
    this.#random = random
    // A client that has but one transport has nowhere to switch from: that card would be dealt in vain for ever.
    const kinds = linkFaults.filter((kind) => kind !== 'switch' || transports.length > 1)
    this.#pairs = transports.flatMap((transport) => kinds.map((kind) => ({ transport, kind })))
    const cards = shuffled(random, this.#pairs)
    this.#cards = [...cards.filter(isSlow), ...cards.filter((card) => !isSlow(card))]
  }

  /** The next card that `fits`; null when none does. */
  next(fits: (card: Card) => boolean): Card | null {
    const found = this.#take(fits)
    if (found !== null || !this.#pairs.some(fits)) return found
    this.#cards.push(...shuffled(this.#random, this.#pairs))
    return this.#take(fits)
  }

  /** Puts a card back on top: it did not come to what it should. */
  again(card: Card): void {
    this.#cards.unshift(card)
  }

  #take(fits: (card: Card) => boolean): Card | null {
    const at = this.#cards.findIndex(fits)
    return at < 0 ? null : (this.#cards.splice(at, 1)[0] ?? null)
  }
}

function isSlow({ kind }: Card): boolean {
  return kind === 'stall-long' || kind === 'black-hole'
}

/** The steps that `auto` has among these transports, the best first. */
export function rungsOf(transports: readonly string[]): readonly string[] {
  return ladder.filter((name) => transports.includes(name))
}

/** Every second client has the ladder beneath what it is told, as the page does, and so has who begins on `auto`. */
export function hasLadder(index: number, transport: string): boolean {
  return index % 2 === 1 || transport === auto
}

export interface ServerAct {
  readonly kind: ServerFault
  /** From the end of the last one. */
  readonly afterMs: number
  /** How long the server is gone before it is started again. */
  readonly downMs: number
}

/** Kills and restarts, as many of the one as of the other, without end: about four of each a minute. */
export function* serverActs(random: Random): Generator<ServerAct, never> {
  for (;;) {
    for (const kind of shuffled(random, serverFaults)) {
      yield { kind, afterMs: 3500 + random() * 3500, downMs: random() < 0.5 ? 0 : random() * 1000 }
    }
  }
}

/** So that links find themselves dead within a short run; */
const shortHeartbeatSeconds = 2
/** and as people have it, in the last third of a run that is long enough. */
const usualHeartbeatSeconds = 10
const longRunSeconds = 600

/** What a long poll asks to be held for: as rarely as the others' heartbeats come, and in a long run as people have it. */
export function waitSecondsOf(runSeconds: number): number {
  return runSeconds >= longRunSeconds ? usualHeartbeatSeconds : shortHeartbeatSeconds
}

/** The heartbeat of a server that is started after so many seconds of a run. */
export function heartbeatSecondsAt(elapsedSeconds: number, runSeconds: number): number {
  const isLate = runSeconds >= longRunSeconds && elapsedSeconds > (runSeconds * 2) / 3
  return isLate ? usualHeartbeatSeconds : shortHeartbeatSeconds
}
