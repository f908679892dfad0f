// Cells of deliveries become a table: figures, the model beside them, comparisons, and what is wrong with any of it.
import { benchLimits } from '../limits.ts'
import type { Tally } from '../load/checker.ts'
import type { DeliveryCell, Discarded } from '../measurement.ts'
import { wireBytes } from '../model/bytes.ts'
import { theoryOf } from '../model/theory.ts'
import { baselineOf, transportIn, transportOf } from '../subjects.ts'
import type { Base, Bases } from './base.ts'
import { isTwin, latencyOf, type ReadCell, readCell, summaryOf } from './cells.ts'
import { byMetric, type ControlTest, compareRows, controlsOf } from './compared.ts'
import { isSaturated } from './gates.ts'
import { decodeHistogram, mergeHistograms } from './histogram.ts'
import { mean } from './ratio.ts'
import type { DeliveryRow, DeliveryTable, Metric, Moment, Theory } from './summary.ts'

/** A table, and what only the gates ask for. */
export interface DeliveryResult {
  readonly table: DeliveryTable
  readonly cells: readonly ReadCell[]
  readonly controls: Readonly<Record<Metric, ControlTest>> | null
}

export interface DeliveryContext {
  readonly seed: number
  readonly bases: Bases
  readonly discarded: readonly Discarded[]
}

export function deliveryTable(
  cells: readonly DeliveryCell[],
  context: DeliveryContext,
): DeliveryResult | null {
  const [first] = cells
  if (first === undefined) return null
  const read = cells.map(readCell)
  const subjects = [...new Set(cells.map((cell) => cell.subject))]
  const baseline = baselineOf(subjects) ?? first.subject
  const controls = controlsOf(read, context.seed)
  const plain = subjects
    .filter((subject) => !isTwin(subject))
    .map((subject) => rowOf(subject, baseline, read, context.bases))
  const candidates = plain.map((row) => ({ subject: row.subject, withheld: withheldOf(row) }))
  const kept = controls === null ? null : byMetric((metric) => controls[metric].control)
  const comparisons = compareRows(candidates, baseline, read, kept, context.seed)
  const nothing = byMetric(() => ({ ratio: null, standing: 'unranked', tier: null }) as const)
  const table: DeliveryTable = {
    kind: 'delivery',
    scenario: first.scenario,
    load: first.load,
    parameters: loadOf(first),
    blocks: new Set(cells.map((cell) => cell.block)).size,
    baseline,
    rows: plain
      .map((row, index) => ({ ...row, comparisons: comparisons[index] ?? nothing }))
      .sort((one, other) => one.cpuUsPerDelivery - other.cpuUsPerDelivery),
    controls: kept,
    sendLag: latencyOf(cells.map((cell) => cell.sendLag)),
    discarded: context.discarded.filter(
      ({ scenario, load }) => scenario === first.scenario && load === first.load,
    ),
    cells: cells.length,
    moments: cells.map(momentOf).sort((one, other) => one.atMs - other.atMs),
  }
  return { table, cells: read, controls }
}

/** A saturated generator says nothing of latency or CPU, a growing backlog nothing of latency. Bytes are bytes. */
function withheldOf({ generatorBound, diverging }: Pick<DeliveryRow, 'generatorBound' | 'diverging'>) {
  const latencies: readonly Metric[] = ['p50', 'p99', 'completion']
  if (generatorBound) return new Set<Metric>([...latencies, 'cpu'])
  return new Set<Metric>(diverging ? latencies : [])
}

type PlainRow = Omit<DeliveryRow, 'comparisons'>

function rowOf(subject: string, baseline: string, cells: readonly ReadCell[], bases: Bases): PlainRow {
  const own = cells.filter(({ cell }) => cell.subject === subject)
  const raw = own.map(({ cell }) => cell)
  const first = raw[0]
  if (first === undefined) throw new RangeError(`"${subject}" has no cell.`)
  const sum = (of: (cell: DeliveryCell) => number): number => raw.reduce((total, cell) => total + of(cell), 0)
  const deliveries = sum((cell) => cell.deliveries)
  const per = (of: (cell: DeliveryCell) => number): number =>
    deliveries > 0 ? sum(of) / deliveries : Number.NaN
  const latency = summaryOf(mergeHistograms(own.map((one) => one.latency)))
  const completion = summaryOf(mergeHistograms(own.map((one) => one.completion)))
  const transport = transportIn(subject) ?? subject
  const measured = {
    p50Us: latency.p50Us,
    p99Us: latency.p99Us,
    completionP50Us: completion.p50Us,
    bytesDownPerDelivery: per((cell) => cell.bytesDown),
    bytesUpPerDelivery: per((cell) => cell.bytesUp),
  }
  const base = bases.of(subject, first.intervalMs > 0 ? baseline : subject)
  const reads = Math.max(
    sum((cell) => cell.reads),
    1,
  )
  const generatorUtilisation = mean(raw.map((cell) => cell.generatorUtilisation))
  return {
    subject,
    transport,
    intervalMs: first.intervalMs,
    protocol: first.protocol,
    blocks: new Set(raw.map((cell) => cell.block)).size,
    latency,
    service: latencyOf(raw.map((cell) => cell.service)),
    completion,
    connect: latencyOf(raw.map((cell) => cell.connect)),
    theory: theory(raw, transport, base, measured, base === null ? null : bases.writeUs(subject, raw, base)),
    cpuUsPerDelivery: per((cell) => cell.serverCpuUs),
    bytesDownPerDelivery: measured.bytesDownPerDelivery,
    payloadBytesDownPerDelivery: per((cell) => cell.payloadBytesDown),
    bytesUpPerDelivery: measured.bytesUpPerDelivery,
    payloadBytesUpPerDelivery: per((cell) => cell.payloadBytesUp),
    wireBytesPerDelivery:
      wireBytes({
        bytesUp: sum((cell) => cell.bytesUp),
        bytesDown: sum((cell) => cell.bytesDown),
        reads: sum((cell) => cell.reads),
        requests: sum((cell) => cell.requests),
      }) / Math.max(deliveries, 1),
    coalescing: deliveries / reads,
    requestsPerDelivery: per((cell) => cell.requests),
    tally: addTallies(raw.map((cell) => cell.tally)),
    serverUtilisation: mean(raw.map((cell) => cell.serverUtilisation)),
    generatorUtilisation,
    generatorBound: isSaturated(raw, ownDelayUs(raw)),
    diverging: diverges(own),
  }
}

/**
 * What the generator takes to hand one message to all of its subscribers, in a row, so that its loop is late by it. Of a burst, each
 * hands over what one read brought, not all of it: else 200 messages would excuse a delay of hundreds of ms.
 */
function ownDelayUs(cells: readonly DeliveryCell[]): number {
  return mean(
    cells.map(({ generatorUtilisation, wallMs, deliveries, reads, subscribers, rooms, burst }) => {
      const each = (generatorUtilisation * wallMs * 1000) / Math.max(deliveries, 1)
      const atOnce = Math.max(1, Math.min(burst, deliveries / Math.max(reads, 1)))
      return (each * subscribers * atOnce) / Math.max(rooms, 1)
    }),
  )
}

function theory(
  cells: readonly DeliveryCell[],
  transport: string,
  base: Base | null,
  measured: Parameters<typeof theoryOf>[0]['measured'],
  writeUs: number | null,
): Theory {
  const [first] = cells
  if (first === undefined) throw new RangeError('No cell.')
  const sum = (of: (cell: DeliveryCell) => number): number =>
    cells.reduce((total, cell) => total + of(cell), 0)
  const { wire, server } = transportOf(transport)
  return theoryOf({
    wire,
    server,
    load: loadOf(first),
    protocol: first.protocol,
    intervalMs: first.intervalMs,
    flow: {
      deliveries: sum((cell) => cell.deliveries),
      reads: sum((cell) => cell.reads),
      requests: sum((cell) => cell.requests),
      connectionSeconds: sum((cell) => (cell.subscribers * cell.wallMs) / 1000),
      messagesOfRoom: mean(cells.map(({ tally, subscribers }) => tally.expected / subscribers)),
    },
    measured,
    base,
    writeUs,
  })
}

function loadOf(cell: DeliveryCell): DeliveryTable['parameters'] {
  const { subscribers, rooms, ratePerSecond, burst, textBytes, secure, upLink, delayUpMs, delayDownMs } = cell
  return { subscribers, rooms, ratePerSecond, burst, textBytes, secure, upLink, delayUpMs, delayDownMs }
}

/**
 * The backlog grew to the end of the window: server or generator had no time left, half of the deliveries waited for a twentieth of the
 * window and longer, and the first message hadn't. Bursts are a backlog by intention.
 */
function diverges(cells: readonly ReadCell[]): boolean {
  const grown = cells.filter(({ cell, figures }) => {
    const busy = Math.max(cell.serverUtilisation, cell.serverLoopUtilisation ?? 0, cell.generatorUtilisation)
    const { firstMessageUs, wallMs, burst } = cell
    const waited = figures.p50 > Math.max(50_000, wallMs * 50)
    return busy >= 0.9 && burst === 1 && waited && firstMessageUs !== null && firstMessageUs * 2 < figures.p50
  })
  return grown.length * 2 > cells.length
}

function momentOf(cell: DeliveryCell): Moment {
  const lag = decodeHistogram(cell.sendLag)
  return {
    atMs: cell.startedMs,
    wallMs: cell.wallMs,
    subject: cell.subject,
    block: cell.block,
    sendLagP99Us: lag.totalCount === 0 ? 0 : lag.getValueAtPercentile(99),
    serverGcMs: cell.serverGcMs,
    generatorGcMs: cell.generatorGcMs,
    generatorDelayP99Us: cell.generatorDelayP99Us,
  }
}

export function addTallies(tallies: readonly Tally[]): Tally {
  const sum = (of: (tally: Tally) => number): number => tallies.reduce((total, tally) => total + of(tally), 0)
  return {
    expected: sum((one) => one.expected),
    delivered: sum((one) => one.delivered),
    lost: sum((one) => one.lost),
    duplicated: sum((one) => one.duplicated),
    reordered: sum((one) => one.reordered),
    foreign: sum((one) => one.foreign),
  }
}

/** Whether a table has the blocks that citing takes. */
export function hasBlocks({ blocks }: { readonly blocks: number }): boolean {
  return blocks >= benchLimits.citableBlocks
}
