// The publisher as the subscribers' thread sees it: orders go to its thread, and the times at which messages left come back in shared memory.
import { Worker } from 'node:worker_threads'

export interface PublishOrder {
  readonly kind: 'publish'
  /** The server's plain address: messages go the same way for every transport. */
  readonly url: string
  readonly connections: number
  readonly rooms: readonly string[]
  /** By place: which of the rooms. */
  readonly roomOf: readonly number[]
  /** Ms from `startMs` on, ascending. */
  readonly times: readonly number[]
  readonly startMs: number
  /** Of the first of these messages. */
  readonly firstIndex: number
  readonly textBytes: number
  /** Shared, by index: when a message was given to its socket. */
  readonly sentMs: Float64Array
  /** Shared: 1 asks to stop. */
  readonly stop: Int32Array
}

export type PublisherOrder =
  | PublishOrder
  | { readonly kind: 'warm'; readonly url: string; readonly connections: number }
  | { readonly kind: 'forget' }

export interface PublisherAnswer {
  readonly problems: readonly string[]
}

let worker: Worker | null = null

/** Gives an order to the publisher's thread, which is started with the first one; one at a time. */
export function askPublisher(order: PublisherOrder): Promise<PublisherAnswer> {
  worker ??= new Worker(new URL('publisher-thread.ts', import.meta.url))
  const thread = worker
  thread.ref()
  return new Promise((resolve, reject) => {
    const failed = (error: unknown): void => {
      worker = null
      reject(error)
    }
    thread.once('error', failed)
    thread.once('message', (answer: PublisherAnswer) => {
      thread.off('error', failed)
      // Between orders it keeps no process alive.
      thread.unref()
      resolve(answer)
    })
    thread.postMessage(order)
  })
}

/** Shared memory for the times of so many messages; not a number until one has left. */
export function sharedTimes(messages: number): Float64Array {
  return new Float64Array(new SharedArrayBuffer(Math.max(1, messages) * 8)).fill(Number.NaN)
}

export function sharedFlag(): Int32Array {
  return new Int32Array(new SharedArrayBuffer(4))
}
