// The second stage's result: what the tables show. Plain numbers, nothing formatted.
import type { Tally } from '../load/checker.ts'
import type { Discarded, Environment, Load, SlowFate } from '../measurement.ts'
import type { Network } from '../model/opening.ts'
import type { RatioEstimate } from './ratio.ts'

/** Of a merged histogram, µs. Null: too few samples to be said. */
export interface LatencySummary {
  readonly samples: number
  readonly meanUs: number | null
  readonly p50Us: number | null
  readonly p90Us: number | null
  readonly p99Us: number | null
  readonly p999Us: number | null
  readonly maxUs: number
  /** The merged histogram itself, HDR's compressed base64. */
  readonly histogram: string
}

/** What is compared and, where the run can tell, ranked. Smaller is better for all of them. */
export const metrics = ['p50', 'p99', 'completion', 'cpu', 'bytes'] as const
export type Metric = (typeof metrics)[number]

/** A figure of the model beside the one that was measured. */
export interface Predicted {
  readonly value: number
  /** Measured ÷ predicted. */
  readonly ratio: number
  /** How far the ratio may be from 1, as a share, before it is flagged. */
  readonly tolerance: number
  readonly flagged: boolean
}

/** Null: the model says nothing of it, or too little was measured. */
export interface Theory {
  readonly p50Us: Predicted | null
  readonly p99Us: Predicted | null
  readonly completionUs: Predicted | null
  readonly bytesDown: Predicted | null
  readonly bytesUp: Predicted | null
  /** The latency below which nothing can be, µs: the path's delay. */
  readonly floorUs: number
}

/**
 * What may be said of a row against its table's baseline. `unresolved`: no difference that this run can resolve; `unranked`: the run
 * may not rank by this metric at all, as its A/A control differs too much from itself.
 */
export type Standing = 'baseline' | 'less' | 'more' | 'unresolved' | 'unranked'

export interface Comparison {
  /** Null for the baseline itself, and where no block has both. */
  readonly ratio: RatioEstimate | null
  /** After Holm's correction over all of the table's comparisons that may rank, by whatever metric. */
  readonly standing: Standing
  /** From 1, the best, as `tiersOf` says: the baseline's is of those that are `unresolved`. Null where the run or the row may not rank. */
  readonly tier: number | null
}

export interface DeliveryRow {
  readonly subject: string
  /** The name in the table of subjects. */
  readonly transport: string
  readonly intervalMs: number
  readonly protocol: string
  readonly blocks: number
  readonly latency: LatencySummary
  readonly service: LatencySummary
  readonly completion: LatencySummary
  readonly connect: LatencySummary
  readonly theory: Theory
  readonly cpuUsPerDelivery: number
  readonly bytesDownPerDelivery: number
  readonly payloadBytesDownPerDelivery: number
  readonly bytesUpPerDelivery: number
  readonly payloadBytesUpPerDelivery: number
  /** Both ways, and 52 bytes of TCP and IP for each segment, as far as read events and 1,448 bytes a segment tell: an estimate. */
  readonly wireBytesPerDelivery: number
  readonly coalescing: number
  /** Of those that poll, per delivery. */
  readonly requestsPerDelivery: number
  readonly comparisons: Readonly<Record<Metric, Comparison>>
  readonly tally: Tally
  readonly serverUtilisation: number
  readonly generatorUtilisation: number
  /** The generator was so busy, or so often late, that its own delay is in the latencies. */
  readonly generatorBound: boolean
  /** The backlog grew to the end of the window: percentiles say how long the window was. */
  readonly diverging: boolean
}

/** One transport under two names: what is smaller than their difference can't be told apart. */
export interface Control {
  readonly subject: string
  readonly estimate: RatioEstimate | null
  /** Half the width of its interval, as a share: 0.05 is ± 5 %. Infinite with fewer than two blocks. */
  readonly resolution: number
  /** The largest half-width by which may be ranked. */
  readonly limit: number
  /** Whether the interval contains 1. */
  readonly containsOne: boolean
  readonly rankable: boolean
}

/** One cell on the run's time axis. */
export interface Moment {
  readonly atMs: number
  readonly wallMs: number
  readonly subject: string
  readonly block: number
  readonly sendLagP99Us: number
  readonly serverGcMs: number | null
  readonly generatorGcMs: number
  readonly generatorDelayP99Us: number
}

export interface DeliveryTable {
  readonly kind: 'delivery'
  readonly scenario: string
  readonly load: string
  readonly parameters: Load
  readonly blocks: number
  readonly baseline: string
  readonly rows: readonly DeliveryRow[]
  readonly controls: Readonly<Record<Metric, Control>> | null
  /** How late the generator was, of all cells together. */
  readonly sendLag: LatencySummary
  readonly discarded: readonly Discarded[]
  readonly cells: number
  readonly moments: readonly Moment[]
}

export interface ServiceRow {
  readonly subject: string
  readonly protocol: string
  readonly requests: number
  readonly requestsPerSecond: number
  readonly latency: LatencySummary
  readonly cpuUsPerRequest: number
  readonly serverUtilisation: number
  readonly generatorUtilisation: number
}

export interface ServiceTable {
  readonly kind: 'service'
  readonly scenario: string
  readonly load: string
  readonly blocks: number
  readonly rows: readonly ServiceRow[]
}

export interface GoalRow {
  readonly subject: string
  /** Median of the rounds: µs of server CPU, or messages a second. */
  readonly value: number
  readonly low: number
  readonly high: number
  readonly bytesPerDelivery: number | null
  readonly serverUtilisation: number
  readonly generatorUtilisation: number
  /** Parley against this one; null for Parley. */
  readonly ratio: RatioEstimate | null
  /** `clear`: the whole interval lies on one side of the bound. */
  readonly goal: {
    readonly bound: number
    readonly atMost: boolean
    readonly met: boolean
    readonly clear: boolean
  } | null
}

export interface GoalTable {
  readonly kind: 'goal'
  readonly scenario: string
  readonly load: string
  readonly rounds: number
  readonly rows: readonly GoalRow[]
}

/** Readers of one transport that stop in one way. */
export interface SlowRow {
  readonly subject: string
  /** The most that the server held for a connection, above what it was while everybody read. */
  readonly heldBytes: number
  /** Resident memory for each, above that of an idle one; null: not measured. */
  readonly memoryBytes: number | null
  /** The others' delivery latency, 90 % are faster: with one that has stopped, and without. */
  readonly p90Us: number | null
  readonly readingP90Us: number | null
  readonly ratio: RatioEstimate | null
  /** Of two cells that are the same. */
  readonly control: RatioEstimate | null
  /** Blocks that are left out of both ratios, as the machine was busy with something else. */
  readonly disturbedBlocks: number
  /** After the long stop. */
  readonly fate: SlowFate | null
  readonly generatorUtilisation: number
  /** Which bounds are kept. */
  readonly goal: {
    readonly met: boolean
    readonly bytes: boolean
    readonly ratio: boolean
    readonly fate: boolean
  }
}

export interface SlowTable {
  readonly kind: 'slow'
  readonly scenario: string
  readonly load: string
  readonly blocks: number
  /** How long the long stop is. */
  readonly stoppedMs: number
  readonly rows: readonly SlowRow[]
}

export interface IdleRow {
  readonly subject: string
  readonly transport: string
  readonly intervalMs: number
  readonly protocol: string
  /** The server's, of the largest size, µs. */
  readonly cpuUsPerConnectionSecond: number
  readonly bytesDownPerConnectionSecond: number
  readonly bytesUpPerConnectionSecond: number
  /** Of both; older files have none. What comes with heartbeats alone is a matter of chance in a window that is shorter than they are apart. */
  readonly theory?: { readonly bytesDown: Predicted | null; readonly bytesUp: Predicted | null }
  /** The slope of resident memory over the number of connections; null with fewer than three sizes. */
  readonly memoryBytesPerConnection: number | null
  /** What it comes from: connections and the median of resident memory. */
  readonly memory: readonly { readonly connections: number; readonly rssBytes: number }[]
  readonly connect: LatencySummary
}

export interface IdleTable {
  readonly kind: 'idle'
  readonly scenario: string
  readonly load: string
  readonly blocks: number
  readonly rows: readonly IdleRow[]
}

export interface CapacityStep {
  readonly offered: number
  readonly phase: 'search' | 'confirm'
  readonly p50Us: number | null
  readonly p99Us: number | null
  readonly serverUtilisation: number
  readonly generatorUtilisation: number
  readonly holds: boolean
  readonly reason: string
}

export interface CapacityRow {
  readonly subject: string
  readonly transport: string
  readonly protocol: string
  /** The largest offered load that held in the search and in every fresh window; null: not even the smallest did. */
  readonly capacity: number | null
  /** The server was not saturated: it may carry more than this. */
  readonly atLeast: boolean
  readonly steps: readonly CapacityStep[]
}

export interface CapacityTable {
  readonly kind: 'capacity'
  readonly scenario: string
  readonly load: string
  readonly axis: 'messages a second' | 'subscribers'
  readonly rows: readonly CapacityRow[]
}

export interface RecoveryRow {
  readonly subject: string
  readonly transport: string
  readonly protocol: string
  readonly clients: number
  readonly cuts: number
  readonly reconnected: LatencySummary
  readonly firstMessage: LatencySummary
  readonly caughtUp: LatencySummary
  /** From the cut until so many of the clients had a link again, µs. */
  readonly live95Us: number | null
  readonly live100Us: number | null
  /** Of all tries to come back, the share that began in the busiest 100 ms: the median of the blocks. Null: none did. */
  readonly busiestShare: number | null
  readonly tally: Tally
}

export interface RecoveryTable {
  readonly kind: 'recovery'
  readonly scenario: string
  readonly load: string
  readonly blocks: number
  readonly rows: readonly RecoveryRow[]
}

export interface OpeningRow {
  readonly subject: string
  readonly transport: string
  readonly network: Network
  readonly opens: number
  /** From a session's start to its first message. */
  readonly latency: LatencySummary
  /** Of the median, or of few of the mean; null where the model knows no round trips of it. */
  readonly theory: Predicted | null
  /** Which links brought it, and how often. */
  readonly links: Readonly<Record<string, number>>
}

export interface OpeningTable {
  readonly kind: 'opening'
  readonly scenario: string
  readonly load: string
  readonly blocks: number
  readonly rows: readonly OpeningRow[]
}

export type Table =
  | DeliveryTable
  | IdleTable
  | CapacityTable
  | RecoveryTable
  | OpeningTable
  | ServiceTable
  | GoalTable
  | SlowTable

export interface Summary {
  readonly environment: Environment
  readonly tables: readonly Table[]
  /** Why nothing of this may be believed, in sentences. Empty: valid. */
  readonly problems: readonly string[]
  /** What a reader should know before citing it, in sentences. */
  readonly warnings: readonly string[]
  readonly interrupted: boolean
  readonly durationMs: number
  /** Nothing speaks against citing it. */
  readonly citable: boolean
  /** Why it may not be cited, in sentences; empty: it may. Older files don't say. */
  readonly notCitable?: readonly string[]
}
