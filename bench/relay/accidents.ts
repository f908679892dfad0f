// What a profile does to a path by itself, drawn from the seed: when it stands still, and when a connection is cut. Pure.
import { exponential, type Random } from '../random.ts'
import type { Cut } from './contract.ts'
import type { Profile } from './profile.ts'

export interface Stall {
  /** From the end of the last one, or from the start. */
  readonly afterMs: number
  readonly durationMs: number
}

export function nextStall(random: Random, stalls: NonNullable<Profile['stalls']>): Stall {
  const afterMs = exponential(random, stalls.everyMs)
  const durationMs = stalls.shortestMs + random() * (stalls.longestMs - stalls.shortestMs)
  return { afterMs, durationMs }
}

export interface PlannedCut {
  /** From the connection's acceptance. */
  readonly afterMs: number
  readonly how: Cut
}

export function plannedCut(random: Random, cuts: NonNullable<Profile['cuts']>): PlannedCut {
  const afterMs = exponential(random, cuts.everyMs)
  return { afterMs, how: random() < 0.5 ? 'rst' : 'fin' }
}
