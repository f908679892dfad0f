// Loaded into every server before its own code (`--import`): tells the generator how busy its event loop was, and what garbage collection took.
import { rmSync } from 'node:fs'
import net from 'node:net'
import { PerformanceObserver, performance } from 'node:perf_hooks'

/** Since the process began. */
export interface ProbeReading {
  readonly loopActiveMs: number
  readonly loopIdleMs: number
  readonly gcMs: number
  readonly gcCount: number
  readonly rssBytes: number
}

/** The environment variable with the path of the socket on which is asked. */
export const probeVariable = 'PARLEY_BENCH_PROBE'

/** The questions: a reading, or a full garbage collection and then a reading. */
export const readOnly = '?'
export const collectFirst = '!'

/** After so many turns of the event loop an observer has been told of a collection: asked earlier, it counts in the next reading. */
export const gcReportTurns = 4

const path = process.env[probeVariable]
if (path !== undefined) listen(path)

function listen(socketPath: string): void {
  let gcMs = 0
  let gcCount = 0
  const observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      gcMs += entry.duration
      gcCount += 1
    }
  })
  observer.observe({ entryTypes: ['gc'] })
  const server = net.createServer((socket) => {
    socket.on('error', () => socket.destroy())
    socket.on('data', async (question) => {
      // What opening the links has left behind would otherwise be collected in some windows and not in others.
      if (question.toString('latin1') === collectFirst) globalThis.gc?.()
      for (let turn = 0; turn < gcReportTurns; turn++) await new Promise((resolve) => setImmediate(resolve))
      const { active, idle } = performance.eventLoopUtilization()
      const { rss } = process.memoryUsage()
      const reading: ProbeReading = { loopActiveMs: active, loopIdleMs: idle, gcMs, gcCount, rssBytes: rss }
      socket.write(`${JSON.stringify(reading)}\n`)
    })
    socket.unref()
  })
  server.listen(socketPath)
  // The server ends as it would without it.
  server.unref()
  process.on('exit', () => rmSync(socketPath, { force: true }))
}
