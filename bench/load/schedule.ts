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

/**
 * The same for a stretch that must have its share of messages: a Poisson process given its count, which is as many as the rate makes, at
 * independent uniform times. A count that is no whole number is rounded up as often as its fraction says. Of three messages that are
 * to be expected a free process sends none in one window of twenty.
 */
export function givenCountSchedule(
  random: Random,
  options: { readonly ratePerSecond: number; readonly durationMs: number },
): readonly number[] {
  const expected = (options.ratePerSecond * options.durationMs) / 1000
  const count = Math.floor(expected) + (random() < expected % 1 ? 1 : 0)
  return Array.from({ length: count }, () => random() * options.durationMs).sort((one, other) => one - other)
}

/**
 * Bursts of so many messages at the same moment, evenly spaced, so that one has gone before the next comes. Ascending, one time a message.
 * The first comes at once.
 */
export function burstSchedule(options: {
  readonly ratePerSecond: number
  readonly durationMs: number
  readonly burst: number
}): readonly number[] {
  const spacingMs = (options.burst / options.ratePerSecond) * 1000
  const times: number[] = []
  for (let at = 0; at < options.durationMs; at += spacingMs) {
    for (let one = 0; one < options.burst; one++) times.push(at)
  }
  return times
}
