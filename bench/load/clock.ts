// The one clock of the bench: the system's monotonic one, the same in every thread and process of the machine.

/** Ms since the machine started, with the clock's own resolution (CLOCK_MONOTONIC on Linux). */
export function nowMs(): number {
  return Number(process.hrtime.bigint()) / 1e6
}

/** The smallest step that the clock was seen to make, ns, of many readings in a row (R37). */
export function clockStepNs(readings = 2000): number {
  let smallest = Number.POSITIVE_INFINITY
  let last = process.hrtime.bigint()
  for (let reading = 0; reading < readings; reading++) {
    const now = process.hrtime.bigint()
    if (now > last) smallest = Math.min(smallest, Number(now - last))
    last = now
  }
  return smallest
}
