// The check of the whole: a transport against itself, by the scenario, the statistics and the control of every run.
import type { Lab } from '../lab.ts'
import type { Environment, Measurement } from '../measurement.ts'
import { fanout } from '../scenarios/fanout.ts'
import type { Settings } from '../settings.ts'
import { summarize } from '../statistics/aggregate.ts'
import { indifference } from '../statistics/ratio.ts'
import type { Control, Metric } from '../statistics/summary.ts'
import type { Check, Finding } from './check.ts'

/** So little, %, is no difference to any control of the bench. */
const indifferent = (100 * Math.expm1(indifference)).toFixed(1)

const judged: readonly Metric[] = ['cpu', 'p50', 'bytes']

/** `settings`: of `fanout` with one transport and its twin. `lab`: with servers of its own. */
export function sameCheck(
  lab: Lab,
  settings: Settings,
  environment: Environment,
  signal: AbortSignal,
): Check {
  let tries = 0
  return {
    name: 'A/A',
    why: `websocket under two names in ${settings.profile.blocks} blocks of fanout: the 95 % intervals of the ratios between the two must contain 1. A block that something disturbed counts here: both names had it.`,
    measure: async () => {
      const seed = settings.seed + tries
      tries += 1
      const measurements = await cellsOf(lab, { ...settings, seed }, signal)
      const run = { environment, measurements, discarded: [], interrupted: false, durationMs: 0 }
      const table = summarize(run, seed).tables.find((one) => one.kind === 'delivery')
      if (table?.kind !== 'delivery' || table.controls === null) throw new Error('There is no A/A control.')
      return findingOf(table.controls)
    },
  }
}

/** The first block runs the processes warm and is not counted. */
async function cellsOf(lab: Lab, settings: Settings, signal: AbortSignal): Promise<readonly Measurement[]> {
  const steps = fanout.plan(settings)
  const cells: Measurement[] = []
  for (const step of [
    ...steps.filter(({ block }) => block === 1).map((one) => ({ ...one, block: 0 })),
    ...steps,
  ]) {
    signal.throwIfAborted()
    const cell = await step.run(lab)
    if (cell !== null && step.block > 0) cells.push(cell)
  }
  return cells
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
  return { passed, figure: parts.join(', '), bound: `each contains 1 (± ${indifferent} %)`, values }
}
