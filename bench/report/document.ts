// What a report is made of: a bench's JSON file, as far as it is shown. Summary and settings in one.
import type { Discarded, Measurement } from '../measurement.ts'
import type { Summary } from '../statistics/summary.ts'

/** What of the settings stands in a head line; a report prints all of them as they are. */
export interface ReportSettings {
  readonly profileName: string
  readonly seed: number
  readonly secure: boolean
}

export interface ReportDocument extends Summary {
  readonly schema: string
  readonly valid: boolean
  readonly settings: ReportSettings
  readonly measurements: readonly Measurement[]
  readonly discarded: readonly Discarded[]
}
