// Sockets with something to write at the end of the tick: one pass over all of them, instead of a callback for each.

export interface Flushable {
  /** Writes what has been sent. What it throws doesn't keep the others from it. */
  onFlush(): void
}

let waiting: Flushable[] = []

/** Has `onFlush` called once the events of this tick are dealt with. Asking twice calls twice. */
export function flushSoon(socket: Flushable): void {
  if (waiting.push(socket) === 1) setImmediate(flushAll)
}

function flushAll(): void {
  const sockets = waiting
  waiting = []
  let flushed = 0
  try {
    for (const socket of sockets) {
      flushed++
      socket.onFlush()
    }
  } finally {
    // One's handler has thrown: the others have something to send all the same.
    if (flushed < sockets.length) {
      waiting = sockets.slice(flushed).concat(waiting)
      setImmediate(flushAll)
    }
  }
}
