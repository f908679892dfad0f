// Every scenario, in the order of a run.
import { fanout } from './fanout.ts'
import { goalScenarios } from './goals.ts'
import { saturate } from './saturate.ts'
import type { Scenario } from './scenario.ts'
import { slow } from './slow.ts'
import { trickle } from './trickle.ts'

export const scenarios: readonly Scenario[] = [trickle, fanout, saturate, slow, ...goalScenarios]

/** Names that stand for several. */
export const scenarioGroups: Readonly<Record<string, readonly string[]>> = {
  goals: goalScenarios.map((one) => one.name),
}
