// What a run is to do, as plain data, and what it came to.
import type { Findings } from './checker.ts'
import type { FaultKind } from './faults.ts'
import type { Percentiles } from './recovery.ts'

export interface Settings {
  readonly seconds: number
  readonly seed: number
  readonly transports: readonly string[]
  readonly clients: number
  /** Posted by all clients together, in messages a second. */
  readonly messagesPerSecond: number
  /** Kept after the run: histories, the data folder, the server's complaints. Null: a temporary one, removed. */
  readonly keepFolder: string | null
}

/** A client that was long without news, and what had happened to it. */
export interface SlowRecovery {
  readonly client: string
  readonly transport: string
  readonly ms: number
  readonly events: readonly string[]
}

/** What a run came to, before anybody judges whether that is enough. */
export interface Outcome {
  readonly settings: Settings
  /** How long faults were committed, in s. */
  readonly seconds: number
  readonly interrupted: boolean
  readonly findings: Findings
  readonly faults: Readonly<Record<string, Readonly<Record<FaultKind, number>>>>
  readonly kills: number
  readonly restarts: number
  readonly switches: number
  readonly failedSwitches: number
  readonly serverNoticed: number
  readonly serverMissed: number
  readonly recovery: Percentiles
  readonly recoveryOf: Readonly<Record<string, Percentiles>>
  /** By transport, rounded and ascending: percentiles of several runs come from all their samples. */
  readonly recoverySamplesMs: Readonly<Record<string, readonly number[]>>
  /** The slowest three, from the slowest on. */
  readonly slowest: readonly SlowRecovery[]
  /** Clients that did not come back from a fault in time, or never settled, in sentences. */
  readonly stuck: readonly string[]
  /** What the harness itself failed at; then the run proves nothing. */
  readonly failures: readonly string[]
  /** The last events of each client, by name. */
  readonly traces: Readonly<Record<string, readonly string[]>>
}

export interface Progress {
  readonly elapsedMs: number
  readonly totalMs: number
  readonly phase: 'starting' | 'faults' | 'settling' | 'checking'
  readonly acknowledged: number
  readonly kills: number
  readonly restarts: number
  readonly switches: number
  readonly linkFaults: number
}
