// The decision map's model: what a question, an answer and a delivery cost in this run, and from that the cheapest transport for a
// rate and a latency. Pure.
import { median } from '../../statistics/ratio.ts'
import type { DeliveryTable, IdleRow, IdleTable, Table } from '../../statistics/summary.ts'
import { transportNames, transportOf } from '../../subjects.ts'
import { isControl } from './marks.ts'

/** What the costs of a transport are made of. CPU in µs, wire in bytes. */
export interface Costs {
  /** Of a message, once, however many get it. Not part of the map: it is the same for all. */
  readonly message: number
  readonly delivery: number
  /** Of a question whose answer brings something, and of one whose answer doesn't. */
  readonly answer: number
  readonly question: number
  /** Of an open connection and second. */
  readonly connectionSecond: number
}

export interface Candidate {
  readonly transport: string
  readonly polls: boolean
  readonly cpu: Costs
  readonly wire: Costs
  /** What is pushed: p99 as measured, ms. What polls: what comes on top of the wait, ms. */
  readonly latencyMs: number
  readonly rows: number
}

export type CostKind = 'cpu' | 'wire'

/** No poller asks more often than this, or more rarely. */
export const pollBoundsMs = { least: 50, most: 60_000 } as const

/** The share of deliveries that must come in time. */
const promised = 0.99

export interface Choice {
  readonly transport: string
  /** Null: what is asked cannot be met. */
  readonly costPerReaderSecond: number | null
  /** Of one that polls: the interval that is just short enough, ms. */
  readonly intervalMs: number
}

/** What one reader costs a second, and at which interval. Null: it can't be that fast. */
export function choiceOf(candidate: Candidate, kind: CostKind, rate: number, latencyMs: number): Choice {
  const { transport, polls, latencyMs: ownMs } = candidate
  const costs = candidate[kind]
  const none = { transport, costPerReaderSecond: null, intervalMs: 0 }
  if (!polls) {
    if (latencyMs < ownMs) return none
    return { transport, costPerReaderSecond: rate * costs.delivery + costs.connectionSecond, intervalMs: 0 }
  }
  const intervalMs = Math.min(pollBoundsMs.most, (latencyMs - ownMs) / promised)
  if (intervalMs < pollBoundsMs.least) return none
  const questions = 1000 / intervalMs
  const answers = questions * (1 - Math.exp(-rate / questions))
  const cost = rate * costs.delivery + answers * costs.answer + (questions - answers) * costs.question
  return { transport, costPerReaderSecond: cost, intervalMs }
}

/** All candidates, the cheapest first; those that can't be that fast come last. */
export function rankingOf(
  candidates: readonly Candidate[],
  kind: CostKind,
  rate: number,
  latencyMs: number,
): readonly Choice[] {
  const size = (choice: Choice): number => choice.costPerReaderSecond ?? Number.POSITIVE_INFINITY
  return candidates
    .map((candidate) => choiceOf(candidate, kind, rate, latencyMs))
    .sort((one, other) => (size(one) === size(other) ? 0 : size(one) - size(other)))
}

/** What the rows of a run say of each transport that is a choice. */
export function candidatesOf(tables: readonly Table[]): readonly Candidate[] {
  const delivery = tables.filter((table): table is DeliveryTable => table.kind === 'delivery')
  const idle = tables.filter((table): table is IdleTable => table.kind === 'idle')
  const names = [...new Set(delivery.flatMap((table) => table.rows.map((row) => row.transport)))]
  // What is spoken beneath is agreed on, not chosen: a row over HTTP/1.1 stands for the transport only where it is alone.
  const choices = names.filter((name) => {
    const ordinary = transportNames.includes(name) ? transportOf(name).http1Of : undefined
    return !isControl(name) && (ordinary === undefined || !names.includes(ordinary))
  })
  const seen = { delivery, idle, messageUs: messageUsOf(choices, delivery) }
  return choices.flatMap((name) => candidateOf(name, seen))
}

function candidateOf(transport: string, seen: Seen): readonly Candidate[] {
  const rows = rowsOf(transport, seen.delivery)
  const first = rows[0]
  if (first === undefined) return []
  const polls = first.row.intervalMs > 0
  const resting = seen.idle.flatMap((table) => table.rows.filter((row) => row.transport === transport))
  const cpu = observed(rows, (row) => row.cpuUsPerDelivery, seen.messageUs)
  const wire = observed(rows, (row) => row.wireBytesPerDelivery, 0)
  return [
    {
      transport,
      polls,
      cpu: costsOf(cpu, seen.messageUs, resting, (row) => row.cpuUsPerConnectionSecond),
      wire: costsOf(
        wire,
        0,
        resting,
        (row) => row.bytesDownPerConnectionSecond + row.bytesUpPerConnectionSecond,
      ),
      latencyMs: polls ? waitBaseMs(rows.map(({ row }) => row)) : tailMs(rows),
      rows: rows.length,
    },
  ]
}

interface Seen {
  readonly delivery: readonly DeliveryTable[]
  readonly idle: readonly IdleTable[]
  /** What taking a message in costs. It goes the same way for all transports, so all of them say what it is. */
  readonly messageUs: number
}

interface Used {
  readonly row: Row
  /** Nobody in its table was bounded by the generator. */
  readonly calm: boolean
  /** Of those who get a message. */
  readonly audience: number
}

/** The rows of a transport that say what a delivery costs. */
function rowsOf(transport: string, delivery: readonly DeliveryTable[]): readonly Used[] {
  return delivery.flatMap((table) => {
    const { burst, rooms, subscribers } = table.parameters
    // Of a burst, deliveries are joined: it says what it costs to be busy, not to be quiet.
    if (burst > 1) return []
    const usable = table.rows.filter((row) => row.transport === transport && !row.diverging)
    // Alike for all: a table where the generator was one transport's limit says nothing of anyone's tail.
    const calm = !table.rows.some((row) => row.generatorBound)
    return usable.map((row) => ({ row, calm, audience: subscribers / rooms }))
  })
}

/** What a row's cost is made of. `messageEach`: what a message is known to cost; where it isn't, it is one of the parts. */
function observed(
  rows: readonly Used[],
  of: (row: Row) => number,
  messageEach: number | null,
): readonly Observation[] {
  return rows.map(({ row, audience }) => {
    const questions = row.requestsPerDelivery
    const polls = row.intervalMs > 0
    const answers = polls && questions > 0 ? questions * (1 - Math.exp(-1 / questions)) : 0
    return {
      // An answer that brings something is a question and more: it can't cost less than one that doesn't.
      shares: [messageEach === null ? 1 / audience : 0, 1, answers, polls ? Math.max(questions, answers) : 0],
      known: (messageEach ?? 0) / audience,
      value: of(row),
    }
  })
}

/** The median of what the transports that push say, each by its rooms of several sizes. 0 where there is one size alone. */
function messageUsOf(transports: readonly string[], delivery: readonly DeliveryTable[]): number {
  const found = transports.flatMap((transport) => {
    const rows = rowsOf(transport, delivery).filter(({ row }) => row.intervalMs === 0)
    if (new Set(rows.map(({ audience }) => audience)).size < 2) return []
    return [fitParts(observed(rows, (row) => row.cpuUsPerDelivery, null))[0] ?? 0]
  })
  return found.length === 0 ? 0 : median(found)
}

type Row = DeliveryTable['rows'][number]

/** The largest p99 that may be said and isn't the generator's; where there is none, the largest p90 or maximum. */
function tailMs(all: readonly Used[]): number {
  const calm = all.filter((one) => one.calm)
  const usable = (calm.length > 0 ? calm : all).map(({ row }) => row)
  const tails = usable.map((row) => row.latency.p99Us).filter((us) => us !== null)
  const others = usable.map((row) => row.latency.p90Us ?? row.latency.maxUs)
  return Math.max(...(tails.length > 0 ? tails : others)) / 1000
}

/** What is on top of the wait: theory's base where it is said, else the median less half an interval, of the shortest one. */
function waitBaseMs(rows: readonly Row[]): number {
  const shortest = [...rows].sort((one, other) => one.intervalMs - other.intervalMs)[0]
  const medianUs = shortest?.theory.p50Us?.value ?? shortest?.latency.p50Us ?? 0
  return Math.max(0, medianUs / 1000 - (shortest?.intervalMs ?? 0) / 2)
}

export interface Observation {
  /** How many of each part it has: messages, deliveries, answers, questions. */
  readonly shares: readonly number[]
  /** What of the value is explained already. */
  readonly known?: number
  readonly value: number
}

/**
 * What a link that rests costs is measured (`idle`), or taken for nothing: the rates of a run are too few to tell it from what else
 * makes a delivery in a quiet room dear. Of one that polls it is questions.
 */
function costsOf(
  observations: readonly Observation[],
  message: number,
  resting: readonly IdleRow[],
  of: (row: IdleRow) => number,
): Costs {
  const asking = resting
    .filter(({ intervalMs }) => intervalMs > 0)
    .map((row) => ({ shares: [0, 0, 0, 1000 / row.intervalMs], value: of(row) }))
  const open = resting.filter(({ intervalMs }) => intervalMs === 0).map(of)
  const [, delivery = 0, more = 0, question = 0] = fitParts([...observations, ...asking])
  return {
    message,
    delivery,
    answer: question + more,
    question,
    connectionSecond: open.length === 0 ? 0 : median(open),
  }
}

/**
 * The parts, none of them below zero, that explain the observations with the smallest squared relative errors. With four parts
 * there are 15 ways to let some be zero: all of them are solved, the best that is not negative anywhere is taken.
 */
export function fitParts(observations: readonly Observation[]): readonly number[] {
  const parts = observations[0]?.shares.length ?? 0
  const usable = observations.filter(({ value }) => value > 0)
  const scaled = usable.map(({ shares, value }) => shares.map((share) => share / value))
  const targets = usable.map(({ known = 0, value }) => Math.max(0, value - known) / value)
  let best: readonly number[] = Array.from({ length: parts }, () => 0)
  let smallest = scaled.length
  for (let subset = 1; subset < 2 ** parts; subset++) {
    const used = Array.from({ length: parts }, (_, part) => part).filter((part) => (subset >> part) & 1)
    const solved = leastSquares(
      scaled.map((shares) => used.map((part) => shares[part] ?? 0)),
      targets,
    )
    if (solved === null || solved.some((value) => value < 0)) continue
    const full = Array.from({ length: parts }, (_, part) => solved[used.indexOf(part)] ?? 0)
    const error = scaled.reduce((sum, shares, row) => sum + ((targets[row] ?? 0) - dot(shares, full)) ** 2, 0)
    if (error < smallest * (1 - 1e-9) - 1e-15) [smallest, best] = [error, full]
  }
  return best
}

function dot(one: readonly number[], other: readonly number[]): number {
  return one.reduce((sum, value, index) => sum + value * (other[index] ?? 0), 0)
}

/** Solves rows · x ≈ targets by the normal equations. Null where they have no single solution. */
function leastSquares(
  rows: readonly (readonly number[])[],
  targets: readonly number[],
): readonly number[] | null {
  const size = rows[0]?.length ?? 0
  const matrix = Array.from({ length: size }, (_, one) => [
    ...Array.from({ length: size }, (_other, other) =>
      rows.reduce((sum, row) => sum + (row[one] ?? 0) * (row[other] ?? 0), 0),
    ),
    rows.reduce((sum, row, place) => sum + (row[one] ?? 0) * (targets[place] ?? 0), 0),
  ])
  for (let column = 0; column < size; column++) {
    const pivot = matrix
      .slice(column)
      .reduce((best, row) => (Math.abs(row[column] ?? 0) > Math.abs(best[column] ?? 0) ? row : best))
    const at = matrix.indexOf(pivot)
    const scale = Math.max(...matrix.map((row) => Math.abs(row[column] ?? 0)))
    const value = pivot[column] ?? 0
    if (!(Math.abs(value) > 1e-9 * scale)) return null
    matrix[at] = matrix[column] ?? []
    matrix[column] = pivot
    for (const row of matrix) {
      if (row === pivot) continue
      const factor = (row[column] ?? 0) / value
      for (let index = column; index <= size; index++)
        row[index] = (row[index] ?? 0) - factor * (pivot[index] ?? 0)
    }
  }
  return matrix.map((row, index) => (row[size] ?? 0) / (row[index] ?? 1))
}
