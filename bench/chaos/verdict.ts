// Whether a run has proved the promise: zeros, and enough of everything that could have broken it. Pure.
import { type FaultKind, faultKinds } from './faults.ts'
import type { Outcome } from './settings.ts'

/** Of a whole minute or more; a shorter run needs its share, each fault at least once. */
const faultsOfEachKind = 3
const killsPerMinute = 3
const switchesPerMinute = 20
const acknowledgedPerSecond = 20

export interface Minimums {
  /** Of each kind, on each transport. */
  readonly faults: number
  readonly kills: number
  readonly switches: number
  readonly acknowledgedPerSecond: number
}

/** What a run of so many seconds must have seen. With one transport alone there is nothing to switch to. */
export function minimumsOf(seconds: number, transports: number): Minimums {
  const share = Math.min(1, seconds / 60)
  return {
    faults: Math.max(1, Math.floor(faultsOfEachKind * share)),
    kills: Math.max(1, Math.floor((killsPerMinute * seconds) / 60)),
    switches: transports > 1 ? Math.max(1, Math.floor((switchesPerMinute * seconds) / 60)) : 0,
    acknowledgedPerSecond,
  }
}

export interface Judgement {
  /** What must not be and was, in sentences. */
  readonly wrong: readonly string[]
  /** What there was too little of, in sentences. */
  readonly short: readonly string[]
  readonly minimums: Minimums
  readonly passed: boolean
}

export function judgementOf(outcome: Outcome): Judgement {
  const { settings, failures, interrupted } = outcome
  const minimums = minimumsOf(settings.seconds, settings.transports.length)
  const wrong = [...wrongs(outcome), ...outcome.stuck]
  const short = shortages(outcome, minimums)
  const passed = wrong.length === 0 && short.length === 0 && failures.length === 0 && !interrupted
  return { wrong, short, minimums, passed }
}

function wrongs({ findings }: Outcome): string[] {
  const { lost, duplicated, reordered, gaps, resets, refused, unknownFate, foreign } = findings
  const counts: readonly (readonly [number, string])[] = [
    [lost, 'lost'],
    [duplicated, 'duplicated'],
    [reordered, 'out of order'],
    [gaps, 'gaps told, and nothing was trimmed'],
    [resets, 'resets told, and the log was the same'],
    [refused, 'refused for good'],
    [unknownFate, 'sent, and their fate never learned'],
    [foreign, 'in the log that nobody sent'],
  ]
  return counts.filter(([count]) => count > 0).map(([count, what]) => `${count} ${what}.`)
}

function shortages(outcome: Outcome, minimums: Minimums): string[] {
  const { settings, faults, kills, switches, findings, seconds } = outcome
  const short: string[] = []
  for (const transport of settings.transports) {
    for (const kind of kindsFor(settings.transports.length)) {
      const count = faults[transport]?.[kind] ?? 0
      if (count < minimums.faults)
        short.push(`${transport} saw ${kind} ${times(count)}; it takes ${minimums.faults}.`)
    }
  }
  if (kills < minimums.kills) short.push(`The server was killed ${times(kills)}; it takes ${minimums.kills}.`)
  if (switches < minimums.switches)
    short.push(`Sessions switched ${times(switches)}; it takes ${minimums.switches}.`)
  const perSecond = findings.acknowledged / Math.max(1, seconds)
  if (perSecond < minimums.acknowledgedPerSecond)
    short.push(
      `${perSecond.toFixed(1)} messages a second were acknowledged; it takes ${minimums.acknowledgedPerSecond}.`,
    )
  return short
}

function kindsFor(transports: number): readonly FaultKind[] {
  return transports > 1 ? faultKinds : faultKinds.filter((kind) => kind !== 'switch')
}

function times(count: number): string {
  return count === 1 ? 'once' : `${count} times`
}

export const exitCodes = { passed: 0, failed: 1, usage: 2, invalid: 3, interrupted: 130 } as const

/** What the harness failed at itself comes before what it found, as that may come of it. */
export function exitCodeOf(outcome: Outcome, { passed }: Judgement): number {
  if (outcome.interrupted) return exitCodes.interrupted
  if (outcome.failures.length > 0) return exitCodes.invalid
  return passed ? exitCodes.passed : exitCodes.failed
}
