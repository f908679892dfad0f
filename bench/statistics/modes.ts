// TCP's timers in a distribution: 40 ms is a delayed acknowledgement, which Nagle's algorithm waits for; 200 ms a retransmission.
import { type Bucket, countBetween } from './ecdf.ts'

export interface Mode {
  /** Which timer it looks like. */
  readonly timerMs: 40 | 200
  /** Of all samples. */
  readonly share: number
}

const windows = [
  { timerMs: 40, fromMs: 36, toMs: 48 },
  { timerMs: 200, fromMs: 190, toMs: 230 },
] as const

/** Fewer of a hundred are an accident, whatever they lie near to. */
const leastShare = 0.02
const leastSamples = 5
/** How much denser than its neighbourhood a cluster must be. */
const denser = 4

/**
 * Clusters at 36 to 48 ms or 190 to 230 ms that the rest does not explain: at least 2 % of the samples, and four times as dense as the
 * stretches of the same length before and behind, so that polling's even spread and a long tail that passes by are none. `pathMs`:
 * what the path itself takes, which moves everything.
 */
export function modesOf(buckets: readonly Bucket[], pathMs = 0): readonly Mode[] {
  const all = buckets.reduce((sum, { count }) => sum + count, 0)
  const between = (fromMs: number, toMs: number): number =>
    countBetween(buckets, (pathMs + fromMs) * 1000, (pathMs + toMs) * 1000)
  return windows.flatMap(({ timerMs, fromMs, toMs }) => {
    const lengthMs = toMs - fromMs
    const within = between(fromMs, toMs)
    const around = (between(fromMs - lengthMs, fromMs) + between(toMs, toMs + lengthMs)) / 2
    const stands = within >= leastSamples && within / all >= leastShare && within >= denser * around
    return stands ? [{ timerMs, share: within / all }] : []
  })
}

/** Those of a row's modes that most of its cells have a part in: one message that was held up once reaches all subscribers late. */
export function inMostCells(
  modes: readonly Mode[],
  cells: readonly (readonly Bucket[])[],
  pathMs = 0,
): readonly Mode[] {
  return modes.filter(({ timerMs }) => {
    const window = windows.find((one) => one.timerMs === timerMs)
    if (window === undefined) return false
    const [fromUs, toUs] = [(pathMs + window.fromMs) * 1000, (pathMs + window.toMs) * 1000]
    const having = cells.filter((buckets) => countBetween(buckets, fromUs, toUs) > 0)
    return having.length * 2 > cells.length
  })
}
