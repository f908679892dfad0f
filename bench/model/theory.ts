// What the model says of a row, beside what was measured of it.
import type { Load, ServerKind } from '../measurement.ts'
import type { Predicted, Theory } from '../statistics/summary.ts'
import { bytesOf, documentsOf, type Flow } from './bytes.ts'
import {
  burstWaits,
  type Distribution,
  percentileOfSumUs,
  pollLastPercentileUs,
  pushLastUs,
} from './latency.ts'
import { isAsked, type Wire } from './wire.ts'

/** How far a measured value may be from the model's before it is flagged, as shares. */
export const tolerances = {
  /** Frames and records are exact; what is left is how many heartbeats fell into the windows. */
  framedBytes: 0.02,
  /** How many questions find something is a matter of chance. */
  pollBytes: 0.1,
  pollLatency: 0.1,
  /** The model knows of no queue and no pause: it is a floor that a calm machine comes near to. */
  pushLatency: 0.3,
  /** Of a base of a hundred samples or so, the tail is hardly known. */
  pushTail: 0.75,
} as const

/** Below this many bytes a delivery, a few frames by chance are all there is: nothing is predicted. */
const tinyBytes = 4
/** Fewer base samples than this say nothing of a median, and these of a tail. */
const leastBaseSamples = 10
const leastTailSamples = 60

export interface TheoryInput {
  readonly wire: Wire
  readonly server: ServerKind
  readonly load: Load
  /** As the cells say it: `h2, TLS`. */
  readonly protocol: string
  /** 0 for what is pushed. */
  readonly intervalMs: number
  /** All cells of the row together. */
  readonly flow: Pick<Flow, 'deliveries' | 'reads' | 'requests' | 'connectionSeconds' | 'messagesOfRoom'>
  readonly measured: {
    readonly p50Us: number | null
    readonly p99Us: number | null
    readonly completionP50Us: number | null
    readonly bytesDownPerDelivery: number
    readonly bytesUpPerDelivery: number
  }
  /** What a delivery to one subscriber alone takes; null where it was not measured: then nothing is said of latency. */
  readonly base: { readonly distribution: Distribution; readonly samples: number } | null
  /** The larger of the server's and the generator's time for one more subscriber, µs; null where it is not known. */
  readonly writeUs: number | null
}

export function theoryOf(input: TheoryInput): Theory {
  return { ...latencies(input), ...bytes(input), floorUs: floorUs(input.load) }
}

/**
 * No delivery can be faster than the path: down, and for messages that go up over the measured link, up too. (A publisher of its own
 * may be on this side of a relay.) A relay holds by whole ms at best, so one is taken off for each direction that it holds.
 */
export function floorUs({ upLink, delayUpMs, delayDownMs }: Load): number {
  const held = (ms: number): number => Math.max(0, ms - 1) * 1000
  return held(delayDownMs) + (upLink === 'native' ? held(delayUpMs) : 0)
}

function latencies(input: TheoryInput): Pick<Theory, 'p50Us' | 'p99Us' | 'completionUs'> {
  const { base, load, wire, measured } = input
  const none = { p50Us: null, p99Us: null, completionUs: null }
  if (base === null || base.samples < leastBaseSamples) return none
  const pathUs = (load.delayDownMs + (load.upLink === 'native' ? load.delayUpMs : 0)) * 1000
  const moved = base.distribution.map(({ value, share }) => ({ value: value + pathUs, share }))
  if (wire === 'poll') return polled(input, moved)
  if (input.writeUs === null) return none
  const audience = audienceOf(load)
  const push = { baseUs: 0, writeUs: input.writeUs, subscribers: audience, burst: load.burst }
  const { firstUs, spreadUs } =
    load.burst > 1 ? burstWaits(push, documentsOfBurst(input)) : { firstUs: 0, spreadUs: pushLastUs(push) }
  const away = wire === 'long-poll' ? whileAsking(moved, input, spreadUs) : moved
  const shifted = away.map(({ value, share }) => ({ value: value + firstUs, share }))
  const at = (percent: number): number => percentileOfSumUs(shifted, spreadUs, percent)
  const medianUs = percentileOfSumUs(shifted, 0, 50)
  // Of a burst, the median message's last subscriber; else every message has a last one.
  const lastUs = load.burst > 1 ? at(50) + (audience * input.writeUs) / 2 : medianUs + spreadUs
  return {
    p50Us: predicted(measured.p50Us, at(50), tolerances.pushLatency),
    p99Us: base.samples < leastTailSamples ? null : predicted(measured.p99Us, at(99), tolerances.pushTail),
    completionUs: predicted(measured.completionP50Us, lastUs, tolerances.pushLatency),
  }
}

function audienceOf({ subscribers, rooms }: Load): number {
  return subscribers / Math.max(1, rooms)
}

/** So many steps stand for a uniform wait. */
const askingSteps = 8

/**
 * Long polling: what comes between an answer and the next question waits for that. The gap is a round trip, and the time in which a server
 * that has just answered everybody takes their questions in. λG of λG + e^(−λG) messages come in it, anywhere.
 */
function whileAsking(base: Distribution, { load }: TheoryInput, rowUs: number): Distribution {
  const gapUs = (load.delayUpMs + load.delayDownMs) * 1000 + percentileOfSumUs(base, 0, 50) + rowUs
  const rate = load.ratePerSecond / Math.max(1, load.rooms) / Math.max(1, load.burst)
  const inGap = (rate * gapUs) / 1e6
  const late = inGap / (inGap + Math.exp(-inGap))
  const waits = Array.from({ length: askingSteps }, (_, step) => ((step + 0.5) / askingSteps) * gapUs)
  const mixed = base.flatMap(({ value, share }) => [
    { value, share: share * (1 - late) },
    ...waits.map((waitUs) => ({ value: value + waitUs, share: (share * late) / askingSteps })),
  ])
  return mixed.sort((one, other) => one.value - other.value)
}

/** In how many documents a subscriber gets a burst. */
function documentsOfBurst(input: TheoryInput): number {
  const { documents } = documentsOf(flowOf(input))
  return (documents * input.load.burst) / Math.max(1, input.flow.deliveries)
}

/** The wait is counted from the end of the last answer, so that the period is the interval and a round trip (R36). */
function polled(
  { load, intervalMs, measured }: TheoryInput,
  base: Distribution,
): Pick<Theory, 'p50Us' | 'p99Us' | 'completionUs'> {
  const baseUs = percentileOfSumUs(base, 0, 50)
  // The way down is in the base; a question has the way up before it.
  const periodUs = (intervalMs + load.delayUpMs) * 1000 + baseUs
  const audience = audienceOf(load)
  const at = (percent: number): number => percentileOfSumUs(base, periodUs, percent)
  return {
    p50Us: predicted(measured.p50Us, at(50), tolerances.pollLatency),
    p99Us: predicted(measured.p99Us, at(99), tolerances.pollLatency),
    completionUs: predicted(
      measured.completionP50Us,
      pollLastPercentileUs(baseUs, periodUs, audience, 50),
      tolerances.pollLatency,
    ),
  }
}

function flowOf({ wire, server, load, protocol, intervalMs, flow }: TheoryInput): Flow {
  return {
    ...flow,
    wire,
    server,
    protocol,
    intervalMs,
    secure: load.secure,
    upLink: load.upLink,
    textBytes: load.textBytes,
    burst: load.burst,
    audience: audienceOf(load),
  }
}

function bytes(input: TheoryInput): Pick<Theory, 'bytesDown' | 'bytesUp'> {
  const { wire, load, measured } = input
  const carried = bytesOf(flowOf(input))
  if (carried === null) return { bytesDown: null, bytesUp: null }
  const tolerance = isAsked(wire) || load.upLink === 'native' ? tolerances.pollBytes : tolerances.framedBytes
  const { downPerDelivery, upPerDelivery } = carried
  return {
    bytesDown: predicted(measured.bytesDownPerDelivery, downPerDelivery, tolerance),
    bytesUp:
      upPerDelivery < tinyBytes ? null : predicted(measured.bytesUpPerDelivery, upPerDelivery, tolerance),
  }
}

function predicted(measured: number | null, value: number, tolerance: number): Predicted | null {
  if (measured === null || !(value > 0)) return null
  const ratio = measured / value
  return { value, ratio, tolerance, flagged: !(Math.abs(ratio - 1) <= tolerance) }
}
