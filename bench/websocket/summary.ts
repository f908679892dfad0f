// From cells to ratios with intervals, held against what is promised. Pure: the same cells and seed give the same numbers.
import { median, type RatioEstimate, ratioOf } from '../statistics/ratio.ts'
import type { Cell } from './measure.ts'
import { type ServerName, serverNames, unitOf, type Workload, workloads } from './workloads.ts'

export interface ServerCost {
  readonly server: ServerName
  /** In the workload's unit: the median over the rounds, and the range. */
  readonly median: number
  readonly low: number
  readonly high: number
  readonly rounds: number
}

export interface GoalRatio {
  readonly base: Exclude<ServerName, 'ours'>
  /** Ours ÷ base, over the rounds that have both. */
  readonly estimate: RatioEstimate
  readonly goal: number
  readonly met: boolean
  /** The interval lies on one side of the goal. */
  readonly clear: boolean
}

export interface WorkloadSummary {
  readonly workload: Workload
  readonly unit: string
  readonly costs: readonly ServerCost[]
  readonly ratios: readonly GoalRatio[]
  readonly problems: readonly string[]
}

/** The workloads that have cells, in the table's order. */
export function summarizeComparison(cells: readonly Cell[], seed: number): readonly WorkloadSummary[] {
  return workloads.flatMap((workload) => {
    const own = cells.filter((cell) => cell.workload === workload.name)
    if (own.length === 0) return []
    return [
      {
        workload,
        unit: unitOf(workload),
        costs: serverNames.flatMap((server) => costOf(server, own)),
        ratios: (['ws', 'tcp'] as const).flatMap((base) => goalRatio(workload, base, own, seed)),
        problems: own.flatMap(({ server, round, problem }) =>
          problem === null ? [] : [`${workload.name}, ${server}, round ${round}: ${problem}`],
        ),
      },
    ]
  })
}

function costOf(server: ServerName, cells: readonly Cell[]): readonly ServerCost[] {
  const costs = costsByRound(server, cells)
  if (costs.size === 0) return []
  const values = [...costs.values()]
  return [
    {
      server,
      median: median(values),
      low: Math.min(...values),
      high: Math.max(...values),
      rounds: values.length,
    },
  ]
}

function goalRatio(
  workload: Workload,
  base: GoalRatio['base'],
  cells: readonly Cell[],
  seed: number,
): readonly GoalRatio[] {
  const goal = workload.goals[base]
  const bases = costsByRound(base, cells)
  const pairs = [...costsByRound('ours', cells)].flatMap(([round, value]) => {
    const other = bases.get(round)
    return other === undefined ? [] : [{ value, base: other }]
  })
  const estimate = ratioOf(pairs, seed)
  if (goal === undefined || estimate === null) return []
  return [
    {
      base,
      estimate,
      goal,
      met: estimate.ratio <= goal,
      clear: estimate.high <= goal || estimate.low > goal,
    },
  ]
}

function costsByRound(server: ServerName, cells: readonly Cell[]): Map<number, number> {
  const costs = new Map<number, number>()
  for (const cell of cells)
    if (cell.server === server && cell.result !== null) costs.set(cell.round, cell.result.cost)
  return costs
}
