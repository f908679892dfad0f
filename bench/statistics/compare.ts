// Two runs, or two builds in one run: what changed, what is the same, and what can't be told. Works from cells alone.
import type { DeliveryCell, Environment, Measurement } from '../measurement.ts'
import { twinSuffix } from '../subjects.ts'
import { baseScenario } from './base.ts'
import { isTwin, pairsOf, type ReadCell, readCell } from './cells.ts'
import { alpha, controlOf, rankableLimit } from './compared.ts'
import { holm } from './holm.ts'
import {
  halfWidth,
  indifference,
  type LogRatio,
  logRatios,
  type RatioEstimate,
  type Spread,
  spreadOf,
} from './ratio.ts'
import { studentQuantile, twoSidedP } from './student.ts'
import { type Metric, metrics } from './summary.ts'

/** What comparing takes of a bench document. */
export interface ComparedRun {
  readonly environment: Environment
  /** As the file keeps them; every one must be the same but for the seed. */
  readonly settings: object
  readonly measurements: readonly Measurement[]
}

/**
 * Smaller is better for every metric. `same`: the interval is as narrow as ranking asks for (15 %, p99 25 %) and contains 1, or lies within
 * the least change that matters as a whole; what the controls changed by is no part of that, and must itself be small.
 * `unresolvable`: one of the runs may not rank by it, the interval is wider, or it leaves 1 out without a change that is surely large enough.
 */
export type ChangeVerdict = 'better' | 'worse' | 'same' | 'unresolvable'

export interface Change {
  readonly scenario: string
  readonly load: string
  readonly subject: string
  readonly metric: Metric
  /** After ÷ before, with its 95 % interval; null where one of the two has nothing of it. */
  readonly ratio: RatioEstimate | null
  /** The change that had to be exceeded, as a share: the least that matters, and what the controls changed by. */
  readonly margin: number
  /** Of exceeding it, after Holm's correction over all changes; null where nothing was tested. */
  readonly pValue: number | null
  readonly verdict: ChangeVerdict
}

export interface CompareOptions {
  /** The least change that matters, as a share; 0.05 without it. */
  readonly leastShare?: number
}

const leastShareUsual = 0.05

/** The build that is compared with, in `ab`. */
export const oldSuffix = ' (old)'

/** Why two runs can't be compared, a sentence each; empty: they can. */
export function refusals(before: ComparedRun, after: ComparedRun): readonly string[] {
  const reasons: string[] = []
  const [one, other] = [before.environment, after.environment]
  if (one.host !== other.host)
    reasons.push(
      `They were made on two machines (${one.cpuModel} × ${one.cores}, ${other.cpuModel} × ${other.cores}).`,
    )
  if (one.node !== other.node) reasons.push(`They ran on two versions of Node (${one.node}, ${other.node}).`)
  if (JSON.stringify(one.pinned) !== JSON.stringify(other.pinned))
    reasons.push('They were pinned to cores in two ways.')
  const [own, others] = [entriesOf(before.settings), entriesOf(after.settings)]
  for (const name of new Set([...own.keys(), ...others.keys()])) {
    if (name === 'seed' || own.get(name) === others.get(name)) continue
    reasons.push(
      `They were asked for different things: ${name} is ${short(own.get(name))}, then ${short(others.get(name))}.`,
    )
  }
  return reasons
}

function entriesOf(settings: object): ReadonlyMap<string, string> {
  return new Map(Object.entries(settings).map(([name, value]) => [name, JSON.stringify(value)]))
}

function short(text = 'not said'): string {
  return text.length <= 60 ? text : `${text.slice(0, 57)}…`
}

interface Tested extends Omit<Change, 'pValue' | 'verdict'> {
  readonly spread: Spread | null
  readonly rankable: boolean
  readonly p: number
  /** The least change that matters, without what the controls changed by, and that, as logarithms. */
  readonly least: number
  readonly shift: number
}

/** By how much what can't have changed did, as a logarithm, and how well that is known. */
interface Shift {
  readonly by: number
  readonly standardError: number
  readonly degrees: number
}

const noShift: Shift = { by: 0, standardError: 0, degrees: Number.POSITIVE_INFINITY }

/**
 * Two runs of one host and settings. A machine is not the same an hour later: so each figure is first divided by that of the floor,
 * `tcp`, in the same block, which no change of Parley touches; bytes are not. The logarithms' means are compared by Welch's t, each run
 * with its epochs (`spreadOf`); runs of one seed, which had the same schedules, block by block. What controls changed by that can't have changed, the library's server and A/A, is added to the
 * least change that matters, and its error to the test's; once both are above what ranking asks for, nothing is the same. A change is declared only beyond that, after Holm's correction over all rows and metrics; so two runs of
 * one commit differ in fewer than 5 of 100 comparisons of runs.
 */
export function compareRuns(
  before: ComparedRun,
  after: ComparedRun,
  { leastShare = leastShareUsual }: CompareOptions = {},
): readonly Change[] {
  const [own, others] = [tablesOf(before.measurements), tablesOf(after.measurements)]
  const seeds = [before, after].map(({ settings }) => entriesOf(settings).get('seed'))
  const difference = seeds[0] !== undefined && seeds[0] === seeds[1] ? byBlock : welch
  const tested = [...own].flatMap(([key, cells]) => {
    const later = others.get(key)
    return later === undefined ? [] : changesOfTable(cells, later, leastShare, difference)
  })
  return judged(tested)
}

function changesOfTable(
  before: readonly ReadCell[],
  after: readonly ReadCell[],
  leastShare: number,
  difference: Difference,
): readonly Tested[] {
  const subjects = subjectsIn(before).filter((subject) => subjectsIn(after).includes(subject))
  return metrics.flatMap((metric) => {
    const shift = controlShift(before, after, metric, difference)
    const rankable = isRankable(before, metric) && isRankable(after, metric)
    return subjects
      .filter((subject) => !isTwin(subject) && !isControl(subject))
      .map((subject) => {
        const logs = [before, after].map((cells) => normalised(cells, subject, metric))
        const spread = difference(logs[0] ?? [], logs[1] ?? [])
        return tested(before, { subject, metric, spread, leastShare, shift, rankable })
      })
  })
}

/** Two builds in one run: the subjects `websocket` and `websocket (old)`, paired by block. */
export function compareBuilds(
  measurements: readonly Measurement[],
  { leastShare = leastShareUsual }: CompareOptions = {},
): readonly Change[] {
  const found = [...tablesOf(measurements).values()].flatMap((cells) =>
    metrics.flatMap((metric) => {
      const rankable = isRankable(cells, metric)
      return subjectsIn(cells)
        .filter((subject) => subjectsIn(cells).includes(subject + oldSuffix))
        .map((subject) => {
          const logs = logRatios(pairsOf(cells, subject, subject + oldSuffix, metric))
          const spread = logs.length < 2 ? null : spreadOf(logs)
          return tested(cells, { subject, metric, spread, leastShare, shift: noShift, rankable })
        })
    }),
  )
  return judged(found)
}

function tested(
  cells: readonly ReadCell[],
  row: Pick<Tested, 'subject' | 'metric' | 'spread' | 'rankable'> & {
    readonly leastShare: number
    readonly shift: Shift
  },
): Tested {
  const { scenario = '', load = '' } = cells[0]?.cell ?? {}
  const { subject, metric, spread, rankable, leastShare, shift } = row
  const least = Math.log(1 + leastShare)
  const margin = least + shift.by
  const ratio = spread === null ? null : ratioIn(spread)
  const p = spread === null ? Number.NaN : beyondP(spread, margin, shift)
  const own = { scenario, load, subject, metric, ratio, margin: Math.expm1(margin) }
  return { ...own, spread, rankable, p, least, shift: shift.by }
}

/** How often chance alone goes so far beyond the margin. Both errors count: the row's and that of what the controls changed by. */
function beyondP(spread: Spread, margin: number, shift: Shift): number {
  const beyond = Math.abs(spread.mean) - margin
  if (beyond <= 0) return 1
  const standardError = Math.hypot(spread.standardError, shift.standardError)
  return twoSidedP(beyond / standardError, Math.min(spread.degrees, shift.degrees))
}

function judged(all: readonly Tested[]): readonly Change[] {
  const adjusted = holm(all.map(({ p, rankable }) => (rankable ? p : Number.NaN)))
  return all.map((one, index) => {
    const { spread: _, rankable: __, p: ___, least: ____, shift: _____, ...change } = one
    const pValue = Number.isNaN(adjusted[index] ?? Number.NaN) ? null : (adjusted[index] ?? null)
    return { ...change, pValue, verdict: verdictIn(one, pValue) }
  })
}

/**
 * Changed: surely beyond the margin. What the controls changed by widens only that margin. Were it also allowed to call something the
 * same, a machine, or a common cause, that moves the controls would hide what moved with them.
 */
function verdictIn(
  {
    ratio,
    metric,
    least,
    shift,
    rankable,
  }: Pick<Tested, 'ratio' | 'metric' | 'least' | 'shift' | 'rankable'>,
  pValue: number | null,
): ChangeVerdict {
  if (!rankable || ratio === null || pValue === null) return 'unresolvable'
  if (pValue <= alpha) return ratio.ratio < 1 ? 'better' : 'worse'
  const limit = rankableLimit(metric)
  const moved = Math.log(1 + leastShareUsual) + shift > Math.log(1 + limit)
  if (moved || halfWidth(ratio) >= limit) return 'unresolvable'
  const containsOne = Math.log(ratio.low) <= indifference && Math.log(ratio.high) >= -indifference
  const within = Math.log(ratio.low) >= -least && Math.log(ratio.high) <= least
  return containsOne || within ? 'same' : 'unresolvable'
}

function ratioIn({ mean, standardError, degrees, count }: Spread): RatioEstimate {
  const half = studentQuantile(0.975, degrees) * standardError
  return { ratio: Math.exp(mean), low: Math.exp(mean - half), high: Math.exp(mean + half), pairs: count }
}

/** Of two runs' logarithms: later less earlier. */
type Difference = (before: readonly LogRatio[], after: readonly LogRatio[]) => Spread | null

/** Block by block, where the same seed gave both the same schedules and phases: what these made late is in neither. */
function byBlock(before: readonly LogRatio[], after: readonly LogRatio[]): Spread | null {
  const earlier = new Map(before.map(({ block, log }) => [block, log]))
  const differences = after.flatMap(({ log, epoch, block }) => {
    const base = block === undefined ? undefined : earlier.get(block)
    return base === undefined ? [] : [{ log: log - base, epoch }]
  })
  return differences.length < 2 ? null : spreadOf(differences)
}

/** The difference of two means with unequal variances (Welch 1947): its standard error, and Satterthwaite's degrees of freedom. */
function welch(before: readonly LogRatio[], after: readonly LogRatio[]): Spread | null {
  if (before.length < 2 || after.length < 2) return null
  const [one, other] = [spreadOf(before), spreadOf(after)]
  const [first, second] = [one.standardError ** 2, other.standardError ** 2]
  const sum = first + second
  const degrees = sum ** 2 / (first ** 2 / one.degrees + second ** 2 / other.degrees)
  return {
    count: Math.min(one.count, other.count),
    mean: other.mean - one.mean,
    standardError: Math.sqrt(sum),
    degrees: Number.isNaN(degrees) ? Math.min(one.degrees, other.degrees) : degrees,
    designEffect: Math.max(one.designEffect, other.designEffect),
  }
}

const floor = 'tcp'
const library = 'ws'

function isControl(subject: string): boolean {
  return subject === floor || subject === library
}

/** A subject's figures by block as logarithms, over the floor's where there is one. Bytes do not depend on the machine. */
function normalised(cells: readonly ReadCell[], subject: string, metric: Metric): readonly LogRatio[] {
  const hasFloor = cells.some(({ cell }) => cell.subject === floor)
  if (metric !== 'bytes' && hasFloor) return logRatios(pairsOf(cells, subject, floor, metric))
  return logRatios(
    cells
      .filter(({ cell }) => cell.subject === subject)
      .map(({ cell, figures }) => ({
        value: figures[metric],
        base: 1,
        epoch: cell.epoch,
        block: cell.block,
      })),
  )
}

/** The largest change of what can't have changed: the library against the floor, and a subject against itself. */
function controlShift(
  before: readonly ReadCell[],
  after: readonly ReadCell[],
  metric: Metric,
  difference: Difference,
): Shift {
  const twin = subjectsIn(before).find(isTwin)
  const pairs: [string, string][] = twin === undefined ? [] : [[twin, twin.slice(0, -twinSuffix.length)]]
  if (metric !== 'bytes') pairs.push([library, floor])
  const shifts = pairs.flatMap(([value, base]) => {
    const logs = [before, after].map((cells) => logRatios(pairsOf(cells, value, base, metric)))
    const spread = difference(logs[0] ?? [], logs[1] ?? [])
    return spread === null ? [] : [{ ...spread, by: Math.abs(spread.mean) }]
  })
  return shifts.reduce<Shift>((most, one) => (one.by > most.by ? one : most), noShift)
}

function isRankable(cells: readonly ReadCell[], metric: Metric): boolean {
  const twin = subjectsIn(cells).find(isTwin)
  if (twin === undefined) return false
  const subject = twin.slice(0, -twinSuffix.length)
  return controlOf(subject, metric, logRatios(pairsOf(cells, twin, subject, metric)), 1).control.rankable
}

function subjectsIn(cells: readonly ReadCell[]): readonly string[] {
  return [...new Set(cells.map(({ cell }) => cell.subject))]
}

function tablesOf(measurements: readonly Measurement[]): ReadonlyMap<string, readonly ReadCell[]> {
  const cells = measurements.filter(
    (cell): cell is DeliveryCell => cell.kind === 'delivery' && cell.scenario !== baseScenario,
  )
  return Map.groupBy(cells.map(readCell), ({ cell }) => `${cell.scenario} ${cell.load}`)
}
