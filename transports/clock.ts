// Time as a value, so that tests can hold it still.

/** A timer that can be called off. */
export type CancelTimer = () => void

export interface Clock {
  /** Monotonic, ms: for durations and deadlines. Its zero is arbitrary. */
  nowMs(): number
  /** The wall clock, ms since the Unix epoch. */
  unixMs(): number
  /** Calls back once after `delayMs`. A timer alone does not keep the process alive. */
  after(delayMs: number, callback: () => void): CancelTimer
}

/** The runtime's own clock. */
export const systemClock: Clock = {
  nowMs: () => performance.now(),
  unixMs: () => Date.now(),
  after(delayMs, callback) {
    const timer: unknown = setTimeout(callback, delayMs)
    // Node's timers are objects that can be unreferenced; a browser's are numbers.
    if (typeof timer === 'object' && timer !== null && 'unref' in timer) (timer as { unref(): void }).unref()
    return () => clearTimeout(timer as number)
  },
}
