// When each message of a cell is meant to leave: a Poisson process, drawn before the load starts.
import { exponential, type Random } from '../random.ts'

/**
 * The intended times in ms from the start of the load, ascending, all below `durationMs`.
 * Poisson, as many people who type independently are; absolute, so that a late sender does not shift what follows.
 */
export function poissonSchedule(
  random: Random,
  options: { readonly ratePerSecond: number; readonly durationMs: number },
): readonly number[] {
  const meanMs = 1000 / options.ratePerSecond
  const times: number[] = []
  for (let at = exponential(random, meanMs); at < options.durationMs; at += exponential(random, meanMs)) {
    times.push(at)
  }
  return times
}
