// The first stage: carries out the steps and collects what they measured. Prints nothing; tells a callback how far it is.
import { describeEnvironment } from './environment.ts'
import { Lab } from './lab.ts'
import { benchLimits } from './limits.ts'
import type { DeliveryCell, Discarded, Measurement, Run } from './measurement.ts'
import { planRun } from './plan.ts'
import { chooseCores } from './processes.ts'
import type { Step } from './scenarios/scenario.ts'
import type { Settings } from './settings.ts'
import { disturbanceOf } from './statistics/disturbance.ts'
import { baselineOf } from './subjects.ts'

export interface Progress {
  readonly scenario: string
  readonly subject: string
  readonly block: number
  readonly doneSteps: number
  readonly allSteps: number
  readonly elapsedMs: number
  readonly remainingMs: number
}

/**
 * Carries a run out. When `signal` is aborted it stops what it has started and gives what there is. `plan`: other steps than those
 * that the settings ask for.
 */
export async function measure(
  settings: Settings,
  progress: (now: Progress) => void,
  signal: AbortSignal,
  plan: readonly Step[] = planRun(settings),
): Promise<Run> {
  const startMs = performance.now()
  const units = unitsOf(plan)
  const cores = settings.pin ? chooseCores(settings.cores, settings.fault === 'shared-core') : null
  const environment = describeEnvironment(cores)
  const lab = await Lab.open(settings, cores)
  const measurements: Measurement[] = []
  const discarded: Discarded[] = []
  const pace = new Pace(units.flat())
  const aborted = new Promise<null>((resolve) => {
    signal.addEventListener('abort', () => resolve(null))
  })
  const carryOutUnit = async (unit: readonly Step[]): Promise<void> => {
    const passes = new Passes(unit, discarded)
    let cells: Measurement[] = []
    for (let place = 0; place < unit.length && !signal.aborted; place++) {
      const step = unit[place]
      if (step === undefined) break
      if (step.renews === true) await lab.renew()
      progress({ ...step, ...pace.now(performance.now() - startMs) })
      const outcome = await Promise.race([carryOut(step, lab), aborted])
      if (outcome === null || signal.aborted) break
      pace.did(step)
      cells.push(...outcome)
      if (settings.keepsDisturbed === true || !passes.isDisturbed(cells, measurements)) continue
      // Nothing of a disturbed block counts, and it is run again while there is reason to hope.
      cells = []
      if (!passes.mayTryAgain()) break
      const { elapsedMs, remainingMs } = pace.now(performance.now() - startMs)
      const again = { elapsedMs, remainingMs, againMs: sumOf(unit.slice(0, place + 1)) }
      if (!fitsBudget({ ...again, plannedMs: sumOf(plan) }, benchLimits.budgetMs[settings.profileName])) break
      pace.doAgain(unit.slice(0, place + 1))
      place = -1
    }
    measurements.push(...cells)
  }
  try {
    for (const unit of units) {
      if (signal.aborted) break
      await carryOutUnit(unit)
    }
  } finally {
    await lab.close()
  }
  return {
    environment,
    measurements,
    discarded,
    interrupted: signal.aborted,
    durationMs: performance.now() - startMs,
  }
}

/** Whether a block may be run again. A plan that was longer than the budget from the start was asked to be, and is not held to it. */
export function fitsBudget(
  times: {
    readonly plannedMs: number
    readonly elapsedMs: number
    readonly remainingMs: number
    readonly againMs: number
  },
  budgetMs: number,
): boolean {
  const { plannedMs, elapsedMs, remainingMs, againMs } = times
  return plannedMs > budgetMs || elapsedMs + remainingMs + againMs <= budgetMs
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

/** Steps of one table's block belong together: they are kept or discarded as one. */
function unitsOf(steps: readonly Step[]): readonly (readonly Step[])[] {
  const units: Step[][] = []
  for (const step of steps) {
    const last = units.at(-1)
    const before = last?.[0]
    const same =
      before !== undefined &&
      before.scenario === step.scenario &&
      before.load === step.load &&
      before.block === step.block &&
      step.renews !== true
    if (same && last !== undefined) last.push(step)
    else units.push([step])
  }
  return units
}

/** The passes of one unit: whether one was disturbed, and whether another is worth it. */
class Passes {
  readonly #discarded: Discarded[]
  readonly #scenario: string
  readonly #load: string
  readonly #baseline: string
  readonly #cells: number
  #kept = 0

  constructor(unit: readonly Step[], discarded: Discarded[]) {
    this.#discarded = discarded
    this.#scenario = unit[0]?.scenario ?? ''
    this.#load = unit[0]?.load ?? ''
    this.#baseline = baselineOf(unit.map(({ subject }) => subject)) ?? ''
    this.#cells = unit.length
  }

  /** Judges a pass by the cells it has so far; those that were kept before say how long the baseline takes. */
  isDisturbed(cells: readonly Measurement[], kept: readonly Measurement[]): boolean {
    if (this.#scenario === 'base') return false
    const own = (all: readonly Measurement[]): readonly DeliveryCell[] =>
      all.filter(
        (cell): cell is DeliveryCell =>
          cell.kind === 'delivery' && cell.scenario === this.#scenario && cell.load === this.#load,
      )
    const [cellsHere, cellsBefore] = [own(cells), own(kept)]
    const known = [...cellsHere, ...cellsBefore].some(({ subject }) => subject === this.#baseline)
    // What the baseline takes is a part of the bound: the first pass is judged once that is known.
    if (!known && cells.length < this.#cells) return false
    const disturbance = disturbanceOf(cellsHere, cellsBefore, this.#baseline)
    if (disturbance === null) return false
    this.#discarded.push(disturbance)
    this.#kept = new Set(cellsBefore.map(({ block }) => block)).size
    return true
  }

  /** Not once so many passes of this table were disturbed that the machine is too busy. */
  mayTryAgain(): boolean {
    const lost = this.#discarded.filter(
      ({ scenario, load }) => scenario === this.#scenario && load === this.#load,
    ).length
    return (
      lost <= benchLimits.discardedAtLeast || lost / (lost + this.#kept + 1) <= benchLimits.discardedShare
    )
  }
}

/** Tells how long the rest takes, from the estimates and from how far off they were so far. */
class Pace {
  #doneSteps = 0
  #doneMs = 0
  #allSteps: number
  #allMs: number

  constructor(steps: readonly Step[]) {
    this.#allSteps = steps.length
    this.#allMs = sumOf(steps)
  }

  did(step: Step): void {
    this.#doneSteps += 1
    this.#doneMs += step.estimateMs
  }

  doAgain(steps: readonly Step[]): void {
    this.#allSteps += steps.length
    this.#allMs += sumOf(steps)
  }

  now(elapsedMs: number): Pick<Progress, 'doneSteps' | 'allSteps' | 'elapsedMs' | 'remainingMs'> {
    const stretch = this.#doneMs > 5000 ? elapsedMs / this.#doneMs : 1
    return {
      doneSteps: this.#doneSteps,
      allSteps: this.#allSteps,
      elapsedMs,
      remainingMs: (this.#allMs - this.#doneMs) * stretch,
    }
  }
}

function sumOf(steps: readonly Step[]): number {
  return steps.reduce((sum, step) => sum + step.estimateMs, 0)
}
