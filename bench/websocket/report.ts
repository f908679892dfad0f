// The comparison as lines for the screen, and as one JSON document. Pure.
import { renderTable, short } from '../report/table.ts'
import type { RatioEstimate } from '../statistics/ratio.ts'
import type { Comparison } from './measure.ts'
import type { Options } from './options.ts'
import type { GoalRatio, ServerCost, WorkloadSummary } from './summary.ts'

export const schemaName = 'parley-bench-websocket/1'

/** From this many rounds on the intervals are worth citing. */
export const citableRounds = 12

const columns = [
  { title: 'workload', align: 'left' },
  { title: 'ours', align: 'right' },
  { title: 'ws', align: 'right' },
  { title: 'tcp', align: 'right' },
  { title: 'unit', align: 'left' },
  { title: 'ours ÷ ws', align: 'left' },
  { title: 'goal', align: 'left' },
  { title: 'ours ÷ tcp', align: 'left' },
  { title: 'goal', align: 'left' },
] as const

export function renderComparison(
  comparison: Comparison,
  summaries: readonly WorkloadSummary[],
  options: Options,
): string {
  const { environment, interrupted, durationMs } = comparison
  const { cpuModel, cores, node, commit, pinned, cpuSource } = environment
  const pins =
    pinned === null ? 'not pinned' : `server on core ${pinned.server}, generator on ${pinned.generator}`
  const problems = summaries.flatMap((summary) => summary.problems)
  const few = options.rounds < citableRounds ? ` · fewer than ${citableRounds} rounds: not citable` : ''
  const lines = [
    `${cpuModel} × ${cores} · Node ${node.replace(/^v/, '')} · commit ${commit} · ${pins} · CPU from ${cpuSource}`,
    `${problems.length > 0 ? 'INVALID' : 'valid'}${interrupted ? ', interrupted: what there is' : ''} · ${options.rounds} rounds of ${options.windowMs / 1000} s · seed ${options.seed} · ${Math.round(durationMs / 1000)} s${few}`,
    ...problems.map((problem) => `  ${problem}`),
    '',
    ...renderTable(columns, summaries.map(row)),
    '',
    'Server CPU (all threads, user and system) a delivered message, median of the rounds; each cell a fresh server. Ratios: geometric',
    'mean of the rounds’ pairs, 95 % bootstrap interval. `ws` without native add-ons; `tcp` joins a tick’s frames and checks nothing.',
    ...summaries.map(({ workload }) => `  ${workload.name.padEnd(16)} ${workload.summary}`),
  ]
  return `${lines.join('\n')}\n`
}

function row({ workload, unit, costs, ratios }: WorkloadSummary): readonly string[] {
  const cost = (server: ServerCost['server']): string => {
    const found = costs.find((one) => one.server === server)
    return found === undefined ? '' : short(found.median)
  }
  const ratio = (base: GoalRatio['base']): readonly string[] => {
    const found = ratios.find((one) => one.base === base)
    return found === undefined ? ['', ''] : [ratioText(found.estimate), goalText(found)]
  }
  return [workload.name, cost('ours'), cost('ws'), cost('tcp'), unit, ...ratio('ws'), ...ratio('tcp')]
}

/** `0.118 [0.115, 0.121]`. */
export function ratioText({ ratio, low, high, pairs }: RatioEstimate): string {
  return pairs < 2 ? ratio.toFixed(3) : `${ratio.toFixed(3)} [${low.toFixed(3)}, ${high.toFixed(3)}]`
}

/** `≤ 0.14 met`; with a question mark where the interval holds the goal. */
export function goalText({ goal, met, clear }: GoalRatio): string {
  return `≤ ${goal} ${met ? 'met' : 'SHORT'}${clear ? '' : '?'}`
}

export function comparisonJson(
  comparison: Comparison,
  summaries: readonly WorkloadSummary[],
  options: Options,
): string {
  const problems = summaries.flatMap((summary) => summary.problems)
  const document = {
    schema: schemaName,
    valid: problems.length === 0 && !comparison.interrupted,
    citable: options.rounds >= citableRounds,
    interrupted: comparison.interrupted,
    durationMs: Math.round(comparison.durationMs),
    environment: comparison.environment,
    settings: options,
    problems,
    workloads: summaries,
    cells: comparison.cells,
  }
  return `${JSON.stringify(document, finite, 2)}\n`
}

/** JSON has no infinity: an interval without an end is null. */
function finite(_key: string, value: unknown): unknown {
  return typeof value === 'number' && !Number.isFinite(value) ? null : value
}
