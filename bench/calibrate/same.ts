// The check of the whole: a transport against itself, by the same scenario, statistics and control as in every run.
import { measure } from '../measure.ts'
import type { Settings } from '../settings.ts'
import { summarize } from '../statistics/aggregate.ts'
import type { Control, Metric } from '../statistics/summary.ts'
import type { Check, Finding } from './check.ts'

const judged: readonly Metric[] = ['cpu', 'p50', 'bytes']

/** `settings`: a run of `fanout` with one transport and its twin. */
export function sameCheck(settings: Settings, signal: AbortSignal): Check {
  let tries = 0
  return {
    name: 'A/A',
    why: `websocket under two names in ${settings.profile.blocks} blocks: the intervals of the ratios between the two must contain 1, as they do in 95 of 100 quiet runs each.`,
    measure: async () => {
      const seed = settings.seed + tries
      tries += 1
      const run = await measure({ ...settings, seed }, () => undefined, signal)
      const { tables, problems } = summarize(run, seed)
      if (problems[0] !== undefined) throw new Error(problems[0])
      const table = tables.find((one) => one.kind === 'delivery' && one.scenario === 'fanout')
      if (table?.kind !== 'delivery' || table.controls === null) throw new Error('There is no A/A control.')
      return findingOf(table.controls)
    },
  }
}

function findingOf(controls: Readonly<Record<Metric, Control>>): Finding {
  const parts: string[] = []
  const values: Record<string, number> = {}
  let passed = true
  for (const metric of judged) {
    const { estimate, containsOne } = controls[metric]
    if (estimate === null) throw new Error(`There is no A/A control of ${metric}.`)
    if (!containsOne) passed = false
    const { low, high, ratio } = estimate
    values[metric] = ratio
    values[`${metric}Low`] = low
    values[`${metric}High`] = high
    parts.push(`${metric} ${low.toFixed(3)}–${high.toFixed(3)}`)
  }
  return { passed, figure: parts.join(', '), bound: 'each contains 1', values }
}
