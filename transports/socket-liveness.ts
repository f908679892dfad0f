// Finds links that are dead without having said so: one timer pings all sockets, a slice at a time.
import type { CancelTimer, Clock } from './clock.ts'

/** What is watched over. */
export interface Watched {
  /** Set by every byte that arrives. */
  heard: boolean
  ping(): void
  terminate(): void
}

/** So many slices make one round, so that thousands of pings don't hold the event loop at once. */
const slices = 16

/** A socket that is silent for a whole interval, its pong included, is cut: within two intervals of its death. */
export class Liveness {
  readonly #sliceMs: number
  readonly #clock: Clock
  readonly #sockets: readonly Set<Watched>[] = Array.from({ length: slices }, () => new Set<Watched>())
  #slice = 0
  #cancel: CancelTimer | null = null

  /** @param intervalMs the time between two pings of a socket */
  constructor(intervalMs: number, clock: Clock) {
    this.#sliceMs = intervalMs / slices
    this.#clock = clock
  }

  watch(socket: Watched): void {
    socket.heard = true
    // The slice that was swept last: the first ping comes after a whole interval.
    this.#sockets[this.#slice]?.add(socket)
    if (this.#cancel === null) this.#wait()
  }

  unwatch(socket: Watched): void {
    for (const sockets of this.#sockets) sockets.delete(socket)
  }

  /** Watches over nothing any more. */
  stop(): void {
    for (const sockets of this.#sockets) sockets.clear()
    this.#cancel?.()
    this.#cancel = null
  }

  #wait(): void {
    this.#cancel = this.#clock.after(this.#sliceMs, () => this.#sweep())
  }

  #sweep(): void {
    this.#slice = (this.#slice + 1) % slices
    for (const socket of this.#sockets[this.#slice] ?? []) {
      if (socket.heard) {
        socket.heard = false
        socket.ping()
      } else {
        this.unwatch(socket)
        socket.terminate()
      }
    }
    this.#cancel = null
    if (this.#sockets.some((sockets) => sockets.size > 0)) this.#wait()
  }
}
