// The decision map's model: what a question, an answer and a delivery cost in this run, and from that the cheapest transport for a
// rate and a latency. Pure.
import type { DeliveryTable, IdleTable, Table } from '../../statistics/summary.ts'
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
  return names.filter((name) => !isControl(name)).flatMap((name) => candidateOf(name, delivery, idle))
}

function candidateOf(
  transport: string,
  delivery: readonly DeliveryTable[],
  idle: readonly IdleTable[],
): readonly Candidate[] {
  const rows = delivery.flatMap((table) => {
    const { burst, rooms, ratePerSecond, subscribers } = table.parameters
    // Of a burst, deliveries are joined: it says what it costs to be busy, not to be quiet.
    if (burst > 1) return []
    const usable = table.rows.filter((row) => row.transport === transport && !row.diverging)
    // Alike for all: a table where the generator was one transport's limit says nothing of anyone's tail.
    const calm = !table.rows.some((row) => row.generatorBound)
    return usable.map((row) => ({ row, calm, rate: ratePerSecond / rooms, audience: subscribers / rooms }))
  })
  const first = rows[0]
  if (first === undefined) return []
  const polls = first.row.intervalMs > 0
  const observed = (of: (row: (typeof rows)[number]['row']) => number, message: boolean): Observation[] =>
    rows.map(({ row, rate, audience }) => {
      const questions = row.requestsPerDelivery
      const answers = polls && questions > 0 ? questions * (1 - Math.exp(-1 / questions)) : 0
      return {
        shares: [
          message ? 1 / audience : 0,
          1,
          answers,
          Math.max(0, questions - answers),
          polls ? 0 : 1 / rate,
        ],
        value: of(row),
      }
    })
  const resting: Observation[] = idle
    .flatMap((table) => table.rows.filter((row) => row.transport === transport))
    .map((row) => ({
      shares: [0, 0, 0, polls ? 1000 / row.intervalMs : 0, polls ? 0 : 1],
      value: row.cpuUsPerConnectionSecond,
    }))
  return [
    {
      transport,
      polls,
      cpu: costsOf([...observed((row) => row.cpuUsPerDelivery, true), ...resting]),
      wire: costsOf(observed((row) => row.wireBytesPerDelivery, false)),
      latencyMs: polls ? waitBaseMs(rows.map(({ row }) => row)) : tailMs(rows),
      rows: rows.length,
    },
  ]
}

type Row = DeliveryTable['rows'][number]

/** The largest p99 that may be said and isn't the generator's; where there is none, the largest p90 or maximum. */
function tailMs(all: readonly { readonly row: Row; readonly calm: boolean }[]): number {
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
  /** How many of each part it has; see `Costs`, in its order. */
  readonly shares: readonly number[]
  readonly value: number
}

/** The places of `message` and `connectionSecond`, which look like a delivery's where a run has one size of room or one rate. */
const lookalikes = [0, 4] as const

function costsOf(observations: readonly Observation[]): Costs {
  const hidden = lookalikes.filter((part) => !variesAgainstDelivery(observations, part))
  const usable = observations.map(({ shares, value }) => ({
    shares: shares.map((share, part) => (hidden.some((one) => one === part) ? 0 : share)),
    value,
  }))
  const [message = 0, delivery = 0, answer = 0, question = 0, connectionSecond = 0] = fitParts(usable)
  return { message, delivery, answer, question, connectionSecond }
}

/** Whether a part can be told from a delivery: one that comes in the same share everywhere counts as part of it. */
function variesAgainstDelivery(observations: readonly Observation[], part: number): boolean {
  const shares = observations.map((one) => (one.shares[part] ?? 0) / (one.shares[1] ?? 0))
  return shares.some((share) => Math.abs(share - (shares[0] ?? 0)) > 1e-9)
}

/**
 * The parts, none of them below zero, that explain the observations with the smallest squared relative errors. With five parts
 * there are 31 ways to let some be zero: all of them are solved, the best that is not negative anywhere is taken.
 */
export function fitParts(observations: readonly Observation[]): readonly number[] {
  const parts = observations[0]?.shares.length ?? 0
  const scaled = observations
    .filter(({ value }) => value > 0)
    .map(({ shares, value }) => shares.map((share) => share / value))
  let best: readonly number[] = Array.from({ length: parts }, () => 0)
  let smallest = scaled.length
  for (let subset = 1; subset < 2 ** parts; subset++) {
    const used = Array.from({ length: parts }, (_, part) => part).filter((part) => (subset >> part) & 1)
    const solved = leastSquares(scaled.map((shares) => used.map((part) => shares[part] ?? 0)))
    if (solved === null || solved.some((value) => value < 0)) continue
    const full = Array.from({ length: parts }, (_, part) => solved[used.indexOf(part)] ?? 0)
    const error = scaled.reduce((sum, shares) => sum + (1 - dot(shares, full)) ** 2, 0)
    if (error < smallest * (1 - 1e-9) - 1e-15) [smallest, best] = [error, full]
  }
  return best
}

function dot(one: readonly number[], other: readonly number[]): number {
  return one.reduce((sum, value, index) => sum + value * (other[index] ?? 0), 0)
}

/** Solves rows · x ≈ 1 by the normal equations. Null where they have no single solution. */
function leastSquares(rows: readonly (readonly number[])[]): readonly number[] | null {
  const size = rows[0]?.length ?? 0
  const matrix = Array.from({ length: size }, (_, one) => [
    ...Array.from({ length: size }, (_other, other) =>
      rows.reduce((sum, row) => sum + (row[one] ?? 0) * (row[other] ?? 0), 0),
    ),
    rows.reduce((sum, row) => sum + (row[one] ?? 0), 0),
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
