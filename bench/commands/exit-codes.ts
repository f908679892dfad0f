// How a command ends, for scripts that run it.
import type { Summary } from '../statistics/summary.ts'

export const exitCodes = { fine: 0, broken: 1, usage: 2, invalid: 3, interrupted: 130 } as const

/** Of a run; `broken`: bounds that it was given and does not keep. */
export function exitCodeOf(summary: Summary, broken: readonly string[]): number {
  if (summary.interrupted) return exitCodes.interrupted
  if (summary.problems.length > 0) return exitCodes.invalid
  const missed = summary.tables.some(
    (table) =>
      (table.kind === 'goal' || table.kind === 'slow') && table.rows.some((row) => row.goal?.met === false),
  )
  return missed || broken.length > 0 ? exitCodes.broken : exitCodes.fine
}
