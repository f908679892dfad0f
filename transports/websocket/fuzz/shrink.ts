// Makes a trace that shows a fault shorter and plainer, as long as it still shows it.
import { concat } from '../protocol/testing.ts'
import { scan } from './scan.ts'

/** Whether a trace still shows the fault. */
export type Shows = (trace: Uint8Array) => Promise<boolean>

/**
 * Takes out frames, halves payloads, cuts out ever smaller parts, and sets bytes to zero, until nothing more goes.
 *
 * @param maxTries how many traces are tried at most
 */
export async function shrink(trace: Uint8Array, shows: Shows, maxTries: number): Promise<Uint8Array> {
  let smallest = trace
  let triesLeft = maxTries
  for (let before = -1; before !== smallest.length; ) {
    before = smallest.length
    for (const simplify of [smallerFrames, smallerParts, zeros]) {
      // Each one that still shows it is where the next ones start from.
      for (let next = simplify(smallest, 0); triesLeft > 0 && next !== null; triesLeft--) {
        const better = await shows(next.trace)
        if (better) smallest = next.trace
        next = simplify(smallest, better ? next.place : next.place + 1)
      }
    }
  }
  return smallest
}

/** A plainer trace, and the number of the place where it was made so. */
interface Candidate {
  readonly trace: Uint8Array
  readonly place: number
}

const waysPerFrame = 4

/** The trace without a frame, or with no payload, half of it, or a byte less. */
function smallerFrames(trace: Uint8Array, place: number): Candidate | null {
  const { frames } = scan(trace)
  for (let at = place; at < frames.length * waysPerFrame; at++) {
    const frame = frames[Math.floor(at / waysPerFrame)]
    if (frame === undefined) return null
    const { start, payloadStart, end, lengthBits, payload } = frame
    const kind = at % waysPerFrame
    if (kind === 0) return { trace: concat(trace.subarray(0, start), trace.subarray(end)), place: at }
    if (lengthBits !== 7 || payload.length === 0) continue
    const kept = kind === 1 ? 0 : kind === 2 ? payload.length >> 1 : payload.length - 1
    const header = trace.slice(start, payloadStart)
    header[1] = ((header[1] ?? 0) & 0x80) | kept
    const pieces = [trace.subarray(0, start), header, trace.subarray(payloadStart, payloadStart + kept)]
    return { trace: concat(...pieces, trace.subarray(end)), place: at }
  }
  return null
}

/** The trace without one of its halves, quarters, eighths, … down to single bytes. */
function smallerParts(trace: Uint8Array, place: number): Candidate | null {
  let first = 0
  for (let parts = 2; parts <= trace.length * 2; parts *= 2) {
    const part = place - first
    first += parts
    if (part >= parts) continue
    const partBytes = Math.max(1, Math.ceil(trace.length / parts))
    const start = part * partBytes
    if (start < trace.length) {
      return { trace: concat(trace.subarray(0, start), trace.subarray(start + partBytes)), place }
    }
    return smallerParts(trace, first)
  }
  return null
}

function zeros(trace: Uint8Array, place: number): Candidate | null {
  for (let at = place; at < trace.length; at++) {
    if (trace[at] === 0) continue
    const plainer = trace.slice()
    plainer[at] = 0
    return { trace: plainer, place: at }
  }
  return null
}
