// Seeded randomness: the same seed gives the same schedule, order of blocks and bootstrap on every machine.

/** Gives numbers in [0, 1). */
export type Random = () => number

/** A stream of its own for each purpose (`label`), so that one more draw in one place shifts nothing elsewhere. */
export function randomStream(seed: number, label: string): Random {
  let state = (seed ^ hash(label)) >>> 0
  // mulberry32: 32 bits of state, passes gjrand; far more than schedules and resampling need.
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = state
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

/** An exponentially distributed wait with this mean, in the mean's unit. */
export function exponential(random: Random, mean: number): number {
  return -Math.log(1 - random()) * mean
}

/** The items in a random order (Fisher and Yates). */
export function shuffled<T>(random: Random, items: readonly T[]): T[] {
  const result = [...items]
  for (let last = result.length - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1))
    const kept = result[last] as T
    result[last] = result[other] as T
    result[other] = kept
  }
  return result
}

/** FNV-1a, 32 bits. */
function hash(text: string): number {
  let value = 0x811c9dc5
  for (let index = 0; index < text.length; index++) {
    value = Math.imul(value ^ text.charCodeAt(index), 0x01000193)
  }
  return value >>> 0
}
