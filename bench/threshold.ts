// Bounds that a run must keep, `--max p99=100,fanout/cpu=30`: reading them, and judging a summary by them. Pure.
import { UsageError } from '../transports/errors.ts'
import type { DeliveryRow, DeliveryTable, Metric, Summary } from './statistics/summary.ts'
import { transportOf } from './subjects.ts'
import { oneOf } from './suggest.ts'

export interface Threshold {
  readonly text: string
  readonly metric: Metric
  /** ms for latencies, µs of CPU a delivery, bytes down a delivery. */
  readonly atMost: number
  /** Null: every one. */
  readonly scenario: string | null
  readonly transport: string | null
}

const figures: Readonly<
  Record<Metric, { readonly unit: string; readonly of: (row: DeliveryRow) => number | null }>
> = {
  p50: { unit: 'ms', of: (row) => inMs(row.latency.p50Us) },
  p99: { unit: 'ms', of: (row) => inMs(row.latency.p99Us) },
  completion: { unit: 'ms', of: (row) => inMs(row.completion.p50Us) },
  cpu: { unit: 'µs', of: (row) => row.cpuUsPerDelivery },
  bytes: { unit: 'B', of: (row) => row.bytesDownPerDelivery },
}

export const thresholdMetrics = Object.keys(figures) as readonly Metric[]

/** Reads `[SCENARIO/][TRANSPORT/]METRIC=NUMBER`. Throws a `UsageError` of one line. */
export function parseThreshold(
  text: string,
  names: { readonly scenarios: readonly string[]; readonly transports: readonly string[] },
): Threshold {
  const [left = '', number = '', ...rest] = text.split('=')
  const parts = left.split('/')
  const metric = thresholdMetrics.find((one) => one === parts.at(-1))
  if (metric === undefined) oneOf('metric of --max', parts.at(-1) ?? '', thresholdMetrics)
  const atMost = /^\d{1,9}(\.\d+)?$/.test(number) ? Number(number) : Number.NaN
  if (metric === undefined || rest.length > 0 || !(atMost > 0) || parts.length > 3) {
    throw new UsageError(
      `--max is [SCENARIO/][TRANSPORT/]METRIC=NUMBER, as in fanout/p99=100, not "${text}".`,
    )
  }
  let scenario: string | null = null
  let transport: string | null = null
  for (const part of parts.slice(0, -1)) {
    const known = oneOf('scenario or transport', part, [...names.scenarios, ...names.transports])
    if (names.scenarios.includes(known)) scenario = known
    else if (transportOf(known).server === 'parley') transport = known
    else throw new UsageError(`--max bounds Parley's own transports; ${known} is a control.`)
  }
  return { text, metric, atMost, scenario, transport }
}

/** What is broken, a sentence each. A bound for which nothing could be judged is broken too: silence would pass for success. */
export function brokenThresholds(summary: Summary, thresholds: readonly Threshold[]): readonly string[] {
  return thresholds.flatMap((threshold) => {
    const judged = summary.tables
      .filter((table) => table.kind === 'delivery')
      .filter(({ scenario }) => threshold.scenario === null || scenario === threshold.scenario)
      .flatMap((table) => judge(table, threshold))
    if (judged.length === 0) return [`--max ${threshold.text}: no row could be judged by it.`]
    return judged.filter((sentence) => sentence !== '')
  })
}

/** One entry a row that can be judged: empty where it keeps the bound. */
function judge(table: DeliveryTable, threshold: Threshold): readonly string[] {
  const { metric, atMost, transport, text } = threshold
  const { unit, of } = figures[metric]
  // A table that may not rank by a metric says too little of it for a bound as well.
  if (table.controls !== null && !table.controls[metric].rankable) return []
  return table.rows
    .filter((row) => (transport === null ? isOurs(row) : row.transport === transport))
    .filter((row) => !row.generatorBound)
    .flatMap((row) => {
      const where = `--max ${text}: ${row.subject} in ${table.scenario}, ${table.load}`
      if (row.diverging) return [`${where}, diverges: the offered load exceeds its capacity.`]
      const value = of(row)
      if (value === null) return []
      return value <= atMost ? [''] : [`${where}, has ${value.toPrecision(3)} ${unit}.`]
    })
}

function isOurs(row: DeliveryRow): boolean {
  return transportOf(row.transport).server === 'parley'
}

function inMs(us: number | null): number | null {
  return us === null ? null : us / 1000
}
