// A believable run, made by code from a seed: what tests look at and what the report is looked at with. Nothing in it was measured.
import type { Discarded, Load } from '../measurement.ts'
import { type Random, randomStream } from '../random.ts'
import { createHistogram, encodeHistogram, percentileUs } from '../statistics/histogram.ts'
import type { RatioEstimate } from '../statistics/ratio.ts'
import type {
  CapacityTable,
  Comparison,
  Control,
  DeliveryRow,
  DeliveryTable,
  IdleTable,
  LatencySummary,
  Metric,
  Moment,
  Predicted,
  RecoveryTable,
  Table,
} from '../statistics/summary.ts'
import type { ReportDocument } from './document.ts'

/** What a transport is made to cost. */
interface Kind {
  readonly subject: string
  readonly transport: string
  readonly protocol: string
  readonly intervalMs: number
  readonly baseUs: number
  readonly writeUs: number
  readonly cpuPerDelivery: number
  readonly cpuPerAnswer: number
  readonly bytes: number
  readonly bytesPerAnswer: number
}

const push = { intervalMs: 0, cpuPerAnswer: 0, bytesPerAnswer: 0 }

export const exampleKinds: readonly Kind[] = [
  {
    ...push,
    subject: 'tcp',
    transport: 'tcp',
    protocol: 'bare, TLS',
    baseUs: 310,
    writeUs: 5,
    cpuPerDelivery: 6,
    bytes: 241,
  },
  {
    ...push,
    subject: 'ws',
    transport: 'ws',
    protocol: 'http/1.1, TLS',
    baseUs: 380,
    writeUs: 11,
    cpuPerDelivery: 13,
    bytes: 244,
  },
  {
    ...push,
    subject: 'websocket',
    transport: 'websocket',
    protocol: 'http/1.1, TLS',
    baseUs: 520,
    writeUs: 8,
    cpuPerDelivery: 10,
    bytes: 254,
  },
  {
    ...push,
    subject: 'websocket-h2',
    transport: 'websocket-h2',
    protocol: 'h2, TLS',
    baseUs: 640,
    writeUs: 15,
    cpuPerDelivery: 18,
    bytes: 263,
  },
  {
    ...push,
    subject: 'http2-push',
    transport: 'http2-push',
    protocol: 'h2, TLS',
    baseUs: 610,
    writeUs: 11,
    cpuPerDelivery: 13.5,
    bytes: 260,
  },
]

function polling(intervalMs: number): Kind {
  return {
    subject: `polling ${intervalMs / 1000} s`,
    transport: 'polling',
    protocol: 'h2, TLS',
    intervalMs,
    baseUs: 900,
    writeUs: 0,
    cpuPerDelivery: 3,
    cpuPerAnswer: 85,
    bytes: 160,
    bytesPerAnswer: 236,
  }
}

const environment: ReportDocument['environment'] = {
  cpuModel: 'Example CPU (made by code)',
  cores: 4,
  memoryBytes: 16 * 2 ** 30,
  platform: 'linux 6.1 x64',
  node: 'v26.10.0',
  commit: 'abcdef1',
  startedAt: '2026-11-22T20:15:00.000Z',
  pinned: { server: 2, generator: 3 },
  cpuSource: 'the scheduler, ns',
  host: '5f0c2a',
  packages: { undici: '8.12.4', ws: '8.23.0' },
  clockStepNs: 41,
}

export interface ExampleOptions {
  readonly seed?: number
  readonly profileName?: string
  /** Blocks of a scenario; under six it isn't citable. */
  readonly blocks?: number
  /** Leave these kinds of tables out. */
  readonly without?: readonly Table['kind'][]
}

/** The document of a `standard` run that never was, or of a smaller one. */
export function exampleDocument(options: ExampleOptions = {}): ReportDocument {
  const { seed = 7, profileName = 'standard', blocks = 12, without = [] } = options
  const random = randomStream(seed, 'example')
  const fanout = (subscribers: number): DeliveryTable =>
    deliveryTable(random, 'fanout', { subscribers, ratePerSecond: 20, burst: 1 }, [500], blocks)
  const tables: readonly Table[] = [
    deliveryTable(
      random,
      'trickle',
      { subscribers: 10, ratePerSecond: 2, burst: 1 },
      [250, 1000, 5000],
      blocks,
    ),
    fanout(10),
    fanout(100),
    fanout(250),
    deliveryTable(random, 'burst', { subscribers: 50, ratePerSecond: 100, burst: 200 }, [500], blocks),
    recoveryTable(random, blocks),
    idleTable(random),
    capacityTable(),
  ]
  return {
    schema: 'parley-bench/2',
    valid: true,
    citable: blocks >= 6 && profileName !== 'quick',
    interrupted: false,
    durationMs: 548_000,
    environment,
    settings: { profileName, seed, secure: true },
    problems: [],
    warnings: [
      'Some cells have a second mode near 40 ms, as delayed acknowledgements of TCP make it (fanout, ws).',
    ],
    tables: tables.filter((table) => !without.includes(table.kind)),
    measurements: [],
    discarded: tables.flatMap((table) => (table.kind === 'delivery' ? table.discarded : [])),
  }
}

function deliveryTable(
  random: Random,
  scenario: string,
  shape: Pick<Load, 'subscribers' | 'ratePerSecond' | 'burst'>,
  intervalsMs: readonly number[],
  blocks: number,
): DeliveryTable {
  const parameters: Load = {
    ...shape,
    rooms: 1,
    textBytes: 64,
    secure: true,
    upLink: 'publisher',
    delayUpMs: 0,
    delayDownMs: 0,
  }
  const kinds = [...exampleKinds, ...intervalsMs.map(polling)]
  const load = `${shape.subscribers} subscribers, ${shape.burst > 1 ? `${shape.burst} at once` : `${shape.ratePerSecond} msg/s`}`
  const rows = kinds.map((kind) => deliveryRow(random, kind, parameters, blocks))
  const discarded: readonly Discarded[] =
    shape.subscribers === 100
      ? [{ scenario, load, block: 5, subject: 'ws', sendLagP99Us: 6100, boundUs: 2000 }]
      : []
  return {
    kind: 'delivery',
    scenario,
    load,
    parameters,
    blocks,
    baseline: 'websocket',
    rows: rows.sort((one, other) => one.cpuUsPerDelivery - other.cpuUsPerDelivery),
    controls: controlsOf(shape.subscribers),
    sendLag: latencySummary(4000, 4000, () => 4 + 60 * random() ** 8),
    discarded,
    cells: kinds.length * blocks,
    moments: momentsOf(random, kinds, blocks, shape.subscribers),
  }
}

function deliveryRow(random: Random, kind: Kind, load: Load, blocks: number): DeliveryRow {
  const { subscribers, ratePerSecond, burst } = load
  const samples = Math.round(subscribers * ratePerSecond * 2 * blocks)
  const spreadUs = subscribers * burst * kind.writeUs
  const waitUs = kind.intervalMs * 1000
  const noise = (): number => (random() < 0.004 ? 9000 * random() : 120 * random() ** 3)
  const draw = (): number => kind.baseUs + noise() + random() * (spreadUs + waitUs)
  const latency = latencySummary(samples, 2500, draw)
  const service = latencySummary(samples, 2500, () => Math.max(30, draw() - 40 * random()))
  const completion = latencySummary(
    samples / subscribers,
    600,
    () => kind.baseUs + noise() + spreadUs + waitUs * random() ** (1 / subscribers),
  )
  const perAnswer = answerShare(kind, load)
  const cpu =
    (kind.cpuPerDelivery + 90 / subscribers + kind.cpuPerAnswer * perAnswer) * (1 + 0.02 * (random() - 0.5))
  const bytesUp = kind.bytesPerAnswer * perAnswer * 0.4
  const bytesDown = kind.bytes + kind.bytesPerAnswer * perAnswer * 0.6
  const flagged = kind.subject === 'ws' && subscribers === 100
  return {
    subject: kind.subject,
    transport: kind.transport,
    intervalMs: kind.intervalMs,
    protocol: kind.protocol,
    blocks,
    latency,
    service,
    completion,
    connect: latencySummary(subscribers * blocks, 500, () => 3000 + 4000 * random()),
    theory: {
      p50Us: predicted(latency.p50Us, kind.baseUs + (spreadUs + waitUs) / 2, flagged ? 0.01 : 0.3),
      p99Us: predicted(latency.p99Us, kind.baseUs + 0.99 * (spreadUs + waitUs), 0.5),
      completionUs: predicted(
        completion.p50Us,
        kind.baseUs + spreadUs + waitUs * 0.5 ** (1 / subscribers),
        0.3,
      ),
      bytesDown: predicted(bytesDown, bytesDown * 0.995, 0.02),
      bytesUp: bytesUp > 2 ? predicted(bytesUp, bytesUp * 1.01, 0.1) : null,
      floorUs: 0,
    },
    cpuUsPerDelivery: cpu,
    bytesDownPerDelivery: bytesDown,
    payloadBytesDownPerDelivery: 226,
    bytesUpPerDelivery: bytesUp,
    payloadBytesUpPerDelivery: 0,
    wireBytesPerDelivery: bytesDown + bytesUp + 104,
    coalescing:
      kind.intervalMs > 0 ? Math.max(1, (ratePerSecond * kind.intervalMs) / 1000) : burst > 1 ? 6 : 1.01,
    requestsPerDelivery: kind.intervalMs > 0 ? perAnswer : 0,
    comparisons: comparisonsOf(kind, cpu, latency.p50Us, bytesDown + bytesUp, load),
    tally: { expected: samples, delivered: samples, lost: 0, duplicated: 0, reordered: 0, foreign: 0 },
    serverUtilisation: 0.3,
    generatorUtilisation: 0.4,
    generatorBound: kind.subject === 'websocket-h2' && subscribers === 250,
    diverging: false,
  }
}

/** Answers for each delivery of one that polls: every P, whatever there is. */
function answerShare({ intervalMs }: Kind, { ratePerSecond }: Load): number {
  return intervalMs === 0 ? 0 : 1000 / (intervalMs * ratePerSecond)
}

function comparisonsOf(
  kind: Kind,
  cpu: number,
  p50Us: number | null,
  bytes: number,
  load: Load,
): DeliveryRow['comparisons'] {
  const baseCpu = 10 + 90 / load.subscribers
  const baseUs = 520 + (load.subscribers * load.burst * 8) / 2 + 60
  const compared = (ratio: number, width: number): Comparison => {
    if (kind.subject === 'websocket') return { ratio: null, standing: 'baseline', tier: 2 }
    const estimate: RatioEstimate = { ratio, low: ratio / (1 + width), high: ratio * (1 + width), pairs: 12 }
    const standing = estimate.high < 1 ? 'less' : estimate.low > 1 ? 'more' : 'unresolved'
    return { ratio: estimate, standing, tier: ratio < 0.9 ? 1 : ratio < 1.1 ? 2 : 3 }
  }
  const unranked: Comparison = { ...compared((p50Us ?? 1) / baseUs, 0.4), standing: 'unranked', tier: null }
  return {
    p50: compared((p50Us ?? 1) / baseUs, 0.06),
    p99: unranked,
    completion: compared((p50Us ?? 1) / baseUs, 0.08),
    cpu: compared(cpu / baseCpu, 0.04),
    bytes: compared(bytes / 254, 0.004),
  }
}

function controlsOf(subscribers: number): Readonly<Record<Metric, Control>> {
  const control = (resolution: number, limit = 0.15): Control => ({
    subject: 'websocket',
    estimate: { ratio: 1.01, low: 1.01 / (1 + resolution), high: 1.01 * (1 + resolution), pairs: 12 },
    resolution,
    limit,
    containsOne: true,
    rankable: resolution < limit,
  })
  return {
    p50: control(subscribers > 200 ? 0.04 : 0.06),
    p99: control(0.41, 0.25),
    completion: control(0.07),
    cpu: control(subscribers > 50 ? 0.03 : 0.05),
    bytes: control(0.002),
  }
}

function momentsOf(
  random: Random,
  kinds: readonly Kind[],
  blocks: number,
  offset: number,
): readonly Moment[] {
  return Array.from({ length: blocks * kinds.length }, (_, index) => {
    const block = Math.floor(index / kinds.length) + 1
    const disturbed = offset === 100 && block === 5
    return {
      atMs: offset * 1000 + index * 2100 + (block > 5 ? 2000 : 0),
      wallMs: 1500,
      subject: kinds[index % kinds.length]?.subject ?? '',
      block,
      sendLagP99Us: (disturbed ? 1500 : 40) + 300 * random() ** 4,
      serverGcMs: 2 + 9 * random() ** 2,
      generatorGcMs: 1 + 6 * random() ** 2,
      generatorDelayP99Us: 300 + 900 * random() ** 3,
    }
  })
}

function recoveryTable(random: Random, blocks: number): RecoveryTable {
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

function idleTable(random: Random): IdleTable {
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

function capacityTable(): CapacityTable {
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

function predicted(measured: number | null, value: number, tolerance: number): Predicted | null {
  if (measured === null) return null
  const ratio = measured / value
  return { value, ratio, tolerance, flagged: Math.abs(ratio - 1) > tolerance }
}

function latencySummary(samples: number, drawn: number, draw: () => number): LatencySummary {
  const histogram = createHistogram()
  const draws = Math.max(1, Math.min(Math.round(samples), drawn))
  const each = Math.max(1, Math.round(samples / draws))
  for (let index = 0; index < draws; index++) histogram.recordValueWithCount(Math.round(draw()), each)
  return {
    samples: histogram.totalCount,
    meanUs: histogram.mean,
    p50Us: percentileUs(histogram, 50),
    p90Us: percentileUs(histogram, 90),
    p99Us: percentileUs(histogram, 99),
    p999Us: percentileUs(histogram, 99.9),
    maxUs: histogram.maxValue,
    histogram: encodeHistogram(histogram),
  }
}
