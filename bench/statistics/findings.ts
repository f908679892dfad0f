// The gates over a whole table of deliveries: what is wrong with its rows, and what a reader should know of them.

import { serverLimits } from '../../transports/limits.ts'
import { benchLimits } from '../limits.ts'
import type { Environment } from '../measurement.ts'
import { bandSubscribers, bands, outsideBand } from '../model/bands.ts'
import { epochCharacters, messageBytes } from '../model/wire.ts'
import { transportOf } from '../subjects.ts'
import type { Bases } from './base.ts'
import type { ReadCell } from './cells.ts'
import type { DeliveryResult } from './delivery.ts'
import { bucketsOf } from './ecdf.ts'
import {
  holdsFirstBatch,
  littleOfPolls,
  notAlike,
  saturation,
  tooFast,
  tooManyDiscarded,
  tooSmall,
  wrongProtocol,
} from './gates.ts'
import { decodeHistogram } from './histogram.ts'
import { inMostCells, modesOf } from './modes.ts'
import { modeFindings } from './modes-gate.ts'
import type { DeliveryRow } from './summary.ts'

export interface Findings {
  readonly problems: readonly string[]
  readonly warnings: readonly string[]
}

const parleyShape = { epochCharacters: epochCharacters.parley, offsetDigits: 3 } as const

/** How many round trips of a subscriber alone a poll may take under load. */
const mostRoundTrips = 8

export function deliveryFindings({ table, cells }: DeliveryResult, bases: Bases): Findings {
  const { scenario, load, rows, parameters } = table
  const findings = rows.map((row) => {
    const own = cells.filter(({ cell }) => cell.subject === row.subject)
    const problems = [
      ...rowProblems(row, own, parameters),
      ...littleProblems(row, own, bases, table.baseline),
    ]
    return { problems: at(row.subject, problems), warnings: at(row.subject, rowWarnings(row, parameters)) }
  })
  const pathMs = parameters.delayDownMs + (parameters.upLink === 'native' ? parameters.delayUpMs : 0)
  // A relay may stall, jitter or hold bytes back: what gathers then is its doing.
  const relayed = cells.some(({ cell }) => cell.relay !== undefined)
  const modes = modeFindings(
    (relayed ? [] : rows)
      .filter(
        ({ intervalMs, generatorBound }) => intervalMs === 0 && !generatorBound && parameters.burst === 1,
      )
      .map(({ subject, latency }) => ({
        subject,
        modes: inMostCells(
          modesOf(bucketsOf(decodeHistogram(latency.histogram)), pathMs),
          cells.filter(({ cell }) => cell.subject === subject).map((one) => bucketsOf(one.latency)),
          pathMs,
        ),
      })),
  )
  const problems = [
    ...notAlike(cells.map(({ cell }) => cell)),
    ...tooManyDiscarded(table.discarded, table.blocks),
    ...modes.problems,
    ...findings.flatMap((one) => one.problems),
  ]
  const warnings = [...modes.warnings, ...findings.flatMap((one) => one.warnings)]
  const where = (sentence: string): string => `${scenario}, ${load}: ${sentence}`
  return { problems: problems.map(where), warnings: warnings.map(where) }
}

function at(subject: string, sentences: readonly string[]): readonly string[] {
  return sentences.map((sentence) => `${subject}: ${sentence}`)
}

function rowProblems(
  row: DeliveryRow,
  own: readonly ReadCell[],
  parameters: DeliveryResult['table']['parameters'],
): readonly string[] {
  const { wire, secure, plain } = transportOf(row.transport)
  const least = own.map(({ latency }) => latency).filter(({ totalCount }) => totalCount > 0)
  const leastUs = least.length === 0 ? null : Math.min(...least.map((one) => one.getValueAtPercentile(0)))
  return [
    ...tooFast(leastUs, row.theory.floorUs),
    ...tooSmall({
      wire,
      textBytes: parameters.textBytes,
      bytesDown: row.bytesDownPerDelivery,
      payloadBytesDown: row.payloadBytesDownPerDelivery,
      predicted: row.theory.bytesDown,
    }),
    ...saturation(row.generatorBound, parameters.subscribers, wire),
    ...wrongProtocol(row.protocol, parameters.secure ? secure : plain),
    ...(parameters.burst > 1 || row.intervalMs > 0 || own.some(({ cell }) => cell.relay !== undefined)
      ? []
      : holdsFirstBatch(own.map(firstOf))),
  ]
}

function firstOf({ cell, latency, completion }: ReadCell) {
  return {
    firstMessageUs: cell.firstMessageUs,
    p25Us: latency.totalCount === 0 ? 0 : latency.getValueAtPercentile(25),
    messages: completion.totalCount,
  }
}

function littleProblems(
  row: DeliveryRow,
  own: readonly ReadCell[],
  bases: Bases,
  baseline: string,
): readonly string[] {
  if (row.intervalMs === 0 || row.generatorBound) return []
  const base = bases.of(baseline, baseline)
  const pathMs = (own[0]?.cell.delayUpMs ?? 0) + (own[0]?.cell.delayDownMs ?? 0)
  const total = (of: (one: ReadCell) => number): number => own.reduce((sum, one) => sum + of(one), 0)
  const links = total(({ cell }) => cell.subscribers)
  const audience = (own[0]?.cell.subscribers ?? 1) / Math.max(1, own[0]?.cell.rooms ?? 1)
  return littleOfPolls({
    // A native up-link's sends are requests too.
    requests: total(
      ({ cell }) => cell.requests - (cell.upLink === 'native' ? cell.deliveries / audience : 0),
    ),
    furtherPages: furtherPages(own, row.intervalMs),
    links,
    wallMs: total(({ cell }) => cell.subscribers * cell.wallMs) / Math.max(links, 1),
    intervalMs: row.intervalMs,
    leastRoundTripMs: pathMs,
    // Or what the latencies say: their mean is half a period and the base, so that a late machine shows in both, and only in one is a fault.
    mostRoundTripMs:
      pathMs +
      Math.max(
        10,
        (mostRoundTrips * (base?.p50Us ?? 2000)) / 1000,
        (2 * (row.latency.meanUs ?? 0)) / 1000 - row.intervalMs,
      ),
  })
}

/**
 * Where what an answer finds comes near to what a page holds, what is left over is asked for at once: at most a question for each half
 * page of all that a link got.
 */
function furtherPages(own: readonly ReadCell[], intervalMs: number): number {
  const [first] = own
  if (first === undefined) return 0
  const { burst, ratePerSecond, rooms, textBytes, subscribers } = first.cell
  const each = messageBytes({ ...parleyShape, textBytes })
  const found = Math.max(burst, (ratePerSecond / Math.max(1, rooms)) * (intervalMs / 1000)) * each
  const half = serverLimits.batchBytes / 2
  if (found < half) return 0
  const deliveries = own.reduce((sum, { cell }) => sum + cell.deliveries, 0)
  return (deliveries * each) / half / (subscribers * own.length)
}

function rowWarnings(row: DeliveryRow, parameters: DeliveryResult['table']['parameters']): readonly string[] {
  const warnings: string[] = []
  if (row.generatorBound) warnings.push('≥ generator-bound: its latencies are at most partly its own.')
  if (row.diverging) warnings.push('Diverging: the offered load exceeds capacity.')
  for (const [name, predicted] of Object.entries({ down: row.theory.bytesDown, up: row.theory.bytesUp })) {
    if (predicted?.flagged !== true) continue
    const said = [predicted.ratio, predicted.value].map((value) => value.toPrecision(3))
    warnings.push(`Bytes ${name} are ${said[0]} times the theory's ${said[1]}.`)
  }
  if (parameters.subscribers >= bandSubscribers && row.intervalMs === 0 && parameters.textBytes <= 256) {
    const outside = outsideBand(bands.cpuUsPerDelivery, row.cpuUsPerDelivery)
    if (outside !== null) warnings.push(outside)
  }
  return warnings
}

/** How much of a table's cells' time the processor may have been held back before it is said. */
const lateCellsShare = 0.2

/** CPU pressure: in many cells the generator, which has its core to itself, came back late or sent late. */
export function pressureWarnings({ table, cells }: DeliveryResult): readonly string[] {
  const late = table.moments.filter(({ sendLagP99Us }) => sendLagP99Us > benchLimits.sendLagMs * 1000)
  if (late.length <= lateCellsShare * cells.length) return []
  return [
    `${table.scenario}, ${table.load}: CPU pressure: in ${late.length} of ${cells.length} cells the sends were late by more than ${benchLimits.sendLagMs} ms at p99.`,
  ]
}

export function environmentWarnings({ commit, pinned, platform }: Environment): readonly string[] {
  const warnings: string[] = []
  if (commit.endsWith('+')) warnings.push('The tree had changes: nobody else can check these figures out.')
  if (commit === 'unknown') warnings.push('Outside of git: nobody can tell what was measured.')
  if (pinned === null && platform.startsWith('linux'))
    warnings.push('Nothing was pinned: server and generator may have moved between cores.')
  return warnings
}
