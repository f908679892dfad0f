// A closed loop over one route: requests, service times, and what each costs the server.
import type { ServiceCell } from '../measurement.ts'
import { latencyOf } from './cells.ts'
import { littleOfLoop } from './gates.ts'
import { mean } from './ratio.ts'
import type { ServiceTable } from './summary.ts'

export function serviceTable(cells: readonly ServiceCell[]): ServiceTable | null {
  const [first] = cells
  if (first === undefined) return null
  const subjects = [...new Set(cells.map((cell) => cell.subject))].sort()
  return {
    kind: 'service',
    scenario: first.scenario,
    load: first.load,
    blocks: new Set(cells.map((cell) => cell.block)).size,
    rows: subjects.map((subject) => {
      const own = cells.filter((cell) => cell.subject === subject)
      const sum = (of: (cell: ServiceCell) => number): number =>
        own.reduce((total, cell) => total + of(cell), 0)
      const requests = sum((cell) => cell.requests)
      return {
        subject,
        protocol: own[0]?.protocol ?? '',
        requests,
        requestsPerSecond: (requests / sum((cell) => cell.wallMs)) * 1000,
        latency: latencyOf(own.map((cell) => cell.latency)),
        cpuUsPerRequest: sum((cell) => cell.serverCpuUs) / Math.max(requests, 1),
        serverUtilisation: mean(own.map((cell) => cell.serverUtilisation)),
        generatorUtilisation: mean(own.map((cell) => cell.generatorUtilisation)),
      }
    }),
  }
}

/** Little's law of all cells of a subject together: single ones are too short for 5 %. */
export function serviceProblems(cells: readonly ServiceCell[]): readonly string[] {
  return [...Map.groupBy(cells, ({ subject }) => subject).entries()].flatMap(([subject, own]) => {
    const connections = Number(/(\d+) connections/.exec(own[0]?.load ?? '')?.[1] ?? 0)
    const latency = latencyOf(own.map((cell) => cell.latency))
    if (latency.meanUs === null) return []
    const faults = littleOfLoop({
      requests: own.reduce((sum, cell) => sum + cell.requests, 0),
      wallMs: own.reduce((sum, cell) => sum + cell.wallMs, 0),
      meanUs: latency.meanUs,
      connections,
    })
    return faults.map((fault) => `${own[0]?.scenario}, ${subject}: ${fault}`)
  })
}
