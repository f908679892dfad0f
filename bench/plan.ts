// In which order a run's steps come: interleaved scenarios block by block, with new servers now and then, then the others one after the other.
import { benchLimits } from './limits.ts'
import { scenarios, transportsIn } from './scenarios/all.ts'
import { openingSteps } from './scenarios/deliveries.ts'
import type { Scenario, Step } from './scenarios/scenario.ts'
import type { Settings } from './settings.ts'

/** The steps of a run, in order; the same for the same settings. */
export function planRun(settings: Settings): readonly Step[] {
  const chosen = scenarios.filter((scenario) => settings.scenarios.includes(scenario.name))
  const alternating = chosen.filter((scenario) => scenario.interleaved === true)
  const others = chosen.filter((scenario) => scenario.interleaved !== true)
  const planOf = (scenario: Scenario): readonly Step[] =>
    scenario.plan({ ...settings, transports: transportsIn(settings, scenario) })
  // Only who is measured is warmed up.
  const taking = new Set(alternating.flatMap((scenario) => transportsIn(settings, scenario)))
  return [
    ...interleaved(
      { ...settings, transports: settings.transports.filter((name) => taking.has(name)) },
      alternating.map(planOf),
    ),
    ...others.flatMap((scenario) =>
      planOf(scenario).map((step, place) => ({ ...step, renews: place === 0 || step.renews === true })),
    ),
  ]
}

function interleaved(settings: Settings, plans: readonly (readonly Step[])[]): readonly Step[] {
  const blocks = Math.max(0, ...plans.flat().map((step) => step.block))
  const steps: Step[] = []
  for (let block = 1; block <= blocks; block++) {
    if ((block - 1) % benchLimits.blocksOfAnEpoch === 0) {
      const epoch = (block - 1) / benchLimits.blocksOfAnEpoch + 1
      steps.push(...openingSteps(settings, epoch))
    }
    for (const plan of plans) steps.push(...plan.filter((step) => step.block === block))
  }
  return steps
}
