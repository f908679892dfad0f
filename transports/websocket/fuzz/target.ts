// What the fuzzer throws traces at: a target makes traces, and says what is wrong with what comes of one.
import type { Random } from './random.ts'

export const targetNames = [
  'server',
  'client',
  'server-deflate',
  'client-deflate',
  'round-trip',
  'request',
  'response',
  'socket',
  'dial',
] as const
/** Names for several at once. */
export const targetGroups: Readonly<Record<string, readonly string[]>> = {
  handshake: ['request', 'response'],
  deflate: ['server-deflate', 'client-deflate', 'round-trip'],
  protocol: ['server', 'client', 'server-deflate', 'client-deflate', 'round-trip', 'request', 'response'],
}

export interface Case {
  readonly trace: Uint8Array
  /** What the outcome must begin with, where that is known beforehand. */
  readonly expected: string | null
}

export interface Checked {
  /** What happened, in words; the same whenever the trace comes again. */
  readonly outcome: string
  /** The rule that explains why the `ws` library says something else; null: it agrees, or isn't asked. */
  readonly rule: string | null
  /** What must not be, in words; null: all is well. */
  readonly finding: string | null
}

export interface Target {
  readonly name: string
  readonly summary: string
  /** How often its turn comes, relative to the others. */
  readonly weight: number
  /** How many bytes of a trace say how to read the rest: shrinking leaves them alone. */
  readonly prefixBytes: number
  make(random: Random): Case
  /** @param closely at many splits more: for replaying and shrinking */
  check(it: Case, closely: boolean): Checked | Promise<Checked>
  /** Frees what it holds. */
  stop?(): void
}
