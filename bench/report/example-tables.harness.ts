// The believable run's tables besides deliveries: recovery, idle links and the search for the knee.
import type { Random } from '../random.ts'
import type { CapacityTable, IdleTable, RecoveryTable } from '../statistics/summary.ts'
import { exampleKinds, type Kind, latencySummary, polling } from './example-parts.harness.ts'

export function recoveryTable(random: Random, blocks: number): RecoveryTable {
  const kinds = [...exampleKinds.filter((kind) => kind.transport !== 'tcp'), polling(500)]
  const back = (kind: Kind) => (): number =>
    200_000 + kind.baseUs * 20 + 900_000 * random() ** 2 + kind.intervalMs * 1000 * random()
  return {
    kind: 'recovery',
    scenario: 'network cut',
    load: '20 clients, every link cut by RST, 20 msg/s',
    blocks,
    rows: kinds.map((kind) => ({
      subject: kind.subject,
      transport: kind.transport,
      protocol: kind.protocol,
      clients: 20 * blocks,
      cuts: blocks,
      reconnected: latencySummary(20 * blocks, 240, back(kind)),
      firstMessage: latencySummary(20 * blocks, 240, back(kind)),
      caughtUp: latencySummary(20 * blocks, 240, () => back(kind)() + 8000),
      live95Us: 1_050_000,
      live100Us: 1_300_000,
      busiestShare: 0.2,
      tally: {
        expected: 400 * blocks,
        delivered: 400 * blocks,
        lost: 0,
        duplicated: 0,
        reordered: 0,
        foreign: 0,
      },
    })),
  }
}

export function idleTable(random: Random): IdleTable {
  return {
    kind: 'idle',
    scenario: 'idle',
    load: '50, 100, 200 connections',
    blocks: 3,
    rows: [...exampleKinds, polling(500)].map((kind) => ({
      subject: kind.subject,
      transport: kind.transport,
      intervalMs: kind.intervalMs,
      protocol: kind.protocol,
      cpuUsPerConnectionSecond: kind.intervalMs > 0 ? 174 : 3.2,
      bytesDownPerConnectionSecond: kind.intervalMs > 0 ? 136 : 4.6,
      bytesUpPerConnectionSecond: kind.intervalMs > 0 ? 92 : 0,
      memoryBytesPerConnection: 14_000 + 6000 * random(),
      memory: [50, 100, 200].map((connections) => ({ connections, rssBytes: 9e7 + connections * 17_000 })),
      connect: latencySummary(600, 300, () => 2500 + 4000 * random()),
    })),
  }
}

export function capacityTable(): CapacityTable {
  return {
    kind: 'capacity',
    scenario: 'ramp',
    load: '100 subscribers',
    axis: 'messages a second',
    rows: exampleKinds.map((kind) => {
      const knee = 1e6 / (kind.cpuPerDelivery * 100)
      const offered = [50, 100, 200, 400, 800, 1600, 3200].filter((rate) => rate < 2.2 * knee)
      return {
        subject: kind.subject,
        transport: kind.transport,
        protocol: kind.protocol,
        capacity: offered.filter((rate) => rate < knee).at(-1) ?? null,
        atLeast: kind.subject === 'tcp',
        steps: offered.map((rate) => {
          const load = Math.min(0.98, rate / knee)
          return {
            offered: rate,
            phase: 'search' as const,
            p50Us: kind.baseUs / (1 - load),
            p99Us: (4 * kind.baseUs) / (1 - load) ** 1.3,
            serverUtilisation: load,
            generatorUtilisation: load * 0.6,
            holds: rate < knee,
            reason: rate < knee ? '' : 'The median grew through the window.',
          }
        }),
      }
    }),
  }
}
