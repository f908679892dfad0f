// Holm's step-down correction: of many comparisons, how many may be called different so that seldom even one is so by chance.

/**
 * Adjusted p-values in the order given: the k-th smallest of m times (m − k + 1), never less than the one before it, at most 1
 * (Holm 1979). Those at most α may be called different; all together err in at most a share α of runs, however they depend on each
 * other. What is not a number takes no part and stays so.
 */
export function holm(pValues: readonly number[]): readonly number[] {
  const order = pValues
    .map((p, index) => ({ p, index }))
    .filter(({ p }) => !Number.isNaN(p))
    .sort((one, other) => one.p - other.p)
  const adjusted = pValues.map(() => Number.NaN)
  let least = 0
  for (const [place, { p, index }] of order.entries()) {
    least = Math.max(least, Math.min(1, p * (order.length - place)))
    adjusted[index] = least
  }
  return adjusted
}
