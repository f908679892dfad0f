// What makes a run worthless, each gate a function: it gives sentences, none where all is well. A gate knows nothing of the others.
import { benchLimits } from '../limits.ts'
import type { Tally } from '../load/checker.ts'
import type { Discarded, Load } from '../measurement.ts'
import { leastBytes } from '../model/bytes.ts'
import { isAsked, type Wire } from '../model/wire.ts'
import { holm } from './holm.ts'
import { median } from './ratio.ts'
import type { Predicted } from './summary.ts'

/** Every delivery once and in order. */
export function faultsOf(tally: Tally): readonly string[] {
  const { lost, duplicated, reordered, foreign, expected, delivered } = tally
  const faults: string[] = []
  if (expected === 0) faults.push('Nothing was sent.')
  if (lost > 0) faults.push(`${lost} deliveries lost (${delivered} of ${expected}).`)
  if (duplicated > 0) faults.push(`${duplicated} deliveries doubled.`)
  if (reordered > 0) faults.push(`${reordered} deliveries out of order.`)
  if (foreign > 0) faults.push(`${foreign} deliveries of what was never sent.`)
  return faults
}

/**
 * A delivery before the path could have brought it. `leastUs`: the fastest; null: there is none. One before its message was sent is in no
 * histogram, which holds nothing negative: the cell itself complains of it (`load/deliver.ts`), and that is as fatal.
 */
export function tooFast(leastUs: number | null, floorUs: number): readonly string[] {
  if (leastUs === null || leastUs >= floorUs) return []
  return [`A delivery took ${leastUs} µs, less than the ${floorUs} µs of the path.`]
}

/** How far below the model's bytes a row may be. Framing is exact; what polls find is a matter of chance. */
const leastOfFramed = 0.9
const leastOfPolled = 0.8

/**
 * Fewer bytes than what must be in them: than the client took out of them as payload, than the texts and identities, or far fewer than
 * framed JSON takes. Then something on the way compresses, and what is compared is not the transports.
 */
export function tooSmall(row: {
  readonly wire: Wire
  readonly textBytes: number
  readonly bytesDown: number
  readonly payloadBytesDown: number
  readonly predicted: Predicted | null
}): readonly string[] {
  const { wire, textBytes, bytesDown, payloadBytesDown, predicted } = row
  if (!Number.isFinite(bytesDown)) return []
  const model = predicted === null ? 0 : predicted.value * (isAsked(wire) ? leastOfPolled : leastOfFramed)
  const least = Math.max(leastBytes(textBytes), payloadBytesDown, model)
  if (bytesDown >= least) return []
  const said = [bytesDown, least].map((bytes) => bytes.toFixed(0))
  return [`${said[0]} bytes a delivery, where at least ${said[1]} must be: something compresses.`]
}

/**
 * The generator is what is measured: its event loop is busy for more than 75 % of the time, or comes back late by more than 5 ms at
 * p99 in most of the cells, so that one accident is none. To hand one message to all subscribers takes time that is in the theory
 * (`ownUs`): so much lateness, and half as much again, is not held against it.
 */
export function isSaturated(
  cells: readonly { readonly generatorUtilisation: number; readonly generatorDelayP99Us: number }[],
  ownUs = 0,
): boolean {
  if (cells.length === 0) return false
  const utilisation = median(cells.map((cell) => cell.generatorUtilisation))
  const boundUs = Math.max(benchLimits.generatorDelayMs * 1000, 1.5 * ownUs)
  const late = cells.filter((cell) => cell.generatorDelayP99Us > boundUs)
  return utilisation > benchLimits.generatorUtilisation || late.length * 2 > cells.length
}

/**
 * Fatal up to as many readers as one generator must be able to carry; beyond, the row is labelled instead. So it is where every delivery
 * takes a question of its own: that is as dear for whoever asks as for the server, with a tenth of the readers.
 */
export function saturation(saturated: boolean, subscribers: number, wire: Wire): readonly string[] {
  if (!saturated || subscribers > benchLimits.generatorReaders || wire === 'long-poll') return []
  return ['The generator was saturated: what was measured is the generator.']
}

/** Server and generator on one core take from each other what is measured. */
export function sharedCore(
  pinned: { readonly server: number; readonly generator: number } | null,
): readonly string[] {
  if (pinned === null || pinned.server !== pinned.generator) return []
  return [`The generator shares core ${pinned.server} with the server.`]
}

/** How far Little's law may be off, as a share. */
export const littleShare = 0.05

/** A closed loop over C connections: requests a second × mean time in the system = C (Little 1961). */
export function littleOfLoop(loop: {
  readonly requests: number
  readonly wallMs: number
  readonly meanUs: number
  readonly connections: number
}): readonly string[] {
  const { requests, wallMs, meanUs, connections } = loop
  const inSystem = (requests / wallMs) * (meanUs / 1000)
  if (!(connections > 0) || Math.abs(inSystem / connections - 1) <= littleShare) return []
  return [
    `Little's law is off: ${requests} requests of ${(meanUs / 1000).toFixed(2)} ms in ${(wallMs / 1000).toFixed(1)} s are ${inSystem.toFixed(1)} at a time, on ${connections} connections.`,
  ]
}

/**
 * Polling is a loop of a wait and a round trip: requests = subscribers × time / (interval + round trip). The round trip is not known
 * exactly: any up to `mostRoundTripMs` will do. Where a window takes few intervals in, how many questions fall into it is chance:
 * with the phases uniform, a fraction f of a question has a variance of f(1 − f) for each link; three standard errors are allowed.
 */
export function littleOfPolls(polls: {
  readonly requests: number
  /** Subscribers of all cells. */
  readonly links: number
  readonly wallMs: number
  readonly intervalMs: number
  readonly mostRoundTripMs: number
  /** What the path alone takes, up and down. */
  readonly leastRoundTripMs?: number
  /** Questions of a link that may follow an answer at once, where a page did not hold all that there was. */
  readonly furtherPages?: number
}): readonly string[] {
  const {
    requests,
    links,
    wallMs,
    intervalMs,
    mostRoundTripMs,
    leastRoundTripMs = 0,
    furtherPages = 0,
  } = polls
  if (!(links > 0) || !(intervalMs > 0)) return []
  const most = wallMs / (intervalMs + leastRoundTripMs) + furtherPages
  const least = wallMs / (intervalMs + mostRoundTripMs)
  const chance = (each: number): number => 3 * Math.sqrt(((each % 1) * (1 - (each % 1))) / links)
  const each = requests / links
  if (each <= most * (1 + littleShare) + chance(most) && each >= least * (1 - littleShare) - chance(least))
    return []
  return [
    `Little's law is off: ${each.toFixed(2)} questions of each of ${links} pollers in ${wallMs.toFixed(0)} ms, where an interval of ${intervalMs} ms makes ${least.toFixed(2)} to ${most.toFixed(2)}.`,
  ]
}

/** What must be the same for everyone in a table. */
const alike: readonly (keyof Load)[] = [
  'subscribers',
  'rooms',
  'ratePerSecond',
  'burst',
  'textBytes',
  'secure',
  'upLink',
  'delayUpMs',
  'delayDownMs',
]

export function notAlike(cells: readonly (Load & { readonly subject: string })[]): readonly string[] {
  const [first] = cells
  if (first === undefined) return []
  return alike.flatMap((name) => {
    const other = cells.find((cell) => cell[name] !== first[name])
    return other === undefined
      ? []
      : [
          `Not configured alike: ${name} is ${first[name]} for ${first.subject} and ${other[name]} for ${other.subject}.`,
        ]
  })
}

/** What a link spoke against what its line in the table of subjects says. */
export function wrongProtocol(spoken: string, label: string | null): readonly string[] {
  return spoken === label ? [] : [`It spoke ${spoken} where ${label ?? 'nothing'} is measured.`]
}

/** A message of a window must not be later than this many times its usual latency, and so much more, because it is the first. */
const firstFactor = 3
const firstMs = 20
/** Fewer messages have no "usual"; nor have fewer blocks of few messages each. */
const leastMessages = 5
const leastPooled = 5

/**
 * Not in steady state: in more than half of a subject's cells the window's first message is far later than what a quarter of them all
 * keep to, since what is held back may hold up those behind it. `p25Us`: of the cell. Where cells have few messages, as in a quiet room,
 * the usual is of all blocks: the median of their p25.
 */
export function holdsFirstBatch(
  cells: readonly {
    readonly firstMessageUs: number | null
    readonly p25Us: number
    readonly messages: number
  }[],
): readonly string[] {
  const heard = cells.filter(({ messages, firstMessageUs }) => messages >= 2 && firstMessageUs !== null)
  const long = heard.filter(({ messages }) => messages >= leastMessages)
  const usualUs = median(heard.map(({ p25Us }) => p25Us))
  const pooled = heard.length >= leastPooled ? heard.map((cell) => ({ ...cell, p25Us: usualUs })) : []
  const told = long.length > 0 ? long : pooled
  const late = told.filter(
    ({ firstMessageUs, p25Us }) => (firstMessageUs ?? 0) > firstFactor * p25Us + firstMs * 1000,
  )
  if (late.length * 2 <= told.length) return []
  return [
    `It is not in steady state: in ${late.length} of ${told.length} cells the first message is far later than the others. It holds its first batch back.`,
  ]
}

/** Over 40 % of a table's blocks discarded, and the machine is too busy to measure on. */
export function tooManyDiscarded(discarded: readonly Discarded[], keptBlocks: number): readonly string[] {
  const lost = discarded.length
  const share = lost / (lost + keptBlocks)
  if (lost <= benchLimits.discardedAtLeast || share <= benchLimits.discardedShare) return []
  return [
    `${lost} of ${lost + keptBlocks} passes were disturbed by something else on the machine, more than ${benchLimits.discardedShare * 100} %.`,
  ]
}

/** How often all A/A controls of honest runs together may be fatal by chance. */
export const controlAlpha = 0.01

/**
 * A/A: one transport twice differs from itself. A 95 % interval leaves 1 out in 5 % of honest cases, and a run has dozens of controls:
 * "any interval without 1" would end most runs by chance. So that only costs the metric its ranking; the run is lost where Holm's
 * correction over all controls of the run still finds a difference at a family-wise 1 %. docs/decisions/0015 has the reasons.
 */
export function controlsDiffer(
  controls: readonly { readonly name: string; readonly pValue: number }[],
): readonly string[] {
  const adjusted = holm(controls.map(({ pValue }) => pValue))
  return controls
    .filter((_, index) => (adjusted[index] ?? 1) <= controlAlpha)
    .map(({ name }) => `A/A: ${name} differs from itself: something besides the transports is compared.`)
}
