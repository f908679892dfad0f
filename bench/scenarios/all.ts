// Every scenario, in the order of a run, and which of them a profile includes.
import type { ProfileName } from '../limits.ts'
import { burst } from './burst.ts'
import { cut } from './cut.ts'
import { duplex } from './duplex.ts'
import { fanout } from './fanout.ts'
import { goalScenarios } from './goals.ts'
import { idle } from './idle.ts'
import { network } from './network.ts'
import { ramp } from './ramp.ts'
import { rooms } from './rooms.ts'
import { saturate } from './saturate.ts'
import type { Scenario } from './scenario.ts'
import { size } from './size.ts'
import { slow } from './slow.ts'
import { storm } from './storm.ts'
import { trickle } from './trickle.ts'

export const scenarios: readonly Scenario[] = [
  trickle,
  fanout,
  burst,
  rooms,
  duplex,
  size,
  idle,
  network,
  cut,
  storm,
  ramp,
  saturate,
  slow,
  ...goalScenarios,
]

/** What a run includes that asks for no scenario: the usual ones, or everything. */
export function scenariosOf(profile: ProfileName): readonly string[] {
  return scenarios
    .filter(({ usual, leftOutOf }) => profile === 'full' || (usual && leftOutOf !== profile))
    .map(({ name }) => name)
}

/** Names that stand for several. */
export const scenarioGroups: Readonly<Record<string, readonly string[]>> = {
  goals: goalScenarios.map((one) => one.name),
}
