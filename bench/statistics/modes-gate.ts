// TCP's timers in a table: fatal where only some have them, since then something is not configured alike; else a warning.
import type { Mode } from './modes.ts'

export interface ModedRow {
  readonly subject: string
  readonly modes: readonly Mode[]
}

/**
 * A mode that some transports have and others, which had the same network, have not, is a socket option: NODELAY was forgotten. One
 * that all have is the network's, or the machine's. Rows that poll are no witnesses: the caller leaves
 * them out. 200 ms is a retransmission, which the machine causes: never more than a warning.
 */
export function modeFindings(rows: readonly ModedRow[]): {
  readonly problems: readonly string[]
  readonly warnings: readonly string[]
} {
  const problems: string[] = []
  const warnings: string[] = []
  for (const timerMs of [40, 200] as const) {
    const having = rows.filter(({ modes }) => modes.some((mode) => mode.timerMs === timerMs))
    if (having.length === 0) continue
    const names = having.map(({ subject }) => subject).join(', ')
    const timer = timerMs === 40 ? 'a delayed acknowledgement' : 'a retransmission'
    const what = `${names}: deliveries gather at ${timerMs} ms, as after ${timer}`
    if (having.length < rows.length && timerMs === 40)
      problems.push(`Not configured alike: NODELAY. ${what}.`)
    else warnings.push(`${what}.`)
  }
  return { problems, warnings }
}
