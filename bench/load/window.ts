// One measured stretch of time: what was counted, and what the server's and the generator's processors did meanwhile.
import { performance } from 'node:perf_hooks'
import { cpuTimeUs } from './cpu.ts'

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

/** Starts to watch; the function that it gives ends the window and says what happened. */
export function openWindow(serverPid: number): () => WindowResult {
  const cpuBefore = cpuTimeUs(serverPid)
  const loopBefore = performance.eventLoopUtilization()
  const startMs = performance.now()
  return () => {
    const serverCpuUs = cpuTimeUs(serverPid) - cpuBefore
    const wallMs = performance.now() - startMs
    return {
      wallMs,
      serverCpuUs,
      serverUtilisation: serverCpuUs / 1000 / wallMs,
      generatorUtilisation: performance.eventLoopUtilization(loopBefore).utilization,
    }
  }
}

/** Sleeps in the real world; for stretches of load, never for correctness. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms)
  })
}

/** A closed loop: lets it run warm, then counts what `count()` gains in the window. */
export async function countInWindow(options: {
  readonly serverPid: number
  readonly warmUpMs: number
  readonly windowMs: number
  readonly count: () => number
}): Promise<WindowResult & { readonly count: number }> {
  await pause(options.warmUpMs)
  const before = options.count()
  const close = openWindow(options.serverPid)
  await pause(options.windowMs)
  const result = close()
  return { ...result, count: options.count() - before }
}
