// Offered loads on the way to a capacity: the largest that held, when it was looked for and in every fresh window.
import type { CapacityCell } from '../measurement.ts'
import { transportIn } from '../subjects.ts'
import { decodeHistogram, percentileUs } from './histogram.ts'
import type { CapacityRow, CapacityStep, CapacityTable } from './summary.ts'

/** A server whose event loop has less left than a tenth is what limits. */
const saturatedShare = 0.9

export function capacityTable(cells: readonly CapacityCell[]): CapacityTable | null {
  const [first] = cells
  if (first === undefined) return null
  const { scenario, load, axis } = first
  const rows = [...Map.groupBy(cells, ({ subject }) => subject).entries()]
    .map(([subject, own]) => rowOf(subject, own))
    .sort((one, other) => (other.capacity ?? 0) - (one.capacity ?? 0))
  return { kind: 'capacity', scenario, load, axis, rows }
}

function rowOf(subject: string, cells: readonly CapacityCell[]): CapacityRow {
  const steps = [...cells].sort((one, other) => one.block - other.block).map(stepOf)
  const confirmed = steps.some(({ phase }) => phase === 'confirm')
  const holding = [...new Set(steps.map(({ offered }) => offered))].filter((offered) => {
    const own = steps.filter((step) => step.offered === offered)
    return own.every(({ holds }) => holds) && (!confirmed || own.some(({ phase }) => phase === 'confirm'))
  })
  const capacity = holding.length === 0 ? null : Math.max(...holding)
  const limiting = steps.filter(({ offered }) => capacity === null || offered >= capacity)
  return {
    subject,
    transport: transportIn(subject) ?? subject,
    protocol: cells[0]?.protocol ?? '',
    capacity,
    atLeast:
      capacity !== null && limiting.every(({ serverUtilisation }) => serverUtilisation < saturatedShare),
    steps,
  }
}

function stepOf(cell: CapacityCell): CapacityStep {
  const latency = decodeHistogram(cell.latency)
  return {
    offered: cell.offered,
    phase: cell.phase,
    p50Us: percentileUs(latency, 50),
    p99Us: percentileUs(latency, 99),
    serverUtilisation: cell.serverLoopUtilisation ?? cell.serverUtilisation,
    generatorUtilisation: cell.generatorUtilisation,
    holds: cell.holds,
    reason: cell.reason,
  }
}
