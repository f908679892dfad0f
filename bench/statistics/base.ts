// What a delivery to one subscriber alone takes, from the run's own cells of the scenario `base`: where the theory of latency starts.
import type { DeliveryCell } from '../measurement.ts'
import type { Distribution } from '../model/latency.ts'
import { transportIn } from '../subjects.ts'
import { distributionOf } from './ecdf.ts'
import { decodeHistogram, mergeHistograms } from './histogram.ts'

export const baseScenario = 'base'

export interface Base {
  readonly distribution: Distribution
  readonly samples: number
  readonly p50Us: number
  /** The server's and the generator's processor time of a message, µs. */
  readonly serverUs: number
  readonly generatorUs: number
}

/** The bases of a run, by transport. Those that poll have none of their own: what they wait for is not the path. */
export class Bases {
  readonly #bases = new Map<string, Base>()
  /** w of the load with the most subscribers of a room, bursts apart, and how many these are. */
  readonly #writes = new Map<string, { readonly audience: number; readonly us: number }>()

  constructor(cells: readonly DeliveryCell[]) {
    const own = cells.filter(({ scenario, intervalMs }) => scenario === baseScenario && intervalMs === 0)
    for (const [transport, group] of Map.groupBy(own, ({ subject }) => transportIn(subject) ?? subject)) {
      const base = baseOf(group)
      if (base !== null) this.#bases.set(transport, base)
    }
    this.#learnWrites(cells)
  }

  #learnWrites(cells: readonly DeliveryCell[]): void {
    const loaded = cells.filter(({ scenario, burst }) => scenario !== baseScenario && burst === 1)
    const groups = Map.groupBy(loaded, ({ scenario, load, subject }) => `${scenario} ${load} ${subject}`)
    for (const group of groups.values()) {
      const transport = transportIn(group[0]?.subject ?? '') ?? ''
      const base = this.#bases.get(transport)
      const audience = audienceOf(group)
      if (base === undefined || audience <= (this.#writes.get(transport)?.audience ?? 1)) continue
      this.#writes.set(transport, { audience, us: marginalUs(group, base) })
    }
  }

  /**
   * w of a row, µs. What one more subscriber adds shows best where there are many: with few, processor time that a quiet load spends
   * beside its messages is charged to them, but is no write. So it is the smaller of its own and of the largest audience's. In a burst
   * every message is taken in before or between the writes: there it is all of the time per delivery.
   */
  writeUs(subject: string, cells: readonly DeliveryCell[], base: Base): number {
    if ((cells[0]?.burst ?? 1) > 1) return Math.max(...timesPerDelivery(cells))
    const most = this.#writes.get(transportIn(subject) ?? subject)?.us ?? Number.POSITIVE_INFINITY
    return Math.min(most, marginalUs(cells, base))
  }

  /** The subject's own, or its stand-in's; null where neither was measured. */
  of(subject: string, standIn: string): Base | null {
    const find = (name: string): Base | null => this.#bases.get(transportIn(name) ?? name) ?? null
    return find(subject) ?? find(standIn)
  }
}

function baseOf(cells: readonly DeliveryCell[]): Base | null {
  const merged = mergeHistograms(cells.map(({ latency }) => decodeHistogram(latency)))
  const sum = (of: (cell: DeliveryCell) => number): number =>
    cells.reduce((total, cell) => total + of(cell), 0)
  const deliveries = sum((cell) => cell.deliveries)
  if (merged.totalCount === 0 || !(deliveries > 0)) return null
  return {
    distribution: distributionOf(merged),
    samples: merged.totalCount,
    p50Us: merged.getValueAtPercentile(50),
    serverUs: sum((cell) => cell.serverCpuUs) / deliveries,
    generatorUs: sum(generatorUs) / deliveries,
  }
}

function generatorUs({ generatorUtilisation, wallMs }: DeliveryCell): number {
  return generatorUtilisation * wallMs * 1000
}

/** The server's and the generator's time of a delivery, µs. */
function timesPerDelivery(cells: readonly DeliveryCell[]): readonly [number, number] {
  const sum = (of: (cell: DeliveryCell) => number): number =>
    cells.reduce((total, cell) => total + of(cell), 0)
  const deliveries = Math.max(
    sum((cell) => cell.deliveries),
    1,
  )
  return [sum((cell) => cell.serverCpuUs) / deliveries, sum(generatorUs) / deliveries]
}

function audienceOf([first]: readonly DeliveryCell[]): number {
  return (first?.subscribers ?? 1) / Math.max(1, first?.rooms ?? 1)
}

/**
 * w: what one more subscriber adds, µs. A message to N takes what one to a single subscriber does, and N − 1 writes:
 * w = (N·c(N) − c(1)) / (N − 1) with c the time per delivery, of the server or the generator, whichever takes longer.
 */
export function marginalUs(cells: readonly DeliveryCell[], base: Base): number {
  const audience = audienceOf(cells)
  const [server, generator] = timesPerDelivery(cells)
  const each = (own: number, alone: number): number =>
    audience > 1 ? Math.max(0, (audience * own - alone) / (audience - 1)) : own
  return Math.max(each(server, base.serverUs), each(generator, base.generatorUs))
}
