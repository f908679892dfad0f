// Scales and ticks of the plots: linear, logarithmic, and HdrHistogram's axis of percentiles. Pure arithmetic.

export interface Tick {
  readonly value: number
  readonly label: string
}

export interface Scale {
  readonly low: number
  readonly high: number
  /** From a value to 0…1; what lies outside of the domain is outside of 0…1. */
  readonly place: (value: number) => number
  readonly ticks: readonly Tick[]
}

export type Label = (value: number) => string

/** From zero or a round number to a round number, with about `count` ticks at steps of 1, 2 or 5. */
export function linearScale(low: number, high: number, count: number, label: Label): Scale {
  const step = roundStep((high - low) / Math.max(1, count))
  const from = Math.floor(low / step + 1e-9) * step
  const until = Math.ceil(high / step - 1e-9) * step
  const ticks: Tick[] = []
  for (let index = 0; index <= Math.round((until - from) / step); index++) {
    const value = Number((from + index * step).toPrecision(12))
    ticks.push({ value, label: label(value) })
  }
  return { low: from, high: until, place: (value) => (value - from) / (until - from), ticks }
}

/** The smallest of 1, 2, 5 × 10ⁿ that is not below. */
export function roundStep(atLeast: number): number {
  const power = 10 ** Math.floor(Math.log10(atLeast))
  const factor = [1, 2, 5, 10].find((one) => one * power >= atLeast * (1 - 1e-9)) ?? 10
  return factor * power
}

/**
 * Logarithmic between two values above zero. Ticks at powers of ten; where there are fewer than three of them also at 2 and 5;
 * where that is too many for `count`, at every other power or fewer.
 */
export function logScale(low: number, high: number, count: number, label: Label): Scale {
  const span = Math.log(high / low)
  const place = (value: number): number => Math.log(value / low) / span
  const at = (factors: readonly number[]): number[] => {
    const values: number[] = []
    for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power++)
      for (const factor of factors) values.push(Number((factor * 10 ** power).toPrecision(12)))
    return values.filter((value) => value >= low * (1 - 1e-9) && value <= high * (1 + 1e-9))
  }
  const fine = [at([1, 1.5, 2, 3, 4, 5, 6, 8]), at([1, 2, 5]), at([1])]
  const chosen = fine.find((values) => values.length <= count) ?? at([1])
  const every = Math.ceil(chosen.length / count)
  const ticks = chosen
    .filter((_, index) => index % every === 0)
    .map((value) => ({ value, label: label(value) }))
  return { low, high, place, ticks }
}

/** Both ends moved out to a round number of 1, 2, 5 × 10ⁿ, so that no point lies on an edge by chance. */
export function roundBounds(values: readonly number[]): readonly [number, number] {
  const usable = values.filter((value) => Number.isFinite(value) && value > 0)
  if (usable.length === 0) return [1, 10]
  const low = Math.min(...usable)
  const high = Math.max(...usable)
  const down = roundStep(low * 0.999)
  const floor = down <= low ? down : below(down)
  const ceiling = roundStep(high)
  return floor < ceiling ? [floor, ceiling] : [floor, roundStep(ceiling * 1.5)]
}

/** The next smaller of 1, 2, 5 × 10ⁿ. */
function below(round: number): number {
  const power = 10 ** Math.floor(Math.log10(round) + 1e-9)
  const factor = Math.round(round / power)
  return factor === 5 ? 2 * power : factor === 2 ? power : power / 2
}

/** HdrHistogram's: each nine as wide as the one before it. 0 % is at 0, 90 % at 1, 99 % at 2. */
export function nines(percent: number): number {
  return Math.log10(1 / (1 - percent / 100))
}

/** The largest percentile that n samples allow to be said: n(1 − p) ≥ 10. */
export function lastPercentile(samples: number): number {
  return samples <= 10 ? 0 : 100 * (1 - 10 / samples)
}

/** 0 % to `high` %, with ticks at 0, 50, 90, 99, 99.9, … */
export function percentileScale(high: number): Scale {
  const end = Math.max(nines(high), nines(90))
  const all = [0, 50, 90, 99, 99.9, 99.99, 99.999]
  const ticks = all
    .filter((percent) => nines(percent) <= end + 1e-9)
    .map((value) => ({ value, label: `${value} %` }))
  return { low: 0, high, place: (percent) => nines(percent) / end, ticks }
}

/** ms as a duration with its unit: `0.2 ms`, `50 ms`, `5 s`. */
export function durationLabel(ms: number): string {
  if (ms >= 1000) return `${plain(ms / 1000)} s`
  return ms >= 0.1 || ms === 0 ? `${plain(ms)} ms` : `${plain(ms * 1000)} µs`
}

/** Up to three significant digits, without zeros at the end. */
export function plain(value: number): string {
  return Number(value.toPrecision(3)).toLocaleString('en', { maximumFractionDigits: 6 })
}

/** Bytes: `512 B`, `2 kB`, `1.5 MB`. */
export function bytesLabel(bytes: number): string {
  if (bytes >= 1e9) return `${plain(bytes / 1e9)} GB`
  if (bytes >= 1e6) return `${plain(bytes / 1e6)} MB`
  return bytes >= 1000 ? `${plain(bytes / 1000)} kB` : `${plain(bytes)} B`
}
