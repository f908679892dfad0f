// What left no cell behind: tables whose every pass was discarded, and runs that measured nothing. No table can complain of itself then.
import type { Run } from '../measurement.ts'
import { baseScenario } from './base.ts'

export function lostTables(run: Run): readonly string[] {
  const problems: string[] = []
  const lost = Map.groupBy(run.discarded, ({ scenario, load }) => `${scenario}, ${load}`)
  for (const [name, passes] of lost) {
    const [first] = passes
    const kept = run.measurements.some(
      ({ scenario, load }) => scenario === first?.scenario && load === first.load,
    )
    if (kept) continue
    const worstMs = Math.max(...passes.map(({ sendLagP99Us }) => sendLagP99Us)) / 1000
    problems.push(
      `${name}: every one of ${passes.length} passes was disturbed: sends were late by up to ${worstMs.toFixed(1)} ms at p99. The generator was saturated, or something else on the machine kept it busy.`,
    )
  }
  const measured = run.measurements.some(({ scenario }) => scenario !== baseScenario)
  if (!measured && problems.length === 0 && !run.interrupted) problems.push('Nothing was measured.')
  return problems
}
