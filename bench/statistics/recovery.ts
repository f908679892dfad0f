// Clients whose links are cut: what was lost on the way, and how long it took until everything was well again.
import type { RecoveryCell } from '../measurement.ts'
import { transportIn } from '../subjects.ts'
import { latencyOf } from './cells.ts'
import { addTallies } from './delivery.ts'
import { decodeHistogram, mergeHistograms } from './histogram.ts'
import { median } from './ratio.ts'
import type { RecoveryRow, RecoveryTable } from './summary.ts'

export function recoveryTable(cells: readonly RecoveryCell[]): RecoveryTable | null {
  const [first] = cells
  if (first === undefined) return null
  const rows = [...Map.groupBy(cells, ({ subject }) => subject).entries()]
    .map(([subject, own]) => rowOf(subject, own))
    .sort(
      (one, other) =>
        (one.caughtUp.p50Us ?? one.caughtUp.maxUs) - (other.caughtUp.p50Us ?? other.caughtUp.maxUs),
    )
  const blocks = new Set(cells.map(({ block }) => block)).size
  return { kind: 'recovery', scenario: first.scenario, load: first.load, blocks, rows }
}

function rowOf(subject: string, cells: readonly RecoveryCell[]): RecoveryRow {
  const sum = (of: (cell: RecoveryCell) => number): number =>
    cells.reduce((total, cell) => total + of(cell), 0)
  // 0 where nobody tried again: a poller's next question is none.
  const shares = cells.map(({ busiestShare = 0 }) => busiestShare).filter((share) => share > 0)
  return {
    subject,
    transport: transportIn(subject) ?? subject,
    protocol: cells[0]?.protocol ?? '',
    clients: Math.max(...cells.map(({ clients }) => clients)),
    cuts: sum(({ cuts }) => cuts),
    reconnected: latencyOf(cells.map(({ reconnected }) => reconnected)),
    firstMessage: latencyOf(cells.map(({ firstMessage }) => firstMessage)),
    caughtUp: latencyOf(cells.map(({ caughtUp }) => caughtUp)),
    live95Us: liveUs(cells, 0.95),
    live100Us: liveUs(cells, 1),
    busiestShare: shares.length === 0 ? null : median(shares),
    tally: addTallies(cells.map(({ tally }) => tally)),
  }
}

/** Of everyone who was cut, those who never came back counted in; null where so many never did. */
function liveUs(cells: readonly RecoveryCell[], share: number): number | null {
  const merged = mergeHistograms(cells.map(({ reconnected }) => decodeHistogram(reconnected)))
  const all = cells.reduce((sum, { cuts }) => sum + cuts, 0)
  const needed = Math.ceil(all * share - 1e-9)
  if (merged.totalCount < needed || merged.totalCount === 0) return null
  return needed === merged.totalCount
    ? merged.maxValue
    : merged.getValueAtPercentile((needed / merged.totalCount) * 100)
}
