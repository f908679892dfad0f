// The check of the whole: a transport against itself, by the scenario, the statistics and the control of every run.
import type { Lab } from '../lab.ts'
import type { Environment, Measurement } from '../measurement.ts'
import { fanout } from '../scenarios/fanout.ts'
import type { Settings } from '../settings.ts'
import { summarize } from '../statistics/aggregate.ts'
import { indifference } from '../statistics/ratio.ts'
import type { Control, Metric } from '../statistics/summary.ts'
import { twinSuffix } from '../subjects.ts'
import type { Check, Finding } from './check.ts'

/** So little, %, is no difference to any control of the bench. */
const indifferent = (100 * Math.expm1(indifference)).toFixed(1)

const judged = ['cpu', 'p50', 'bytes'] as const satisfies readonly Metric[]

/** The widest half-widths that still say something; else a check would pass the more easily the noisier it is. */
const widest = {
  full: { cpu: 0.15, p50: 0.15, bytes: 0.01 },
  short: { cpu: 0.6, p50: 0.8, bytes: 0.15 },
} as const

/** A bias that must be found, as a factor on one name's processor time and bytes, larger than the widest interval. */
const plantedBias = { full: 1.3, short: 3 } as const

/** `settings`: of `fanout` with one transport and its twin. `lab`: with servers of its own. */
export function sameCheck(
  lab: Lab,
  settings: Settings,
  environment: Environment,
  signal: AbortSignal,
  short: boolean,
): Check {
  let tries = 0
  return {
    name: 'A/A',
    why: `websocket under two names in ${settings.profile.blocks} blocks of fanout: the 95 % intervals of the ratios between the two must contain 1 and be narrow; with one name's processor time and bytes multiplied they must not. A block that something disturbed counts here: both names had it.`,
    measure: async () => {
      const seed = settings.seed + tries
      tries += 1
      const measurements = await cellsOf(lab, { ...settings, seed }, signal)
      const controlsOf = (cells: readonly Measurement[]): Controls => {
        const run = { environment, measurements: cells, discarded: [], interrupted: false, durationMs: 0 }
        const table = summarize(run, seed).tables.find((one) => one.kind === 'delivery')
        if (table?.kind !== 'delivery' || table.controls === null) throw new Error('There is no A/A control.')
        return table.controls
      }
      const form = short ? 'short' : 'full'
      const biased = biasedCells(measurements, plantedBias[form])
      return findingOf(controlsOf(measurements), controlsOf(biased), form)
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

type Controls = Readonly<Record<Metric, Control>>

/** The twin's processor time and bytes, multiplied. */
export function biasedCells(measurements: readonly Measurement[], factor: number): readonly Measurement[] {
  return measurements.map((cell) =>
    cell.kind === 'delivery' && cell.subject.endsWith(twinSuffix)
      ? {
          ...cell,
          serverCpuUs: cell.serverCpuUs * factor,
          bytesUp: cell.bytesUp * factor,
          bytesDown: cell.bytesDown * factor,
        }
      : cell,
  )
}

/** Passes when what is the same reads as the same, by intervals that say something, and the planted bias does not. */
export function findingOf(same: Controls, biased: Controls, form: 'full' | 'short'): Finding {
  const parts: string[] = []
  const values: Record<string, number> = {}
  let passed = true
  for (const metric of judged) {
    const { estimate, containsOne, resolution } = same[metric]
    if (estimate === null) throw new Error(`There is no A/A control of ${metric}.`)
    if (!containsOne || !(resolution <= widest[form][metric])) passed = false
    const { low, high, ratio } = estimate
    values[metric] = ratio
    values[`${metric}Low`] = low
    values[`${metric}High`] = high
    parts.push(`${metric} ${low.toFixed(3)}–${high.toFixed(3)}`)
  }
  const found = (['cpu', 'bytes'] as const).filter((metric) => !biased[metric].containsOne)
  values.biasesFound = found.length
  if (found.length < 2) passed = false
  parts.push(`× ${plantedBias[form]} found in ${found.length === 0 ? 'neither' : found.join(', ')}`)
  const limits = judged.map((metric) => `${metric} ± ${Math.round(widest[form][metric] * 100)} %`)
  const bound = `each contains 1 (± ${indifferent} %), at most ${limits.join(', ')} wide; × ${plantedBias[form]} found`
  return { passed, figure: parts.join('; '), bound, values }
}
