// How bunched events are, for tests of storms.

/** The largest share of `of` that falls into any `windowMs` on end, wherever they begin. */
export function busiestShare(timesMs: readonly number[], of: number, windowMs: number): number {
  const sorted = timesMs.toSorted((one, other) => one - other)
  let most = 0
  let first = 0
  for (const [index, atMs] of sorted.entries()) {
    while (atMs - (sorted[first] ?? 0) >= windowMs) first += 1
    most = Math.max(most, index - first + 1)
  }
  return most / of
}
