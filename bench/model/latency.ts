// When a delivery should come: the waits of pushing, polling and long polling in closed form. All times in µs but for what says ms.

/** A distribution: how likely each value is. Ascending; the shares sum to 1. */
export type Distribution = readonly { readonly value: number; readonly share: number }[]

/** What a delivery to N subscribers depends on. */
export interface Push {
  /** d_up + S + d_down: what a delivery to one subscriber alone takes. */
  readonly baseUs: number
  /** w: what each further subscriber adds, the larger of the server's and the generator's own cost. */
  readonly writeUs: number
  readonly subscribers: number
  /** k: messages that leave at the same moment; 1 for most loads. */
  readonly burst: number
}

/** base + k·N·w/2: a subscriber is anywhere in the row of those that are written to. */
export function pushMeanUs({ baseUs, writeUs, subscribers, burst }: Push): number {
  return baseUs + (burst * subscribers * writeUs) / 2
}

/** base + k·N·w: the last subscriber, of a burst the last message's. */
export function pushLastUs({ baseUs, writeUs, subscribers, burst }: Push): number {
  return baseUs + burst * subscribers * writeUs
}

/**
 * When a burst's deliveries come, in whole: of T = k·N·w, the first of a subscriber's D documents is there after T/D, the last after T,
 * and messages that share a document come together. So the wait is T/D + Uniform(0, T − T/D).
 */
export function burstWaits(
  { writeUs, subscribers, burst }: Omit<Push, 'baseUs'>,
  documents: number,
): { readonly firstUs: number; readonly spreadUs: number } {
  const allUs = burst * subscribers * writeUs
  const firstUs = allUs / Math.max(1, documents)
  return { firstUs, spreadUs: allUs - firstUs }
}

/** base + P/2: a message finds the poller anywhere in its wait. */
export function pollMeanUs(baseUs: number, periodUs: number): number {
  return baseUs + periodUs / 2
}

/** The share of deliveries that come within `us` of a base of exactly `baseUs` and a wait of Uniform(0, P): a straight line. */
export function pollEcdf(us: number, baseUs: number, periodUs: number): number {
  return Math.min(1, Math.max(0, (us - baseUs) / periodUs))
}

/** The last of N pollers with phases of their own: the largest of N waits, P·N/(N + 1) on average (order statistics). */
export function pollLastUs(baseUs: number, periodUs: number, subscribers: number): number {
  return baseUs + (periodUs * subscribers) / (subscribers + 1)
}

/** e^(−λP): a question finds nothing where no message came since the last one (Poisson). λ per second, P in ms. */
export function emptyPollShare(messagesPerSecond: number, periodMs: number): number {
  return Math.exp((-messagesPerSecond * periodMs) / 1000)
}

/**
 * Long polling: an answer leaves with the first message, and those of the gap G until the next question is there wait for it. In a
 * gap come λG messages, which wait G/2 each; where none came, the next one doesn't wait.
 * Extra wait: (λG²/2) / (λG + e^(−λG)). Messages an answer: λG + e^(−λG).
 */
export function longPolling(
  messagesPerSecond: number,
  gapMs: number,
): { readonly extraWaitMs: number; readonly messagesPerAnswer: number } {
  const inGap = (messagesPerSecond * gapMs) / 1000
  const messagesPerAnswer = inGap + Math.exp(-inGap)
  return { extraWaitMs: (inGap * gapMs) / 2 / messagesPerAnswer, messagesPerAnswer }
}

/** A source with a period: no wait at all while the period is longer than the gap; else as many share an answer as fit. */
export function longPollingPeriodic(periodMs: number, gapMs: number): { readonly extraWaitMs: number } {
  if (periodMs > gapMs) return { extraWaitMs: 0 }
  const waiting = Math.floor(gapMs / periodMs)
  const together = waiting + 1
  // Those at periods 1, 2, … after the answer left wait for the rest of the gap; the one that began the cycle waits for nothing.
  const sum = waiting * gapMs - (periodMs * waiting * (waiting + 1)) / 2
  return { extraWaitMs: sum / together }
}

/** A native up-link: the message takes the connection that is open already, so the path is up and down once. */
export function roundTripUs(delayUpMs: number, delayDownMs: number): number {
  return (delayUpMs + delayDownMs) * 1000
}

/**
 * The percentile of base + Uniform(0, spread), the two independent: F(x) = Σ share · clamp((x − base) / spread). Found by bisection
 * to a thousandth of a µs. `percent` from 0 to 100.
 */
export function percentileOfSumUs(base: Distribution, spreadUs: number, percent: number): number {
  const target = percent / 100
  let low = base[0]?.value ?? 0
  let high = (base.at(-1)?.value ?? 0) + spreadUs
  const below = (us: number): number => {
    let share = 0
    for (const one of base) {
      if (spreadUs > 0) share += one.share * pollEcdf(us, one.value, spreadUs)
      else if (one.value <= us) share += one.share
    }
    return share
  }
  for (let step = 0; step < 60 && high - low > 1e-3; step++) {
    const middle = (low + high) / 2
    if (below(middle) >= target) high = middle
    else low = middle
  }
  return high
}

/** The median of the slowest of N pollers: base + P · 0.5^(1/N). */
export function pollLastPercentileUs(
  baseUs: number,
  periodUs: number,
  subscribers: number,
  percent: number,
): number {
  return baseUs + periodUs * (percent / 100) ** (1 / subscribers)
}
