// What the orchestrator asks of the generator process, and what it answers.
import type { DeliverOrder, DeliverResult } from './deliver.ts'
import type { IdleOrder, IdleResult } from './idle.ts'
import type { OpeningOrder, OpeningResult } from './opening.ts'
import type { RecoverOrder, RecoverResult } from './recover.ts'
import type { Watched, WindowResult } from './window.ts'

/** Requests in a closed loop over one polling route. */
export interface SaturateOrder extends Watched {
  readonly kind: 'saturate'
  readonly route: 'unchanged' | 'page' | 'post'
  /** The plain port: autocannon speaks HTTP/1.1 only. */
  readonly url: string
  readonly room: string
  readonly connections: number
  readonly windowMs: number
}

export interface SaturateResult extends WindowResult {
  readonly requests: number
  readonly latency: string
  readonly problems: readonly string[]
}

/** Unchanged polls, counted: Parley's where `room` has a head, a bare server's otherwise. */
export interface PollsOrder extends Watched {
  readonly kind: 'polls'
  readonly subject: 'parley' | 'bare'
  readonly url: string
  readonly warmUpMs: number
  readonly windowMs: number
}

export interface PushOrder extends Watched {
  readonly kind: 'push'
  readonly secureUrl: string
  /** Messages are published over a WebSocket of Parley's, or over a bare server's own port. */
  readonly publish: { readonly webSocketUrl: string } | { readonly port: number }
  readonly warmUpMs: number
  readonly windowMs: number
}

export interface SendsOrder extends Watched {
  readonly kind: 'sends'
  readonly url: string
  readonly warmUpMs: number
  readonly windowMs: number
}

/** Where sockets are to connect instead, see `sockets.ts`: pairs of ports. Holds for all that is opened later. */
export interface DetourOrder {
  readonly kind: 'detour'
  readonly ports: readonly (readonly [number, number])[]
}

export interface CountResult extends WindowResult {
  readonly count: number
  readonly bytesPerDelivery?: number
}

export type Order =
  | DetourOrder
  | DeliverOrder
  | RecoverOrder
  | OpeningOrder
  | IdleOrder
  | SaturateOrder
  | PollsOrder
  | PushOrder
  | SendsOrder

/** By kind: what an order is answered with. */
interface Results {
  readonly detour: null
  readonly deliver: DeliverResult
  readonly recover: RecoverResult
  readonly opening: OpeningResult
  readonly idle: IdleResult
  readonly saturate: SaturateResult
  readonly polls: CountResult
  readonly push: CountResult
  readonly sends: CountResult
}

export type ResultOf<O extends Order> = Results[O['kind']]

/** Over IPC, one order at a time. */
export type Answer =
  | { readonly ok: true; readonly result: unknown }
  | { readonly ok: false; readonly message: string }
