// What a scenario is: a list of steps that the lab carries out one after the other.
import type { Lab } from '../lab.ts'
import type { ProfileName } from '../limits.ts'
import type { Measurement } from '../measurement.ts'
import type { Settings } from '../settings.ts'

/** One cell, or a preparation that measures nothing. */
export interface Step {
  readonly scenario: string
  /** The load in words; one table each. */
  readonly load: string
  readonly subject: string
  /** From 1; 0 for preparations. */
  readonly block: number
  /** About how long it takes, for the time left. */
  readonly estimateMs: number
  /** Of an interleaved scenario: the first step of servers that are new. */
  readonly renews?: boolean
  /** Measures. Rejects when it can't, which makes the run invalid. */
  run(lab: Lab): Promise<Measurement | null>
}

export interface Scenario {
  readonly name: string
  /** One sentence for `--list`. */
  readonly summary: string
  /** Whether a run without `--scenario` includes it. */
  readonly usual: boolean
  /** The profile that has no time for it. */
  readonly leftOutOf?: ProfileName
  /** What is spoken matters to it: it has the rows over HTTP/1.1 in a standard run too. */
  readonly everyProtocol?: boolean
  /** Its blocks alternate with those of the other such scenarios, so that a drift of the machine meets all of them alike. */
  readonly interleaved?: boolean
  /** The steps in order, the same for the same settings. */
  plan(settings: Settings): readonly Step[]
}
