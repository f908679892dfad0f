// What the orchestrator asks of the process of slow readers, and what it answers.

/**
 * How a reader stops. `stopped`: its process is (SIGSTOP), so that its TCP connection is not read and answers nothing. `unread`:
 * its connection is alive and answers pings, but it takes no more of what is delivered, so that a stream's window closes. `asks`:
 * the same, and goes on asking for pages whose answers it does not take.
 */
export type SlowWay = 'stopped' | 'unread' | 'asks'

/** Opens readers, each with connections of its own; answered when all are there. */
export interface OpenSlow {
  readonly kind: 'open'
  readonly transport: string
  readonly way: SlowWay
  readonly followUrl: string
  readonly room: string
  readonly readers: number
  /** For polling, ms. */
  readonly intervalMs: number
}

export type SlowOrder =
  | OpenSlow
  /** Reads no more; for what is not done by a signal. */
  | { readonly kind: 'stop' }
  | { readonly kind: 'resume' }
  /** Answered when every reader has this offset. */
  | { readonly kind: 'reach'; readonly offset: number }
  | { readonly kind: 'close' }

/** What became of the readers, all together. */
export interface SlowReport {
  /** The lowest offset that one of them has. */
  readonly offset: number
  /** Messages that came twice, or before an earlier one. */
  readonly repeated: number
  /** Messages that never came, and of which no gap told. */
  readonly missing: number
  /** How often a gap told of what is lost. */
  readonly gaps: number
  /** Why links ended, in words, each with how often. */
  readonly ends: Readonly<Record<string, number>>
}

export type SlowAnswer =
  | { readonly ok: true; readonly report: SlowReport }
  | { readonly ok: false; readonly message: string }
