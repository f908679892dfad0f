// Sends at intended times: asleep in `setTimeout` until the last millisecond, then turning with `setImmediate`.

/** The clock that pacing lives on; tests put in their own. */
export interface PacingClock {
  /** Monotonic, ms. */
  nowMs(): number
  sleep(call: () => void, ms: number): void
  turn(call: () => void): void
}

/** This process's monotonic clock. */
export const realClock: PacingClock = {
  nowMs: () => performance.now(),
  sleep: (call, ms) => {
    setTimeout(call, ms)
  },
  turn: (call) => {
    setImmediate(call)
  },
}

/** `setTimeout` counts whole milliseconds and may be one late: the last one, or two, are spent turning. */
const turningMs = 2

/**
 * Calls `send(index, nowMs)` at or after `startMs + timesMs[index]`, in order, and never skips one: a sender that is late
 * catches up at once and the schedule stays as it was. Resolves after the last call. It stops early when `stopped()` is true.
 */
export function pace(
  clock: PacingClock,
  startMs: number,
  timesMs: readonly number[],
  send: (index: number, nowMs: number) => void,
  stopped: () => boolean,
): Promise<void> {
  return new Promise((resolve, reject) => {
    let index = 0
    const step = (): void => {
      try {
        if (stopped()) {
          resolve()
          return
        }
        let nowMs = clock.nowMs()
        for (let due = timesMs[index]; due !== undefined && startMs + due <= nowMs; due = timesMs[index]) {
          send(index, nowMs)
          index += 1
          nowMs = clock.nowMs()
        }
        const next = timesMs[index]
        if (next === undefined) {
          resolve()
          return
        }
        const waitMs = startMs + next - nowMs
        if (waitMs >= turningMs) clock.sleep(step, Math.floor(waitMs - 1))
        else clock.turn(step)
      } catch (error) {
        reject(error)
      }
    }
    step()
  })
}
