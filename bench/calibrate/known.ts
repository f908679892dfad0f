// Checks of the clockwork: an injected delay is read as such, and a stall moves what it must move and nothing else.
import type { Lab } from '../lab.ts'
import type { DeliverOrder } from '../load/deliver.ts'
import { type RunningServer, runToEnd, watchedOf } from '../processes.ts'
import { plainLoad } from '../scenarios/deliveries.ts'
import { decodeHistogram, type Histogram } from '../statistics/histogram.ts'
import { type Check, msText } from './check.ts'
import type { ClosedLoop } from './closed-loop.ts'

/** The wires on which the known server pushes. */
export const wires = ['lines', 'WebSocket'] as const
export type Wire = (typeof wires)[number]

export interface Bench {
  readonly lab: Lab
  readonly server: RunningServer
  readonly seed: number
  /** Shorter windows, for the tests. */
  readonly short: boolean
}

const delayMs = 50
const toleranceMs = 1
const stallMs = 200
const movedAtLeastMs = 150
const unmovedAtMostMs = 10

function addressOf(server: RunningServer, wire: Wire): { transport: string; url: string; protocol: string } {
  return wire === 'lines'
    ? { transport: 'tcp', url: server.plainUrl, protocol: 'bare' }
    : { transport: 'ws', url: `http://127.0.0.1:${server.extraPort}`, protocol: 'http/1.1' }
}

/** One cell of the open loop, as a scenario's, over a room that behaves as its name says. */
async function openLoop(
  bench: Bench,
  wire: Wire,
  behaviour: string,
  load: { readonly ratePerSecond: number; readonly windowMs: number },
): Promise<Histogram> {
  const { lab, server, seed } = bench
  const { transport, url, protocol } = addressOf(server, wire)
  const order: DeliverOrder = {
    kind: 'deliver',
    ...plainLoad(lab.settings, { ratePerSecond: load.ratePerSecond, secure: false }),
    ...watchedOf(server),
    transport,
    followUrl: url,
    publishUrl: server.publishUrl,
    roomNames: [`${behaviour}-${lab.newRoom()}`],
    windowMs: load.windowMs,
    intervalMs: 0,
    seed,
    protocol,
  }
  const { latency, problems, tally } = await (await lab.generator()).order(order)
  if (problems[0] !== undefined) throw new Error(problems[0])
  if (tally.delivered !== tally.expected) throw new Error(`${tally.delivered} of ${tally.expected} came.`)
  return decodeHistogram(latency)
}

/** One closed loop: the next message leaves when the one before has been delivered. */
async function closedLoop(bench: Bench, wire: Wire, behaviour: string, count: number): Promise<ClosedLoop> {
  const { lab, server } = bench
  const { transport, url } = addressOf(server, wire)
  const room = `${behaviour}-${lab.newRoom()}`
  const args = [transport, url, server.publishUrl, room, String(count)]
  const core = lab.cores?.generator ?? null
  const said = await runToEnd({ script: 'bench/calibrate/closed-loop.ts', args, core })
  return JSON.parse(said) as ClosedLoop
}

const inMs = (histogram: Histogram, percent: number): number => histogram.getValueAtPercentile(percent) / 1000

/** A delay of 50 ms is read as 50 ± 1 ms: the median with it less the median of the same server without. */
export function delayCheck(bench: Bench, wire: Wire): Check {
  const load = { ratePerSecond: 200, windowMs: bench.short ? 400 : 3000 }
  return {
    name: `delay of ${delayMs} ms, ${wire}`,
    why: `The server delivers ${delayMs} ms after receipt; p50 of the open loop with the delay − p50 of the same server without it.`,
    measure: async () => {
      const plainMs = inMs(await openLoop(bench, wire, 'plain', load), 50)
      const delayedMs = inMs(await openLoop(bench, wire, `delay-${delayMs}`, load), 50)
      const readMs = delayedMs - plainMs
      return {
        passed: Math.abs(readMs - delayMs) <= toleranceMs,
        figure: `${msText(readMs)} (${msText(delayedMs)} − ${msText(plainMs)})`,
        bound: `${delayMs} ± ${toleranceMs} ms`,
        values: { readMs, delayedMs, plainMs },
      }
    },
  }
}

/** In the open loop a stall of S in a window of W moves p99 to S − W/100, as 1 % of W's messages wait longer than that. */
export function openStallCheck(bench: Bench, wire: Wire): Check {
  const windowMs = bench.short ? 800 : 2000
  const load = { ratePerSecond: bench.short ? 800 : 500, windowMs }
  const at = Math.round((load.ratePerSecond * windowMs) / 1000 / 4)
  const expectedMs = stallMs - windowMs / 100
  return {
    name: `stall of ${stallMs} ms, open loop, ${wire}`,
    why: `Whoever was meant to leave x ms into the stall waits ${stallMs} − x: 1 % of a window of ${windowMs} ms waits longer than ${stallMs} − ${windowMs / 100} = ${expectedMs} ms, which is where p99 must be.`,
    measure: async () => {
      const calmMs = inMs(await openLoop(bench, wire, 'plain', load), 99)
      const stalledMs = inMs(await openLoop(bench, wire, `stall-${stallMs}-at-${at}`, load), 99)
      const movedMs = stalledMs - calmMs
      return {
        passed: movedMs >= movedAtLeastMs,
        figure: `p99 moved by ${msText(movedMs)} (${msText(calmMs)} → ${msText(stalledMs)})`,
        bound: `≥ ${movedAtLeastMs} ms`,
        values: { movedMs, calmMs, stalledMs, expectedMs },
      }
    },
  }
}

/** A closed loop sends nothing while it waits: of its messages one meets the stall, and p99 stays. */
export function closedStallCheck(bench: Bench, wire: Wire): Check {
  const count = bench.short ? 1000 : 3000
  return {
    name: `stall of ${stallMs} ms, closed loop, ${wire}`,
    why: `It sends nothing while it waits, so 1 message of ${count} meets the stall (${(100 / count).toFixed(2)} % < 1 %): the maximum shows it, p99 does not. This is the error that the open loop avoids.`,
    measure: async () => {
      const calm = await closedLoop(bench, wire, 'plain', count)
      const stalled = await closedLoop(bench, wire, `stall-${stallMs}-at-${Math.round(count / 2)}`, count)
      const movedMs = stalled.p99Ms - calm.p99Ms
      return {
        passed: Math.abs(movedMs) <= unmovedAtMostMs && stalled.maxMs >= stallMs,
        figure: `p99 moved by ${msText(movedMs)} (${msText(calm.p99Ms)} → ${msText(stalled.p99Ms)}), max ${msText(stalled.maxMs)}`,
        bound: `≤ ${unmovedAtMostMs} ms, max ≥ ${stallMs} ms`,
        values: { movedMs, calmMs: calm.p99Ms, stalledMs: stalled.p99Ms, maxMs: stalled.maxMs },
      }
    },
  }
}
