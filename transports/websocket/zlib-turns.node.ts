// How much zlib may do before others have their turn: one queue for all connections of the process, first come, first served.

/** A connection that has something left to compress or to inflate. */
export interface TurnTaker {
  onTurn(): void
}

/** About 2 ms of compressing. The unit is a byte that is compressed, 9 ns of JSON; inflating one costs a sixteenth of that. */
const turnCost = 256 * 1024

/**
 * All of zlib runs in the event loop's own thread: a message of 1 KiB is compressed in 5 µs there, and in 55 µs by way of the
 * thread pool. So at most one piece is worked on at a time, whatever the number of connections, and when a turn is used up
 * the others wait here, each at most once, until the loop has looked after its sockets and timers.
 */
export class ZlibTurns {
  #left = turnCost
  #waiting: TurnTaker[] = []
  #scheduled = false

  /** Whether there is room for another piece; if not, `wait`. */
  get isOpen(): boolean {
    return this.#left > 0
  }

  spend(cost: number): void {
    this.#left -= cost
    if (this.#left <= 0) this.#schedule()
  }

  /** Calls `onTurn` in one of the next turns. */
  wait(taker: TurnTaker): void {
    this.#waiting.push(taker)
    this.#schedule()
  }

  #schedule(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    setImmediate(() => this.#next())
  }

  #next(): void {
    this.#scheduled = false
    this.#left = turnCost
    const waiting = this.#waiting
    this.#waiting = []
    let served = 0
    try {
      while (served < waiting.length && this.isOpen) (waiting[served++] as TurnTaker).onTurn()
    } finally {
      // Also when one has thrown: the others wait all the same.
      if (served < waiting.length) this.#waiting = waiting.slice(served).concat(this.#waiting)
      if (this.#waiting.length > 0) this.#schedule()
    }
  }
}

export const zlibTurns = new ZlibTurns()
