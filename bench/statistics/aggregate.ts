// The second stage: cells become tables. Histograms are merged, never their percentiles; ratios come from pairs of one block.
import { benchLimits } from '../limits.ts'
import type { Tally } from '../load/checker.ts'
import type {
  DeliveryCell,
  FailedCell,
  GoalCell,
  Measurement,
  Run,
  ServiceCell,
  SlowCell,
} from '../measurement.ts'
import { baselineOf, twinSuffix } from '../subjects.ts'
import { goalTable } from './goals.ts'
import { createHistogram, decodeHistogram, mergeHistograms, percentileUs } from './histogram.ts'
import { mean, type Pair, type RatioEstimate, ratioOf } from './ratio.ts'
import { slowTable } from './slow.ts'
import type {
  DeliveryRow,
  DeliveryTable,
  LatencySummary,
  Resolution,
  ServiceTable,
  Summary,
  Table,
} from './summary.ts'
import { tiersOf } from './tiers.ts'

/** Sums a run up. `seed`: of the bootstrap. */
export function summarize(run: Run, seed: number): Summary {
  const groups = new Map<string, Exclude<Measurement, FailedCell>[]>()
  for (const cell of run.measurements) {
    if (cell.kind === 'failed') continue
    const key = cell.kind === 'goal' ? cell.scenario : `${cell.scenario} ${cell.load}`
    groups.set(key, [...(groups.get(key) ?? []), cell])
  }
  const tables = [...groups.values()].map((cells) => tableOf(cells, seed)).filter((table) => table !== null)
  const { environment, interrupted, durationMs } = run
  const citable = tables.every(
    (table) => (table.kind === 'goal' ? table.rounds : table.blocks) >= benchLimits.citableBlocks,
  )
  return { environment, tables, problems: problemsOf(run.measurements), interrupted, durationMs, citable }
}

function tableOf(cells: readonly Exclude<Measurement, FailedCell>[], seed: number): Table | null {
  const first = cells[0]
  switch (first?.kind) {
    case undefined:
      return null
    case 'delivery':
      return deliveryTable(first, cells as readonly DeliveryCell[], seed)
    case 'service':
      return serviceTable(first, cells as readonly ServiceCell[])
    case 'goal':
      return goalTable(first.scenario, first.load, cells as readonly GoalCell[], seed)
    case 'slow':
      return slowTable(first, cells as readonly SlowCell[], seed)
  }
}

function deliveryTable(first: DeliveryCell, cells: readonly DeliveryCell[], seed: number): DeliveryTable {
  const subjects = [...new Set(cells.map((cell) => cell.subject))]
  const baseline = baselineOf(subjects) ?? first.subject
  const resolution = resolutionOf(cells, seed)
  const shown = subjects.filter((subject) => !subject.endsWith(twinSuffix))
  const rows = shown.map((subject) => deliveryRow(subject, baseline, cells, seed))
  const tiers = mayRank(resolution?.cpu ?? null) ? tiersOf(rows, baseline) : null
  return {
    kind: 'delivery',
    scenario: first.scenario,
    load: first.load,
    blocks: new Set(cells.map((cell) => cell.block)).size,
    baseline,
    rows: rows
      .map((row) => ({ ...row, tier: tiers?.get(row.subject) ?? null }))
      .sort((one, other) => one.cpuUsPerDelivery - other.cpuUsPerDelivery),
    resolution,
    sendLag: latencyOf(cells.map((cell) => cell.sendLag)),
    disturbedCells: cells.filter(isDisturbed).length,
    cells: cells.length,
  }
}

/** How far an estimate's interval reaches from 1, as a share: 0.07 says that ± 7 % can't be told from nothing. */
export function reach(estimate: RatioEstimate): number {
  return Math.max(estimate.high, 1 / estimate.low) - 1
}

function mayRank(control: RatioEstimate | null): boolean {
  return control !== null && control.pairs > 1 && reach(control) < benchLimits.rankableShare
}

function deliveryRow(
  subject: string,
  baseline: string,
  cells: readonly DeliveryCell[],
  seed: number,
): DeliveryRow {
  const own = cells.filter((cell) => cell.subject === subject)
  const sum = (of: (cell: DeliveryCell) => number): number => own.reduce((total, cell) => total + of(cell), 0)
  const deliveries = Math.max(
    sum((cell) => cell.deliveries),
    1,
  )
  const generatorUtilisation = mean(own.map((cell) => cell.generatorUtilisation))
  return {
    subject,
    protocol: own[0]?.protocol ?? '',
    latency: latencyOf(own.map((cell) => cell.latency)),
    service: latencyOf(own.map((cell) => cell.service)),
    cpuUsPerDelivery: sum((cell) => cell.serverCpuUs) / deliveries,
    cpuRatio: subject === baseline ? null : ratioOf(pairs(cells, subject, baseline, cpuOf), seed),
    tier: null,
    bytesDownPerDelivery: sum((cell) => cell.bytesDown) / deliveries,
    payloadBytesDownPerDelivery: sum((cell) => cell.payloadBytesDown) / deliveries,
    bytesUpPerDelivery: sum((cell) => cell.bytesUp) / deliveries,
    payloadBytesUpPerDelivery: sum((cell) => cell.payloadBytesUp) / deliveries,
    coalescing:
      deliveries /
      Math.max(
        sum((cell) => cell.reads),
        1,
      ),
    tally: addTallies(own.map((cell) => cell.tally)),
    serverUtilisation: mean(own.map((cell) => cell.serverUtilisation)),
    generatorUtilisation,
    generatorBound:
      generatorUtilisation > benchLimits.generatorUtilisation ||
      own.filter(isDisturbed).length * 2 > own.length,
  }
}

function resolutionOf(cells: readonly DeliveryCell[], seed: number): Resolution | null {
  const twin = cells.find((cell) => cell.subject.endsWith(twinSuffix))?.subject
  if (twin === undefined) return null
  const subject = twin.slice(0, -twinSuffix.length)
  const estimate = (of: (cell: DeliveryCell) => number): RatioEstimate | null =>
    ratioOf(pairs(cells, twin, subject, of), seed)
  return { subject, cpu: estimate(cpuOf), p50: estimate(percentileOf(50)), p99: estimate(percentileOf(99)) }
}

function cpuOf(cell: DeliveryCell): number {
  return cell.serverCpuUs / cell.deliveries
}

/** Not a number where the cell has too few samples; such pairs are left out. */
function percentileOf(percent: number): (cell: DeliveryCell) => number {
  return (cell) => percentileUs(decodeHistogram(cell.latency), percent) ?? Number.NaN
}

function pairs(
  cells: readonly DeliveryCell[],
  subject: string,
  baseline: string,
  of: (cell: DeliveryCell) => number,
): readonly Pair[] {
  const found: Pair[] = []
  for (const cell of cells) {
    if (cell.subject !== subject) continue
    const base = cells.find((other) => other.subject === baseline && other.block === cell.block)
    if (base !== undefined) found.push({ value: of(cell), base: of(base) })
  }
  return found
}

function isDisturbed(cell: DeliveryCell): boolean {
  const lag = decodeHistogram(cell.sendLag)
  return lag.totalCount > 0 && lag.getValueAtPercentile(99) > benchLimits.sendLagMs * 1000
}

function serviceTable(first: ServiceCell, cells: readonly ServiceCell[]): ServiceTable {
  const subjects = [...new Set(cells.map((cell) => cell.subject))].sort()
  return {
    kind: 'service',
    scenario: first.scenario,
    load: first.load,
    blocks: new Set(cells.map((cell) => cell.block)).size,
    rows: subjects.map((subject) => {
      const own = cells.filter((cell) => cell.subject === subject)
      const sum = (of: (cell: ServiceCell) => number): number =>
        own.reduce((total, cell) => total + of(cell), 0)
      const requests = sum((cell) => cell.requests)
      return {
        subject,
        protocol: own[0]?.protocol ?? '',
        requests,
        requestsPerSecond: (requests / sum((cell) => cell.wallMs)) * 1000,
        latency: latencyOf(own.map((cell) => cell.latency)),
        cpuUsPerRequest: sum((cell) => cell.serverCpuUs) / Math.max(requests, 1),
        serverUtilisation: mean(own.map((cell) => cell.serverUtilisation)),
        generatorUtilisation: mean(own.map((cell) => cell.generatorUtilisation)),
      }
    }),
  }
}

function latencyOf(encoded: readonly string[]): LatencySummary {
  const merged = encoded.length === 0 ? createHistogram() : mergeHistograms(encoded.map(decodeHistogram))
  return {
    samples: merged.totalCount,
    p50Us: percentileUs(merged, 50),
    p99Us: percentileUs(merged, 99),
    maxUs: merged.maxValue,
  }
}

function addTallies(tallies: readonly Tally[]): Tally {
  const sum = (of: (tally: Tally) => number): number => tallies.reduce((total, tally) => total + of(tally), 0)
  return {
    expected: sum((one) => one.expected),
    delivered: sum((one) => one.delivered),
    lost: sum((one) => one.lost),
    duplicated: sum((one) => one.duplicated),
    reordered: sum((one) => one.reordered),
    foreign: sum((one) => one.foreign),
  }
}

/** Everything that makes the run worthless, one sentence for each cell. */
function problemsOf(measurements: readonly Measurement[]): readonly string[] {
  return measurements.flatMap((cell) => {
    const problems = cell.kind === 'goal' ? [] : [...cell.problems]
    if (cell.kind === 'delivery' || cell.kind === 'slow') problems.push(...faultsOf(cell.tally))
    const where = `${cell.scenario}, ${cell.subject}, block ${cell.block}`
    return problems.map((problem) => `${where}: ${problem}`)
  })
}

function faultsOf(tally: Tally): readonly string[] {
  const { lost, duplicated, reordered, foreign, expected, delivered } = tally
  const faults: string[] = []
  if (expected === 0) faults.push('Nothing was sent.')
  if (lost > 0) faults.push(`${lost} deliveries lost (${delivered} of ${expected}).`)
  if (duplicated > 0) faults.push(`${duplicated} deliveries doubled.`)
  if (reordered > 0) faults.push(`${reordered} deliveries out of order.`)
  if (foreign > 0) faults.push(`${foreign} deliveries of what was never sent.`)
  return faults
}
