// The steps of `ab`: those of a run, each of Parley's once more on the old server, in a new random order within each block.
import type { Lab } from '../lab.ts'
import type { Measurement } from '../measurement.ts'
import { randomStream, shuffled } from '../random.ts'
import type { Step } from '../scenarios/scenario.ts'
import { oldSuffix } from '../statistics/compare.ts'
import { transportIn, transportOf, twinSuffix } from '../subjects.ts'

/** `folder`: the old sources. Pure. */
export function abPlan(steps: readonly Step[], folder: string, seed: number): readonly Step[] {
  return groupsOf(steps).flatMap((group) => {
    const [first] = group
    if (first === undefined) return []
    const both = group.flatMap((step) => [step, ...(isParley(step.subject) ? [onOld(step, folder)] : [])])
    const random = randomStream(seed, `ab ${first.scenario} ${first.load} ${first.block}`)
    // Whoever comes first starts the servers anew.
    const renews = group.some((step) => step.renews === true)
    return shuffled(random, both).map((step, place) => ({ ...step, renews: renews && place === 0 }))
  })
}

/** Consecutive steps of one table's block; the alternation is within it. */
function groupsOf(steps: readonly Step[]): readonly (readonly Step[])[] {
  const groups: Step[][] = []
  for (const step of steps) {
    const before = groups.at(-1)?.[0]
    const same =
      before?.scenario === step.scenario && before.load === step.load && before.block === step.block
    if (same && step.renews !== true) groups.at(-1)?.push(step)
    else groups.push([step])
  }
  return groups
}

/** The twin stays what it is: the new one against itself. */
function isParley(subject: string): boolean {
  if (subject.endsWith(twinSuffix)) return false
  const name = transportIn(subject)
  return name !== null && transportOf(name).server === 'parley'
}

function onOld(step: Step, folder: string): Step {
  const subject = `${step.subject}${oldSuffix}`
  return {
    ...step,
    subject,
    run: async (lab: Lab): Promise<Measurement | null> => {
      const measured = await step.run(lab.withServerOf(folder))
      return measured === null ? null : { ...measured, subject }
    },
  }
}
