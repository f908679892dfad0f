// One run of the fuzzer, in a worker: case after case until the time is over or something is found.
import { parentPort, workerData } from 'node:worker_threads'
import { concat } from '../protocol/testing.ts'
import { toHex } from './bytes.ts'
import { faults } from './faults.ts'
import { connectOurs } from './listen.ts'
import { MemoryGuard } from './memory.node.ts'
import { fingerprint } from './random.ts'
import { shrink } from './shrink.ts'
import type { Case, Checked, Target } from './target.ts'
import { makeCase, makeTargets } from './targets.node.ts'

/** What a run is given. */
export interface CampaignOrder {
  readonly seed: number
  readonly targets: readonly string[]
  /** Ends after so many seconds or traces, whichever is given. */
  readonly seconds: number | null
  readonly traces: number | null
  /** The name of a fault to commit on purpose. */
  readonly fault: string | null
  /** Where the number of the case at hand stands, for whoever watches. */
  readonly current: SharedArrayBuffer
}

/** Something wrong, and the shortest trace that shows it. */
export interface Finding {
  readonly target: string
  readonly index: number
  readonly what: string
  /** In hex; empty when no single trace shows it. */
  readonly trace: string
  readonly outcome: string
}

export interface Summary {
  readonly seconds: number
  readonly traces: number
  readonly bytes: number
  /** Traces of each target. */
  readonly targets: Readonly<Record<string, number>>
  /** Traces on which a rule explains a difference to `ws`. */
  readonly rules: Readonly<Record<string, number>>
  /** Of all outcomes but those of real sockets: the same for the same seed, targets and number of traces. */
  readonly digest: string
  readonly growthBytes: number
  readonly retainedBytes: number
  readonly finding: Finding | null
}

export interface CampaignReport {
  readonly done: boolean
  readonly summary: Summary
}

const reportEveryMs = 250
const memoryEveryMs = 6000
/** Processor time for all that is done with one trace. */
const maxTraceCpuMs = 2000
const maxShrinkTries = 3000
/** Within what a case may take before it counts as hanging. */
const maxShrinkMs = 4000

/** What has come of the cases so far. */
class Tally {
  readonly #memory: MemoryGuard
  readonly #startMs = performance.now()
  readonly #targets = new Map<string, number>()
  readonly #rules = new Map<string, number>()
  #traces = 0
  #bytes = 0
  #digest = 0
  finding: Finding | null = null

  constructor(memory: MemoryGuard) {
    this.#memory = memory
  }

  add(target: Target, it: Case, { rule, outcome }: Checked): void {
    this.#traces++
    this.#bytes += it.trace.length
    count(this.#targets, target.name)
    if (rule !== null) count(this.#rules, rule)
    this.#digest = Math.imul(this.#digest ^ fingerprintOf(outcome), 0x01000193)
  }

  summary(): Summary {
    return {
      seconds: (performance.now() - this.#startMs) / 1000,
      traces: this.#traces,
      bytes: this.#bytes,
      targets: Object.fromEntries(this.#targets),
      rules: Object.fromEntries(this.#rules),
      digest: (this.#digest >>> 0).toString(16).padStart(8, '0'),
      growthBytes: this.#memory.growthBytes,
      retainedBytes: this.#memory.retainedBytes,
      finding: this.finding,
    }
  }
}

/** Runs until it is over; `report` is called now and then. */
async function campaign(order: CampaignOrder, report: (summary: Summary) => void): Promise<Summary> {
  const connect = order.fault === null ? connectOurs : (faults[order.fault] ?? connectOurs)
  const targets = makeTargets(order.targets, connect)
  const memory = new MemoryGuard(connect)
  const tally = new Tally(memory)
  const current = new Int32Array(order.current)
  const startMs = performance.now()
  const endMs = order.seconds === null ? Number.POSITIVE_INFINITY : startMs + order.seconds * 1000
  const end = order.traces ?? 2 ** 31 - 1
  let reportMs = startMs
  let memoryMs = startMs + memoryEveryMs / 2
  let index = 0
  for (; tally.finding === null && index < end && performance.now() < endMs; index++) {
    Atomics.store(current, 0, index)
    const { target, it } = makeCase(targets, order.seed, index)
    const cpuBefore = process.threadCpuUsage()
    const checked = await target.check(it, false)
    const { user, system } = process.threadCpuUsage(cpuBefore)
    const cpuMs = (user + system) / 1000
    tally.add(target, it, checked)
    if (checked.finding !== null) tally.finding = await closerLook(target, it, checked, index)
    else if (cpuMs > maxTraceCpuMs)
      tally.finding = plain(target, it, index, `it takes ${Math.round(cpuMs)} ms of processor time`)
    const nowMs = performance.now()
    if (nowMs >= memoryMs && tally.finding === null) {
      tally.finding = await memoryFinding(memory, index)
      memoryMs = performance.now() + memoryEveryMs
    }
    if (nowMs >= reportMs) {
      report(tally.summary())
      reportMs = nowMs + reportEveryMs
      // The library's streams end in a later tick: let it come.
      await new Promise((resolve) => setImmediate(resolve))
    }
  }
  tally.finding ??= await memoryFinding(memory, index)
  for (const target of targets) target.stop?.()
  return tally.summary()
}

async function memoryFinding(memory: MemoryGuard, index: number): Promise<Finding | null> {
  const what = await memory.check()
  return what === null ? null : { target: 'memory', index, what, trace: '', outcome: '' }
}

function count(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1)
}

function plain(target: Target, it: Case, index: number, what: string): Finding {
  return { target: target.name, index, what, trace: toHex(it.trace), outcome: '' }
}

/** The shortest trace that shows it still, and what it shows. */
async function closerLook(target: Target, it: Case, checked: Checked, index: number): Promise<Finding> {
  // What is expected of a trace is not expected of another one.
  const look = async (trace: Uint8Array, closely: boolean): Promise<Checked> =>
    await target.check({ trace, expected: null }, closely)
  const closely = (await look(it.trace, false)).finding === null
  if (closely && (await look(it.trace, true)).finding === null) {
    return plain(target, it, index, checked.finding ?? '')
  }
  const endMs = performance.now() + maxShrinkMs
  const prefix = it.trace.subarray(0, target.prefixBytes)
  const shows = async (trace: Uint8Array): Promise<boolean> =>
    performance.now() < endMs && (await look(concat(prefix, trace), closely)).finding !== null
  const rest = it.trace.subarray(target.prefixBytes)
  const shortest = concat(prefix, await shrink(rest, shows, maxShrinkTries))
  const { finding, outcome } = await look(shortest, closely)
  return {
    target: target.name,
    index,
    what: finding ?? checked.finding ?? '',
    trace: toHex(shortest),
    outcome,
  }
}

function fingerprintOf(outcome: string): number {
  return fingerprint(Uint8Array.from(outcome.slice(0, 4096), (character) => character.charCodeAt(0)))
}

if (parentPort !== null) {
  const port = parentPort
  const done = await campaign(workerData as CampaignOrder, (summary) =>
    port.postMessage({ done: false, summary } satisfies CampaignReport),
  )
  port.postMessage({ done: true, summary: done } satisfies CampaignReport)
}
