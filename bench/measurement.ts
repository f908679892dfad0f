// What measuring hands on: plain data, one record per cell. Aggregation reads it, the JSON file keeps it, nothing in it is rounded.
import type { Tally } from './load/checker.ts'
import type { SlowReport } from './load/slow-orders.ts'
import type { WindowResult } from './load/window.ts'

export type ServerKind = 'parley' | 'tcp' | 'ws'

/** Totals of all subscribers' links within the window, or from it to the end of the cell. */
export interface Traffic {
  readonly deliveries: number
  /** Read events of the client: answers, chunks or WebSocket messages that brought something. */
  readonly reads: number
  /** At the TCP socket, TLS included. */
  readonly bytesUp: number
  readonly bytesDown: number
  /** Bodies and payloads alone. */
  readonly payloadBytesUp: number
  readonly payloadBytesDown: number
}

/** One subject under one load in one block: the open loop's cell. */
export interface DeliveryCell extends Traffic, WindowResult {
  readonly kind: 'delivery'
  readonly scenario: string
  /** The load in words; cells with the same scenario and load are one table. */
  readonly load: string
  readonly subject: string
  readonly block: number
  readonly subscribers: number
  readonly ratePerSecond: number
  readonly tally: Tally
  /** Histograms of µs in HDR's compressed base64. From the intended time; from the real send; intended to real send. */
  readonly latency: string
  readonly service: string
  readonly sendLag: string
  /** What the links really spoke, as the server says and the client checked: `h2, TLS`. */
  readonly protocol: string
  /** What makes this cell worthless, in sentences. Empty: it is valid. */
  readonly problems: readonly string[]
}

/** A closed loop over one HTTP route. */
export interface ServiceCell extends WindowResult {
  readonly kind: 'service'
  readonly scenario: string
  readonly load: string
  readonly subject: string
  readonly block: number
  readonly requests: number
  /** Closed-loop service time, µs. */
  readonly latency: string
  readonly protocol: string
  readonly problems: readonly string[]
}

/** One side of a goal in one round. */
export interface GoalCell {
  readonly kind: 'goal'
  readonly scenario: string
  readonly load: string
  readonly subject: string
  readonly block: number
  /** µs of server CPU per request or delivery, or messages a second. */
  readonly value: number
  readonly count: number
  readonly wallMs: number
  readonly serverUtilisation: number
  readonly generatorUtilisation: number
  /** Where the load counts them: bytes down per delivery. */
  readonly bytesPerDelivery?: number
}

/**
 * Which cell of a reader that stops it is. `reading` and `twin`: nobody stops; `stopped`: one does, with the system's buffers full;
 * `long`: one does for long, as it is; `memory`: many do, on a server of their own, and `idle memory`: as many have nothing to read.
 */
export type SlowPart = 'reading' | 'twin' | 'stopped' | 'long' | 'memory' | 'idle memory'

/** What became of the readers that stopped. */
export interface SlowFate extends Omit<SlowReport, 'offset'> {
  /** From reading again until it has everything; null when it did not get there in time, or was not waited for. */
  readonly catchUpMs: number | null
  readonly returned: boolean
}

export interface SlowCell {
  readonly kind: 'slow'
  readonly scenario: string
  readonly load: string
  readonly subject: string
  readonly block: number
  readonly part: SlowPart
  readonly protocol: string
  /** How many stop, or might. */
  readonly slowReaders: number
  /** 0: they don't. */
  readonly stoppedMs: number
  /** The most that the server said that it holds for one reader or connection. */
  readonly heldBytes: number
  /** Resident memory of the server; null where it isn't asked. */
  readonly memoryBytes: number | null
  readonly fate: SlowFate | null
  /** Of the readers that go on: histograms of µs, as a delivery's. */
  readonly latency: string
  readonly sendLag: string
  readonly tally: Tally
  readonly serverUtilisation: number
  readonly generatorUtilisation: number
  readonly problems: readonly string[]
}

/** A cell that could not be measured. It makes the run invalid. */
export interface FailedCell {
  readonly kind: 'failed'
  readonly scenario: string
  readonly load: string
  readonly subject: string
  readonly block: number
  readonly problems: readonly string[]
}

export type Measurement = DeliveryCell | ServiceCell | GoalCell | SlowCell | FailedCell

export interface Environment {
  readonly cpuModel: string
  readonly cores: number
  readonly memoryBytes: number
  readonly platform: string
  readonly node: string
  /** Short hash, with `+` when the tree had changes; `unknown` outside git. */
  readonly commit: string
  readonly startedAt: string
  /** Cores of server and generator, or null when nothing was pinned. */
  readonly pinned: { readonly server: number; readonly generator: number } | null
  readonly cpuSource: string
}

/** A whole run, finished or not. */
export interface Run {
  readonly environment: Environment
  readonly measurements: readonly Measurement[]
  readonly interrupted: boolean
  readonly durationMs: number
}
