// The second stage: cells become tables. Histograms are merged, never their percentiles; ratios come from pairs of one block.
import type {
  CapacityCell,
  DeliveryCell,
  FailedCell,
  GoalCell,
  IdleCell,
  Measurement,
  OpeningCell,
  RecoveryCell,
  Run,
  ServiceCell,
  SlowCell,
} from '../measurement.ts'
import { bands, outsideBand, tlsConnectionBytes } from '../model/bands.ts'
import { Bases, baseScenario } from './base.ts'
import { capacityTable } from './capacity.ts'
import { type CitedSettings, notCitableFor } from './citable.ts'
import { byMetric } from './compared.ts'
import { type DeliveryResult, deliveryTable } from './delivery.ts'
import { deliveryFindings, environmentWarnings, pressureWarnings } from './findings.ts'
import { controlsDiffer, faultsOf, sharedCore } from './gates.ts'
import { goalTable } from './goals.ts'
import { decodeHistogram } from './histogram.ts'
import { idleTable } from './idle.ts'
import { lostTables } from './lost.ts'
import { openingTable, tooSoon } from './opening.ts'
import { recoveryTable } from './recovery.ts'
import { serviceProblems, serviceTable } from './service.ts'
import { slowTable } from './slow.ts'
import { metrics, type Summary, type Table } from './summary.ts'

/** Sums a run up. `seed`: of the bootstrap. `settings`, or the profile's name alone: `quick` is never citable. */
export function summarize(run: Run, seed: number, settings: CitedSettings | string = 'standard'): Summary {
  const measured = run.measurements.filter((cell) => cell.kind !== 'failed')
  const bases = new Bases(measured.filter((cell) => cell.kind === 'delivery'))
  const groups = Map.groupBy(measured, keyOf)
  groups.delete(baseKey)
  const problems = [
    ...sharedCore(run.environment.pinned),
    ...cellProblems(run.measurements),
    ...lostTables(run),
  ]
  const warnings = [...environmentWarnings(run.environment)]
  const tables: Table[] = []
  const deliveries: DeliveryResult[] = []
  for (const cells of groups.values()) {
    const [first] = cells
    if (first?.kind === 'delivery') {
      const context = { seed, bases, discarded: run.discarded }
      const result = deliveryTable(cells as readonly DeliveryCell[], context)
      if (result === null) continue
      deliveries.push(result)
      tables.push(result.table)
      const findings = deliveryFindings(result, bases)
      problems.push(...findings.problems)
      warnings.push(...findings.warnings, ...pressureWarnings(result))
    } else {
      const table = first === undefined ? null : tableOf(first, cells, seed)
      if (table !== null) tables.push(table)
      if (first?.kind === 'service') problems.push(...serviceProblems(cells as readonly ServiceCell[]))
      if (table?.kind === 'idle') warnings.push(...memoryWarnings(table))
    }
  }
  problems.push(...controlProblems(deliveries))
  const { environment, interrupted, durationMs } = run
  const cited = typeof settings === 'string' ? { profileName: settings } : settings
  const notCitable = notCitableFor(cited, { environment, interrupted, problems, tables })
  return {
    environment,
    // What is invalid ranks nothing, whoever shows it.
    tables: problems.length > 0 ? tables.map(withoutRanks) : tables,
    problems,
    warnings,
    interrupted,
    durationMs,
    citable: notCitable.length === 0,
    notCitable,
  }
}

function withoutRanks(table: Table): Table {
  if (table.kind !== 'delivery') return table
  const rows = table.rows.map((row) => ({
    ...row,
    comparisons: byMetric((metric) => {
      const { ratio, standing } = row.comparisons[metric]
      return { ratio, standing: standing === 'baseline' ? standing : 'unranked', tier: null } as const
    }),
  }))
  return { ...table, rows }
}

const baseKey = `delivery ${baseScenario}`

/** What is one table: a scenario's load, and of the goals the scenario alone. */
function keyOf(cell: Exclude<Measurement, FailedCell>): string {
  if (cell.kind === 'goal') return `goal ${cell.scenario}`
  if (cell.kind === 'delivery' && cell.scenario === baseScenario) return baseKey
  return `${cell.kind} ${cell.scenario} ${cell.load}`
}

function tableOf(
  first: Exclude<Measurement, FailedCell>,
  cells: readonly Measurement[],
  seed: number,
): Table | null {
  switch (first.kind) {
    case 'delivery':
      return null
    case 'service':
      return serviceTable(cells as readonly ServiceCell[])
    case 'goal':
      return goalTable(first.scenario, first.load, cells as readonly GoalCell[], seed)
    case 'slow':
      return slowTable(first, cells as readonly SlowCell[], seed)
    case 'idle':
      return idleTable(cells as readonly IdleCell[])
    case 'capacity':
      return capacityTable(cells as readonly CapacityCell[])
    case 'opening':
      return openingTable(cells as readonly OpeningCell[])
    case 'recovery':
      return recoveryTable(cells as readonly RecoveryCell[])
  }
}

/** Everything that single cells say of themselves, one sentence each. */
function cellProblems(measurements: readonly Measurement[]): readonly string[] {
  return measurements.flatMap((cell) => {
    const problems = cell.kind === 'goal' ? [] : [...cell.problems]
    if (cell.kind === 'delivery' || cell.kind === 'slow' || cell.kind === 'recovery')
      problems.push(...faultsOf(cell.tally))
    if (cell.kind === 'opening') problems.push(...tooSoon(cell, leastUs(cell.latency)))
    const where = `${cell.scenario}, ${cell.subject}, block ${cell.block}`
    return problems.map((problem) => `${where}: ${problem}`)
  })
}

function leastUs(encoded: string): number | null {
  const histogram = decodeHistogram(encoded)
  return histogram.totalCount === 0 ? null : histogram.getValueAtPercentile(0)
}

/** All A/A controls of the run together. */
function controlProblems(results: readonly DeliveryResult[]): readonly string[] {
  const tests = results.flatMap(({ table, controls }) =>
    controls === null
      ? []
      : metrics.map((metric) => ({
          name: `${table.scenario}, ${table.load}: ${controls[metric].control.subject}, by ${metric},`,
          pValue: controls[metric].pValue,
        })),
  )
  return controlsDiffer(tests)
}

function memoryWarnings(table: Extract<Table, { readonly kind: 'idle' }>): readonly string[] {
  return table.rows.flatMap(({ subject, protocol, memoryBytesPerConnection }) => {
    if (memoryBytesPerConnection === null) return []
    const tlsBytes = protocol.includes('TLS') ? tlsConnectionBytes : 0
    const outside = outsideBand(bands.memoryBytesPerConnection, memoryBytesPerConnection - tlsBytes)
    return outside === null ? [] : `${subject}: ${outside}`
  })
}
