// One measured stretch of time: what was counted, and what the server's and the generator's processors did meanwhile.
import { monitorEventLoopDelay, PerformanceObserver, performance } from 'node:perf_hooks'
import { gcReportTurns, type ProbeReading } from '../servers/probe.ts'
import { cpuTimeUs } from './cpu.ts'
import { askProbe } from './probe.ts'

export interface WindowResult {
  readonly wallMs: number
  readonly serverCpuUs: number
  /** Share of the window in which the server had a processor: 1 is one core. */
  readonly serverUtilisation: number
  /** Share of the window in which the server's event loop was busy; null where it can't be asked. */
  readonly serverLoopUtilisation: number | null
  /** Garbage collection of the server's process within the window, ms; null where it can't be asked. */
  readonly serverGcMs: number | null
  /** Share of the window in which the generator's event loop was busy. */
  readonly generatorUtilisation: number
  /** How late the generator's event loop came back, 99 % of the time not more than this, µs. */
  readonly generatorDelayP99Us: number
  readonly generatorGcMs: number
}

/** Which process is watched. `probe`: the path of its probe, empty where it has none. */
export interface Watched {
  readonly serverPid: number
  readonly serverProbe: string
}

/** The delay of a timer of 1 ms that came in time: libuv rounds to whole ms. */
const delayResolutionMs = 1

let generatorGcMs = 0
let observer: PerformanceObserver | null = null

/** The observer is told of a collection some turns after it. */
async function gcReported(): Promise<void> {
  for (let turn = 0; turn < gcReportTurns; turn++) await new Promise((resolve) => setImmediate(resolve))
}

function watchOwnGc(): void {
  if (observer !== null) return
  observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) generatorGcMs += entry.duration
  })
  observer.observe({ entryTypes: ['gc'] })
}

/**
 * Collects the garbage of both ends. With what the opening of links had left, one window in four cost up to twice as much as the others (A/A of
 * CPU per delivery, 100 subscribers: ± 25 % of blocks with it, ± 5 % without). What a window's own garbage costs counts where it is
 * collected within the window.
 */
export async function collectGarbage({ serverProbe }: Watched): Promise<void> {
  if (serverProbe !== '') await askProbe(serverProbe, true)
  globalThis.gc?.()
}

/** Starts to watch; the function that it gives ends the window and says what happened. */
export async function openWindow({ serverPid, serverProbe }: Watched): Promise<() => Promise<WindowResult>> {
  watchOwnGc()
  // Asked before the processor's time is read and after it, so that asking is in neither.
  const probeBefore = serverProbe === '' ? null : await askProbe(serverProbe, false)
  await gcReported()
  const delay = monitorEventLoopDelay({ resolution: delayResolutionMs })
  delay.enable()
  const gcBefore = generatorGcMs
  const cpuBefore = cpuTimeUs(serverPid)
  const loopBefore = performance.eventLoopUtilization()
  const startMs = performance.now()
  return async () => {
    const serverCpuUs = cpuTimeUs(serverPid) - cpuBefore
    const wallMs = performance.now() - startMs
    const { utilization } = performance.eventLoopUtilization(loopBefore)
    delay.disable()
    await gcReported()
    const probeAfter = serverProbe === '' ? null : await askProbe(serverProbe, false)
    return {
      wallMs,
      serverCpuUs,
      serverUtilisation: serverCpuUs / 1000 / wallMs,
      ...serverBetween(probeBefore, probeAfter),
      generatorUtilisation: utilization,
      generatorDelayP99Us: Math.max(0, delay.percentile(99) / 1000 - delayResolutionMs * 1000),
      generatorGcMs: generatorGcMs - gcBefore,
    }
  }
}

function serverBetween(
  before: ProbeReading | null,
  after: ProbeReading | null,
): Pick<WindowResult, 'serverLoopUtilisation' | 'serverGcMs'> {
  if (before === null || after === null) return { serverLoopUtilisation: null, serverGcMs: null }
  const activeMs = after.loopActiveMs - before.loopActiveMs
  const idleMs = after.loopIdleMs - before.loopIdleMs
  return { serverLoopUtilisation: activeMs / (activeMs + idleMs), serverGcMs: after.gcMs - before.gcMs }
}

/** Sleeps in the real world; for stretches of load, never for correctness. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms)
  })
}

/** A closed loop: lets it run warm, then counts what `count()` gains in the window. */
export async function countInWindow(
  options: Watched & {
    readonly warmUpMs: number
    readonly windowMs: number
    readonly count: () => number
  },
): Promise<WindowResult & { readonly count: number }> {
  await pause(options.warmUpMs)
  const close = await openWindow(options)
  const before = options.count()
  await pause(options.windowMs)
  const count = options.count() - before
  return { ...(await close()), count }
}
