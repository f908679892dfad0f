// What measuring hands on: plain data, one record per cell. Aggregation reads it, the JSON file keeps it, nothing in it is rounded.
import type { Tally } from './load/checker.ts'
import type { SlowReport } from './load/slow-orders.ts'
import type { WindowResult } from './load/window.ts'
import type { Network } from './model/opening.ts'
import type { OwnLatency } from './relay/contract.ts'

export type ServerKind = 'parley' | 'tcp' | 'ws'

/** Totals of all subscribers' links within the window, or from it to the end of the cell. */
export interface Traffic {
  readonly deliveries: number
  /** Read events of the client: answers, chunks or WebSocket messages that brought something. */
  readonly reads: number
  /** Questions of those that poll, empty answers included; 0 for what is pushed. */
  readonly requests: number
  /** At the TCP socket, TLS included. */
  readonly bytesUp: number
  readonly bytesDown: number
  /** Bodies and payloads alone. */
  readonly payloadBytesUp: number
  readonly payloadBytesDown: number
}

/** Where a cell stands in its run. */
export interface Place {
  /** From the run's start, ms. */
  readonly startedMs: number
  /** Counts the server processes of a run: cells of one epoch had the same ones. */
  readonly epoch: number
}

/** What is asked of every subject of a table alike. */
export interface Load {
  /** In all rooms together. */
  readonly subscribers: number
  readonly rooms: number
  /** In all rooms together. */
  readonly ratePerSecond: number
  /** Messages that leave at the same moment; 1 but for bursts. */
  readonly burst: number
  readonly textBytes: number
  readonly secure: boolean
  /** Who sends: a publisher of its own over plain HTTP/1.1, or the subscribers themselves over the link that is measured. */
  readonly upLink: 'publisher' | 'native'
  /** What the path adds, one way, ms: 0 without a relay. */
  readonly delayUpMs: number
  readonly delayDownMs: number
}

/** One subject under one load in one block: the open loop's cell. */
export interface DeliveryCell extends Traffic, WindowResult, Place, Load {
  readonly kind: 'delivery'
  readonly scenario: string
  /** The load in words; cells with the same scenario and load are one table. */
  readonly load: string
  readonly subject: string
  readonly block: number
  /** Of those that poll: from an answer to the next question, ms. 0 for what is pushed. */
  readonly intervalMs: number
  readonly tally: Tally
  /** Histograms of µs in HDR's compressed base64. From the intended time; from the real send; intended to real send. */
  readonly latency: string
  readonly service: string
  readonly sendLag: string
  /** Per message: the last subscriber's receipt, from the intended time. */
  readonly completion: string
  /** Per subscriber: from asking for a link until it is open and has had the server's first word. */
  readonly connect: string
  /** The slowest delivery of the window's first message, µs; null: nothing was sent. */
  readonly firstMessageUs: number | null
  /** Where the readers came through a relay: what it added of its own. */
  readonly relay?: OwnLatency
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

/** Links that are open and have nothing to do. */
export interface IdleCell extends WindowResult, Place {
  readonly kind: 'idle'
  readonly scenario: string
  readonly load: string
  readonly subject: string
  readonly block: number
  readonly connections: number
  /** Of those that poll, ms; 0 for what is pushed. */
  readonly intervalMs: number
  /** At the sockets of all connections within the window. */
  readonly bytesUp: number
  readonly bytesDown: number
  /** Of the server after forced collections; null where the cell does not ask. */
  readonly rssBytes: number | null
  readonly connect: string
  readonly protocol: string
  readonly problems: readonly string[]
}

/** One offered load on the way to a capacity. */
export interface CapacityCell extends WindowResult, Place {
  readonly kind: 'capacity'
  readonly scenario: string
  readonly load: string
  readonly subject: string
  /** Counts the steps of a search. */
  readonly block: number
  /** What is raised. */
  readonly axis: 'messages a second' | 'subscribers'
  readonly offered: number
  /** `search`: on the way; `confirm`: one of the fresh windows that must hold. */
  readonly phase: 'search' | 'confirm'
  readonly latency: string
  readonly sendLag: string
  readonly tally: Tally
  /** Medians of consecutive stretches of the window, µs: a backlog that grows shows. */
  readonly mediansUs: readonly number[]
  /** Whether it holds the objective, and if not, why: a sentence. */
  readonly holds: boolean
  readonly reason: string
  readonly protocol: string
  readonly problems: readonly string[]
}

/** Clients whose links are cut, and how they come back. */
export interface RecoveryCell extends Place {
  readonly kind: 'recovery'
  readonly scenario: string
  readonly load: string
  readonly subject: string
  readonly block: number
  readonly clients: number
  readonly cuts: number
  /** Histograms of µs from the cut, one sample a client: a link is open again; the first message that is new to it; all that it had missed. */
  readonly reconnected: string
  readonly firstMessage: string
  readonly caughtUp: string
  readonly tally: Tally
  readonly serverCpuUs: number
  /** Of all tries to come back, the share that began in the busiest 100 ms (R33). */
  readonly busiestShare?: number
  /** What the relay that cut them added of its own. */
  readonly relay?: OwnLatency
  readonly protocol: string
  readonly problems: readonly string[]
}

/** Sessions that begin, each on connections of its own. */
export interface OpeningCell extends Place {
  readonly kind: 'opening'
  readonly scenario: string
  readonly load: string
  /** A transport, or `auto`; in brackets where WebSockets don't pass. */
  readonly subject: string
  readonly block: number
  readonly network: Network
  readonly roundTripMs: number
  readonly opens: number
  /** From the session's start to its first message, µs. */
  readonly latency: string
  /** How often which link brought it: `h2, TLS`; of the ladder `websocket, http/1.1, TLS`. */
  readonly links: Readonly<Record<string, number>>
  readonly protocol: string
  readonly problems: readonly string[]
}

/** A scenario's block of which one cell was disturbed: nothing of it counts, and it is run again. */
export interface Discarded {
  readonly scenario: string
  readonly load: string
  readonly block: number
  /** The cell that gave the reason. */
  readonly subject: string
  readonly sendLagP99Us: number
  readonly boundUs: number
}

export type Measurement =
  | DeliveryCell
  | IdleCell
  | CapacityCell
  | RecoveryCell
  | OpeningCell
  | ServiceCell
  | GoalCell
  | SlowCell
  | FailedCell

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
  /** A short digest of what tells this machine from others; the host's name is not kept. */
  readonly host: string
  /** Versions of what carries the load or is a peer. */
  readonly packages: Readonly<Record<string, string>>
  /** Of the monotonic clock, ns: the smallest step that was seen (R37). */
  readonly clockStepNs: number
}

/** A whole run, finished or not. */
export interface Run {
  readonly environment: Environment
  readonly measurements: readonly Measurement[]
  readonly discarded: readonly Discarded[]
  readonly interrupted: boolean
  readonly durationMs: number
}
