// When to try again: full jitter, so that clients which were cut together do not come back together (R33).

/** The first retry is drawn from this time. */
export const firstRetrySpreadMs = 2000
/**
 * The spread doubles with each failure, up to this. A thousand clients then make some 20 tries in 100 ms; with 30 s it was 7, and
 * under a server that was killed or restarted every seven seconds some found it away again and again and stayed so for a minute.
 */
export const longestRetrySpreadMs = 10_000
/** A server's wish is obeyed up to this, so that a wrong one can't silence a client. */
export const longestRetryAfterMs = 300_000

/**
 * The wait before the next try, in ms. `failures`: tries that failed since a link was last open. What the server asks for
 * comes first, and the jitter on top of it.
 */
export function delayBeforeRetryMs(
  failures: number,
  retryAfterMs: number | undefined,
  random: () => number,
): number {
  const spreadMs = Math.min(longestRetrySpreadMs, firstRetrySpreadMs * 2 ** Math.min(failures, 10))
  const jitterMs = random() * spreadMs
  if (retryAfterMs === undefined) return jitterMs
  return Math.min(longestRetryAfterMs, Math.max(0, retryAfterMs)) + jitterMs
}
