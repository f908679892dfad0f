// Sessions that begin: when the first message came, by which link, and what the round trips say of it.
import { ladder } from '../../transports/catalogue.ts'
import { auto } from '../../transports/contract.ts'
import type { OpeningCell } from '../measurement.ts'
import { ladderMs, openingMs } from '../model/opening.ts'
import { transportIn, transportNames, transportOf } from '../subjects.ts'
import { latencyOf } from './cells.ts'
import type { OpeningRow, OpeningTable, Predicted } from './summary.ts'

/** The model knows no processor: handshakes take some ms of it. */
const tolerance = 0.3

export function openingTable(cells: readonly OpeningCell[]): OpeningTable | null {
  const [first] = cells
  if (first === undefined) return null
  const rows = [...Map.groupBy(cells, ({ subject }) => subject).entries()]
    .flatMap(([subject, own]) => rowOf(subject, own) ?? [])
    .sort((one, other) => (one.latency.meanUs ?? Infinity) - (other.latency.meanUs ?? Infinity))
  const blocks = new Set(cells.map(({ block }) => block)).size
  return { kind: 'opening', scenario: first.scenario, load: first.load, blocks, rows }
}

function rowOf(subject: string, cells: readonly OpeningCell[]): OpeningRow | null {
  const [first] = cells
  if (first === undefined) return null
  const latency = latencyOf(cells.map((cell) => cell.latency))
  const valueMs = theoryMs(first)
  return {
    subject,
    transport: isLadder(subject) ? auto : (transportIn(subject) ?? subject),
    network: first.network,
    opens: cells.reduce((sum, cell) => sum + cell.opens, 0),
    latency,
    theory: valueMs === null ? null : predicted(latency.p50Us ?? latency.meanUs, valueMs * 1000),
    links: addCounts(cells.map(({ links }) => links)),
  }
}

/** `auto`, `auto (refused)`. */
function isLadder(subject: string): boolean {
  return subject.split(' ')[0] === auto
}

/** What the round trips take alone, ms; null where the model knows none. */
export function theoryMs({
  subject,
  network,
  roundTripMs,
}: Pick<OpeningCell, 'subject' | 'network' | 'roundTripMs'>): number | null {
  if (!isLadder(subject)) {
    const transport = transportIn(subject)
    return transport === null ? null : openingMs(transportOf(transport).wire, roundTripMs)
  }
  const [first, second] = ladder.filter((name) => transportNames.includes(name))
  if (first === undefined) return null
  return ladderMs(
    network,
    transportOf(first).wire,
    second === undefined ? null : transportOf(second).wire,
    roundTripMs,
  )
}

function predicted(measured: number | null, value: number): Predicted | null {
  if (measured === null) return null
  const ratio = measured / value
  return { value, ratio, tolerance, flagged: !(Math.abs(ratio - 1) <= tolerance) }
}

/** Each relay holds by whole ms at best, so that a path may be shorter by one for each of its ways: two a round trip. */
const shortMsPerRoundTrip = 2

/** A message that came before the path can have brought it. */
export function tooSoon(cell: OpeningCell, leastUs: number | null): readonly string[] {
  const leastMs = theoryMs(cell)
  if (leastMs === null || leastUs === null) return []
  const floorMs = leastMs * (1 - shortMsPerRoundTrip / cell.roundTripMs)
  if (leastUs / 1000 >= floorMs) return []
  return [
    `A first message came after ${(leastUs / 1000).toFixed(1)} ms, where ${floorMs.toFixed(0)} ms are the path's.`,
  ]
}

function addCounts(counts: readonly Readonly<Record<string, number>>[]): Readonly<Record<string, number>> {
  const sum: Record<string, number> = {}
  for (const one of counts)
    for (const [name, count] of Object.entries(one)) sum[name] = (sum[name] ?? 0) + count
  return sum
}
