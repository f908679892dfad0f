// A table's rows against its baseline, metric by metric: ratios, what may be said of them, tiers, and the A/A controls that allow it.
import { benchLimits } from '../limits.ts'
import { twinSuffix } from '../subjects.ts'
import { pairsOf, type ReadCell } from './cells.ts'
import { holm } from './holm.ts'
import {
  estimateOf,
  halfWidth,
  indifference,
  type LogRatio,
  logRatios,
  pValueOf,
  type RatioEstimate,
  verdictOf,
} from './ratio.ts'
import { type Comparison, type Control, type Metric, metrics, type Standing } from './summary.ts'
import { tiersOf } from './tiers.ts'

/** Differences are declared at this family-wise share of chance. */
export const alpha = 0.05

const limits: Readonly<Record<Metric, number>> = {
  p50: benchLimits.rankableShare,
  p99: benchLimits.rankableTailShare,
  completion: benchLimits.rankableShare,
  cpu: benchLimits.rankableShare,
  bytes: benchLimits.rankableShare,
}

/** By how much a run's own noise may change a metric before the metric may not rank, as a share. */
export function rankableLimit(metric: Metric): number {
  return limits[metric]
}

export interface ControlTest {
  readonly control: Control
  /** Of the hypothesis that the two are the same, within half a percent. */
  readonly pValue: number
}

/** A/A of one metric: whether the run can tell anything by it. */
export function controlOf(
  subject: string,
  metric: Metric,
  logs: readonly LogRatio[],
  seed: number,
): ControlTest {
  const estimate = estimateOf(logs, seed)
  const resolution = estimate === null || estimate.pairs < 2 ? Number.POSITIVE_INFINITY : halfWidth(estimate)
  const containsOne = estimate === null || holdsOne(estimate)
  const limit = rankableLimit(metric)
  return {
    control: {
      subject,
      estimate,
      resolution,
      limit,
      containsOne,
      rankable: estimate !== null && resolution < limit && containsOne,
    },
    pValue: pValueOf(logs),
  }
}

/** Whether an interval reaches 1, or comes within the half percent that doesn't matter. */
function holdsOne({ low, high }: RatioEstimate): boolean {
  return Math.log(low) <= indifference && Math.log(high) >= -indifference
}

/** The A/A controls of a table; null where no subject runs twice. */
export function controlsOf(
  cells: readonly ReadCell[],
  seed: number,
): Readonly<Record<Metric, ControlTest>> | null {
  const twin = cells.find(({ cell }) => cell.subject.endsWith(twinSuffix))?.cell.subject
  if (twin === undefined) return null
  const subject = twin.slice(0, -twinSuffix.length)
  return byMetric((metric) =>
    controlOf(subject, metric, logRatios(pairsOf(cells, twin, subject, metric)), seed),
  )
}

export interface Candidate {
  readonly subject: string
  /** By which metrics it may not be ranked, whatever the run's noise is. */
  readonly withheld: ReadonlySet<Metric>
}

/** Every row's comparisons, in the order given. Holm's correction is over all of them: every row by every metric that may rank. */
export function compareRows(
  rows: readonly Candidate[],
  baseline: string,
  cells: readonly ReadCell[],
  controls: Readonly<Record<Metric, Control>> | null,
  seed: number,
): readonly Readonly<Record<Metric, Comparison>>[] {
  const tests = metrics.flatMap((metric) =>
    testsOf(rows, baseline, cells, controls?.[metric] ?? null, metric, seed),
  )
  const adjusted = holm(tests.map(({ pValue }) => pValue))
  const standings = tests.map((test, index) => ({
    ...test,
    standing: standingOf(test, adjusted[index] ?? Number.NaN),
  }))
  const columns = byMetric((metric) => {
    const own = standings.filter((test) => test.metric === metric)
    const mayRank = own.some(({ subject, ranks }) => ranks && subject === baseline)
    const tiers = tiersOf(mayRank ? own.filter(({ ranks }) => ranks) : [], {
      limit: rankableLimit(metric),
      alpha,
      between: (subject, other) => logRatios(pairsOf(cells, subject, other, metric)),
    })
    return own.map(({ subject, ratio, standing }) => ({
      ratio,
      standing,
      tier: tiers.get(subject) ?? null,
    }))
  })
  return rows.map((_, index) => byMetric((metric) => columns[metric][index] ?? unranked(null)))
}

interface Test {
  readonly subject: string
  readonly metric: Metric
  readonly ranks: boolean
  readonly isBaseline: boolean
  readonly ratio: RatioEstimate | null
  /** Not a number: it is not ranked, and takes no share of what chance is allowed. */
  readonly pValue: number
}

function testsOf(
  rows: readonly Candidate[],
  baseline: string,
  cells: readonly ReadCell[],
  control: Control | null,
  metric: Metric,
  seed: number,
): readonly Test[] {
  const withheld = new Set(rows.filter((row) => row.withheld.has(metric)).map(({ subject }) => subject))
  const mayRank = control?.rankable === true && !withheld.has(baseline)
  return rows.map(({ subject }) => {
    const isBaseline = subject === baseline
    const logs = isBaseline ? [] : logRatios(pairsOf(cells, subject, baseline, metric))
    const ranks = mayRank && !withheld.has(subject)
    const pValue = ranks ? pValueOf(logs) : Number.NaN
    return { subject, metric, ranks, isBaseline, ratio: estimateOf(logs, seed), pValue }
  })
}

function unranked(ratio: RatioEstimate | null): Comparison {
  return { ratio, standing: 'unranked', tier: null }
}

function standingOf({ isBaseline, ranks, ratio }: Test, adjustedP: number): Standing {
  if (isBaseline) return 'baseline'
  if (!ranks || ratio === null || ratio.pairs < 2) return 'unranked'
  const verdict = verdictOf(ratio)
  return adjustedP <= alpha && verdict !== 'no difference' ? verdict : 'unresolved'
}

/** One value for each metric. */
export function byMetric<T>(of: (metric: Metric) => T): Readonly<Record<Metric, T>> {
  const entries = metrics.map((metric) => [metric, of(metric)] as const)
  return Object.fromEntries(entries) as Record<Metric, T>
}
