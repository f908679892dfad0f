// Every scenario, in the order of a run, and which of them a profile includes.
import type { ProfileName } from '../limits.ts'
import type { Settings } from '../settings.ts'
import { isOverHttp1, transportNames } from '../subjects.ts'
import { burst } from './burst.ts'
import { cut } from './cut.ts'
import { duplex } from './duplex.ts'
import { fanout } from './fanout.ts'
import { goalScenarios } from './goals.ts'
import { idle } from './idle.ts'
import { network } from './network.ts'
import { opening } from './opening.ts'
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
  opening,
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

/** Measured where it is named, or where time doesn't matter: the bare server of a library whose place in the lab has a row of its own. */
const byName: ReadonlySet<string> = new Set(['ws'])

/** Who takes part in a run that names no transport: rows over HTTP/1.1 are too many for a quick one. */
export function transportsOf(profile: ProfileName): readonly string[] {
  if (profile === 'full') return transportNames
  const usual = transportNames.filter((name) => !byName.has(name))
  return profile === 'quick' ? usual.filter((name) => !isOverHttp1(name)) : usual
}

/** Who of a run takes part in a scenario: rows over HTTP/1.1 only where they tell something, were named, or time doesn't matter. */
export function transportsIn(settings: Settings, { everyProtocol = false }: Scenario): readonly string[] {
  const { profileName, transports, namesTransports = false } = settings
  if (namesTransports || everyProtocol || profileName === 'full') return transports
  return transports.filter((name) => !isOverHttp1(name))
}

/** Names that stand for several. */
export const scenarioGroups: Readonly<Record<string, readonly string[]>> = {
  goals: goalScenarios.map((one) => one.name),
}
