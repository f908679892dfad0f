// Sums a run up, for the verdict and the report.
import type { Person } from './person.ts'
import { percentiles } from './recovery.ts'
import type { Outcome } from './settings.ts'
import type { Tally } from './tally.ts'

const mostSlow = 3

export interface OutcomeParts
  extends Pick<Outcome, 'settings' | 'seconds' | 'interrupted' | 'findings' | 'stuck' | 'failures'> {
  readonly tally: Tally
  readonly people: readonly Person[]
}

export function outcomeOf({ tally, people, ...parts }: OutcomeParts): Outcome {
  const { kills, restarts, switches, failedSwitches, serverNoticed, serverMissed } = tally
  const samples = people.flatMap(({ recovery }) => recovery.samples)
  const timesOf = (transport: string): number[] =>
    samples.filter((one) => one.transport === transport).map(({ ms }) => ms)
  return {
    ...parts,
    faults: tally.table(),
    ...{ kills, restarts, switches, failedSwitches, serverNoticed, serverMissed },
    recovery: percentiles(samples.map(({ ms }) => ms)),
    recoveryOf: Object.fromEntries(
      parts.settings.transports.map((transport) => [transport, percentiles(timesOf(transport))]),
    ),
    recoverySamplesMs: Object.fromEntries(
      parts.settings.transports.map((transport) => [
        transport,
        timesOf(transport)
          .map(Math.round)
          .sort((one, other) => one - other),
      ]),
    ),
    slowest: people
      .flatMap(({ slowest }) => (slowest === null ? [] : [slowest]))
      .sort((one, other) => other.ms - one.ms)
      .slice(0, mostSlow),
    traces: Object.fromEntries(people.map(({ user, trace }) => [user, trace.lines])),
  }
}
