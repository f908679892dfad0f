// The second stage's result: what the tables show. Plain numbers, nothing formatted.
import type { Tally } from '../load/checker.ts'
import type { Environment, SlowFate } from '../measurement.ts'
import type { RatioEstimate } from './ratio.ts'

/** Of a merged histogram, µs. Null: too few samples to be said. */
export interface LatencySummary {
  readonly samples: number
  readonly p50Us: number | null
  readonly p99Us: number | null
  readonly maxUs: number
}

export interface DeliveryRow {
  readonly subject: string
  readonly protocol: string
  readonly latency: LatencySummary
  readonly service: LatencySummary
  readonly cpuUsPerDelivery: number
  /** CPU per delivery against the table's baseline; null for the baseline itself. */
  readonly cpuRatio: RatioEstimate | null
  /** Subjects whose intervals overlap share a tier, from 1, the cheapest; null where this run may not rank. */
  readonly tier: number | null
  readonly bytesDownPerDelivery: number
  readonly payloadBytesDownPerDelivery: number
  readonly bytesUpPerDelivery: number
  readonly payloadBytesUpPerDelivery: number
  readonly coalescing: number
  readonly tally: Tally
  readonly serverUtilisation: number
  readonly generatorUtilisation: number
  /** The generator was so busy, or so often late, that its own delay is in the latencies. */
  readonly generatorBound: boolean
}

/** How far from each other one transport and itself came out: what is smaller can't be told apart. Shares, 0.05 is ± 5 %. */
export interface Resolution {
  readonly subject: string
  readonly cpu: RatioEstimate | null
  readonly p50: RatioEstimate | null
  readonly p99: RatioEstimate | null
}

export interface DeliveryTable {
  readonly kind: 'delivery'
  readonly scenario: string
  readonly load: string
  readonly blocks: number
  readonly baseline: string
  readonly rows: readonly DeliveryRow[]
  readonly resolution: Resolution | null
  /** How late the generator was, of all cells together. */
  readonly sendLag: LatencySummary
  /** Cells whose sends were late, so that their latencies tell of the machine. */
  readonly disturbedCells: number
  readonly cells: number
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

export type Table = DeliveryTable | ServiceTable | GoalTable | SlowTable

export interface Summary {
  readonly environment: Environment
  readonly tables: readonly Table[]
  /** Why nothing of this may be believed, in sentences. Empty: valid. */
  readonly problems: readonly string[]
  readonly interrupted: boolean
  readonly durationMs: number
  /** Enough blocks everywhere for intervals to be cited. */
  readonly citable: boolean
}
