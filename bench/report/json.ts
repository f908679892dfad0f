// The run as one JSON document: everything measured, everything derived, and what is needed to do it again. Its schema is in bench/README.md.
import type { Run } from '../measurement.ts'
import type { Settings } from '../settings.ts'
import type { Summary } from '../statistics/summary.ts'

export const schemaName = 'parley-bench/1'

export function renderJson(run: Run, settings: Settings, summary: Summary): string {
  const document = {
    schema: schemaName,
    valid: summary.problems.length === 0 && !summary.interrupted,
    citable: summary.citable,
    interrupted: run.interrupted,
    durationMs: Math.round(run.durationMs),
    environment: run.environment,
    settings,
    problems: summary.problems,
    tables: summary.tables,
    measurements: run.measurements,
  }
  return `${JSON.stringify(document, finite, 2)}\n`
}

/** JSON has no infinity: an interval without an end is null. */
function finite(_key: string, value: unknown): unknown {
  return typeof value === 'number' && !Number.isFinite(value) ? null : value
}
