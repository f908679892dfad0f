// Whether a load held the objective, and if not, whose fault it was. Pure.
import { benchLimits } from '../limits.ts'
import { decodeHistogram } from '../statistics/histogram.ts'
import { isDiverging } from '../statistics/trend.ts'
import type { Verdict } from './capacity-search.ts'
import type { DeliverResult } from './deliver.ts'

export interface Judgement {
  readonly verdict: Verdict
  /** One sentence; empty where it holds. */
  readonly reason: string
}

type Judged = Pick<
  DeliverResult,
  | 'latency'
  | 'sendLag'
  | 'tally'
  | 'mediansUs'
  | 'problems'
  | 'serverLoopUtilisation'
  | 'generatorUtilisation'
  | 'generatorDelayP99Us'
>

/** What fails while the server has time left and the generator has none is not taken for the server's. */
export function judge(result: Judged): Judgement {
  const reason = failureOf(result)
  if (reason === null) return { verdict: 'holds', reason: '' }
  const { objective, generatorUtilisation, generatorDelayMs } = benchLimits
  const serverIsSaturated = (result.serverLoopUtilisation ?? 0) >= objective.saturatedShare
  const sendLagMs = decodeHistogram(result.sendLag).getValueAtPercentile(99) / 1000
  const generatorIsSaturated =
    result.generatorUtilisation > generatorUtilisation ||
    result.generatorDelayP99Us > generatorDelayMs * 1000 ||
    sendLagMs > objective.p99Ms / 2
  if (serverIsSaturated || !generatorIsSaturated) return { verdict: 'fails', reason }
  return { verdict: 'generator', reason: `The generator was saturated. ${reason}` }
}

function failureOf({ latency, tally, mediansUs, problems }: Judged): string | null {
  const { lost, duplicated, reordered, foreign } = tally
  if (problems[0] !== undefined) return problems[0]
  if (lost + duplicated + reordered + foreign > 0)
    return `Of ${tally.expected} deliveries ${lost} were lost, ${duplicated} doubled, ${reordered} out of order, ${foreign} never sent.`
  const p99Ms = decodeHistogram(latency).getValueAtPercentile(99) / 1000
  const { objective } = benchLimits
  if (p99Ms > objective.p99Ms) return `p99 was ${p99Ms.toFixed(0)} ms, above ${objective.p99Ms} ms.`
  return isDiverging(mediansUs) ? 'The median grew to the end of the window.' : null
}
