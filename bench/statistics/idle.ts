// Links that have nothing to do: what each costs a second, and what one more takes of the server's memory.

import { serverLimits } from '../../transports/limits.ts'
import type { IdleCell } from '../measurement.ts'
import { restingBytes } from '../model/bytes.ts'
import { tolerances } from '../model/theory.ts'
import { transportIn, transportOf } from '../subjects.ts'
import { latencyOf } from './cells.ts'
import { median } from './ratio.ts'
import { lineThrough } from './slope.ts'
import type { IdleRow, IdleTable, Predicted } from './summary.ts'

/** Through fewer sizes a line always fits. */
const leastSizes = 3

export function idleTable(cells: readonly IdleCell[]): IdleTable | null {
  const [first] = cells
  if (first === undefined) return null
  const rows = [...Map.groupBy(cells, ({ subject }) => subject).entries()]
    .flatMap(([subject, own]) => rowOf(subject, own) ?? [])
    .sort((one, other) => one.cpuUsPerConnectionSecond - other.cpuUsPerConnectionSecond)
  const blocks = new Set(cells.map(({ block }) => block)).size
  return { kind: 'idle', scenario: first.scenario, load: first.load, blocks, rows }
}

function rowOf(subject: string, cells: readonly IdleCell[]): IdleRow | null {
  const [first] = cells
  if (first === undefined) return null
  const most = Math.max(...cells.map(({ connections }) => connections))
  const largest = cells.filter(({ connections }) => connections === most)
  const seconds = largest.reduce((sum, { connections, wallMs }) => sum + (connections * wallMs) / 1000, 0)
  const perSecond = (of: (cell: IdleCell) => number): number =>
    largest.reduce((sum, cell) => sum + of(cell), 0) / seconds
  const memory = memoryOf(cells)
  const line =
    memory.length < leastSizes
      ? null
      : lineThrough(memory.map((one) => ({ x: one.connections, y: one.rssBytes })))
  const bytesDown = perSecond((cell) => cell.bytesDown)
  const bytesUp = perSecond((cell) => cell.bytesUp)
  return {
    subject,
    transport: transportIn(subject) ?? subject,
    intervalMs: first.intervalMs,
    protocol: first.protocol,
    cpuUsPerConnectionSecond: perSecond((cell) => cell.serverCpuUs),
    bytesDownPerConnectionSecond: bytesDown,
    bytesUpPerConnectionSecond: bytesUp,
    theory: theoryOf(first, { bytesDown, bytesUp }),
    memoryBytesPerConnection: line === null ? null : line.slope,
    memory,
    connect: latencyOf(cells.map(({ connect }) => connect)),
  }
}

/** The median of each size, ascending. */
function memoryOf(cells: readonly IdleCell[]): IdleRow['memory'] {
  const asked = cells.filter(({ rssBytes }) => rssBytes !== null)
  return [...Map.groupBy(asked, ({ connections }) => connections).entries()]
    .map(([connections, own]) => ({
      connections,
      rssBytes: median(own.map(({ rssBytes }) => rssBytes ?? Number.NaN)),
    }))
    .sort((one, other) => one.connections - other.connections)
}

function theoryOf(
  { subject, protocol, intervalMs, wallMs }: IdleCell,
  measured: { readonly bytesDown: number; readonly bytesUp: number },
): NonNullable<IdleRow['theory']> {
  const transport = transportIn(subject)
  if (transport === null) return { bytesDown: null, bytesUp: null }
  const { wire, server } = transportOf(transport)
  const { down, up } = restingBytes({ wire, server, protocol, intervalMs, secure: protocol.includes('TLS') })
  const isSteady = intervalMs > 0 || wallMs >= serverLimits.heartbeatMs
  const predicted = (value: number, seen: number): Predicted | null => {
    if (!(value > 0)) return null
    const ratio = seen / value
    const tolerance = tolerances.pollBytes
    return { value, ratio, tolerance, flagged: isSteady && !(Math.abs(ratio - 1) <= tolerance) }
  }
  return { bytesDown: predicted(down, measured.bytesDown), bytesUp: predicted(up, measured.bytesUp) }
}
