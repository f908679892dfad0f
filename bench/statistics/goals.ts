// Goals: each round's pairs become ratios, and a ratio is held against its bound.
import { benchLimits } from '../limits.ts'
import type { GoalCell } from '../measurement.ts'
import { mean, median, type Pair, ratioOf } from './ratio.ts'
import type { GoalRow, GoalTable } from './summary.ts'

/** Which ratio is promised: Parley to this control. */
const promises: Readonly<
  Record<string, { readonly control: string; readonly bound: number; readonly atMost: boolean }>
> = {
  'goal-poll': { control: 'node:http', bound: benchLimits.pollGoal.bound, atMost: true },
  'goal-push': { control: 'node:http2, joined', bound: benchLimits.pushGoal.bound, atMost: true },
  'goal-send': { control: 'node:sqlite, 1 room', bound: benchLimits.sendGoal.bound, atMost: false },
}

const ours = 'parley'

export function goalTable(
  scenario: string,
  load: string,
  cells: readonly GoalCell[],
  seed: number,
): GoalTable {
  const subjects = [...new Set(cells.map((cell) => cell.subject))].sort(oursFirst)
  const rounds = new Set(cells.map((cell) => cell.block)).size
  return {
    kind: 'goal',
    scenario,
    load,
    rounds,
    rows: subjects.map((subject) => row(scenario, subject, cells, seed)),
  }
}

function oursFirst(one: string, other: string): number {
  return Number(other === ours) - Number(one === ours)
}

function row(scenario: string, subject: string, cells: readonly GoalCell[], seed: number): GoalRow {
  const own = cells.filter((cell) => cell.subject === subject)
  const values = own.map((cell) => cell.value)
  const ratio = subject === ours ? null : ratioOf(pairsOf(cells, subject), seed)
  const promise = promises[scenario]
  const bytes = own.map((cell) => cell.bytesPerDelivery).filter((value) => value !== undefined)
  return {
    subject,
    value: median(values),
    low: Math.min(...values),
    high: Math.max(...values),
    bytesPerDelivery: bytes.length === 0 ? null : mean(bytes),
    serverUtilisation: mean(own.map((cell) => cell.serverUtilisation)),
    generatorUtilisation: mean(own.map((cell) => cell.generatorUtilisation)),
    ratio,
    goal:
      ratio === null || promise?.control !== subject
        ? null
        : {
            bound: promise.bound,
            atMost: promise.atMost,
            met: promise.atMost ? ratio.ratio <= promise.bound : ratio.ratio >= promise.bound,
            clear: ratio.high < promise.bound || ratio.low > promise.bound,
          },
  }
}

/** Parley's value and the control's, of every round that has both. */
function pairsOf(cells: readonly GoalCell[], control: string): readonly Pair[] {
  const pairs: Pair[] = []
  for (const cell of cells) {
    if (cell.subject !== ours) continue
    const base = cells.find((other) => other.subject === control && other.block === cell.block)
    if (base !== undefined) pairs.push({ value: cell.value, base: base.value })
  }
  return pairs
}
