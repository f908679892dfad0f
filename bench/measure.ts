// The first stage: carries out the steps and collects what they measured. Prints nothing; tells a callback how far it is.
import { describeEnvironment } from './environment.ts'
import { Lab } from './lab.ts'
import type { Measurement, Run } from './measurement.ts'
import { chooseCores } from './processes.ts'
import { scenarios } from './scenarios/all.ts'
import type { Step } from './scenarios/scenario.ts'
import type { Settings } from './settings.ts'

export interface Progress {
  readonly scenario: string
  readonly subject: string
  readonly block: number
  readonly doneSteps: number
  readonly allSteps: number
  readonly elapsedMs: number
  readonly remainingMs: number
}

/** The steps of a run, in order. */
export function planRun(settings: Settings): readonly Step[] {
  return scenarios
    .filter((scenario) => settings.scenarios.includes(scenario.name))
    .flatMap((scenario) => scenario.plan(settings))
}

/** Carries a run out. When `signal` is aborted it stops what it has started and gives what there is. */
export async function measure(
  settings: Settings,
  progress: (now: Progress) => void,
  signal: AbortSignal,
): Promise<Run> {
  const startMs = performance.now()
  const steps = planRun(settings)
  const cores = settings.pin ? chooseCores(settings.cores) : null
  const environment = describeEnvironment(cores)
  const lab = await Lab.open(settings, cores)
  const measurements: Measurement[] = []
  const pace = new Pace(steps)
  const aborted = new Promise<null>((resolve) => {
    signal.addEventListener('abort', () => resolve(null))
  })
  try {
    let scenario = ''
    for (const [index, step] of steps.entries()) {
      if (signal.aborted) break
      // Each scenario begins with processes of its own.
      if (step.scenario !== scenario) await lab.renew()
      scenario = step.scenario
      progress({ ...step, ...pace.at(index, performance.now() - startMs) })
      const outcome = await Promise.race([carryOut(step, lab), aborted])
      if (outcome !== null && !signal.aborted) measurements.push(...outcome)
    }
  } finally {
    await lab.close()
  }
  return { environment, measurements, interrupted: signal.aborted, durationMs: performance.now() - startMs }
}

async function carryOut(step: Step, lab: Lab): Promise<readonly Measurement[]> {
  const { scenario, load, subject, block } = step
  try {
    const measured = await step.run(lab)
    return measured === null ? [] : [measured]
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error)
    // Whatever failed may have left a process in a bad state.
    await lab.renew()
    return [{ kind: 'failed', scenario, load, subject, block, problems: [problem] }]
  }
}

/** Tells how long the rest takes, from the estimates and from how far off they were so far. */
class Pace {
  readonly #steps: readonly Step[]
  readonly #allMs: number

  constructor(steps: readonly Step[]) {
    this.#steps = steps
    this.#allMs = sumOf(steps)
  }

  at(
    index: number,
    elapsedMs: number,
  ): Pick<Progress, 'doneSteps' | 'allSteps' | 'elapsedMs' | 'remainingMs'> {
    const doneMs = sumOf(this.#steps.slice(0, index))
    const stretch = doneMs > 5000 ? elapsedMs / doneMs : 1
    return {
      doneSteps: index,
      allSteps: this.#steps.length,
      elapsedMs,
      remainingMs: (this.#allMs - doneMs) * stretch,
    }
  }
}

function sumOf(steps: readonly Step[]): number {
  return steps.reduce((sum, step) => sum + step.estimateMs, 0)
}
