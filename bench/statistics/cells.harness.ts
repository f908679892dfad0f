// Cells and runs for tests: plain values, and each test changes what it is about.
import type { DeliveryCell, Environment, Measurement, Run } from '../measurement.ts'
import { createHistogram, encodeHistogram } from './histogram.ts'

export const environment: Environment = {
  cpuModel: 'Test',
  cores: 2,
  memoryBytes: 0,
  platform: 'test',
  node: 'v26.0.0',
  commit: 'abc',
  startedAt: '2026-01-01T00:00:00.000Z',
  pinned: null,
  cpuSource: 'stat',
  host: 'test',
  packages: {},
  clockStepNs: 1,
}

export function runOf(measurements: readonly Measurement[], change: Partial<Run> = {}): Run {
  return { environment, measurements, discarded: [], interrupted: false, durationMs: 1000, ...change }
}

/** Values in µs as the cells keep them. */
export function histogramOf(valuesUs: readonly number[]): string {
  const histogram = createHistogram()
  for (const value of valuesUs) histogram.recordValue(Math.round(value))
  return encodeHistogram(histogram)
}

/** 100 deliveries of 0.1 to 10 ms to ten subscribers, over `speaks` in `fanout`. */
export function deliveryCell(
  subject: string,
  block: number,
  change: Partial<DeliveryCell> = {},
): DeliveryCell {
  const latency = histogramOf(Array.from({ length: 100 }, (_, index) => (index + 1) * 100))
  return {
    kind: 'delivery',
    scenario: 'fanout',
    load: '10 subscribers, 20 msg/s',
    subject,
    block,
    startedMs: block * 1000,
    epoch: Math.floor((block - 1) / 5),
    subscribers: 10,
    rooms: 1,
    ratePerSecond: 20,
    burst: 1,
    textBytes: 64,
    secure: true,
    upLink: 'publisher',
    delayUpMs: 0,
    delayDownMs: 0,
    intervalMs: 0,
    tally: { expected: 100, delivered: 100, lost: 0, duplicated: 0, reordered: 0, foreign: 0 },
    latency,
    service: latency,
    sendLag: histogramOf([]),
    completion: histogramOf(Array.from({ length: 10 }, (_, index) => (index + 1) * 1000)),
    connect: histogramOf([1000]),
    firstMessageUs: 5000,
    protocol: speaks(subject),
    problems: [],
    deliveries: 100,
    reads: 100,
    requests: 0,
    bytesUp: 0,
    bytesDown: subject.startsWith('tcp') ? 26_350 : 27_600,
    payloadBytesUp: 0,
    payloadBytesDown: 24_000,
    wallMs: 500,
    serverCpuUs: 2000,
    serverUtilisation: 0.002,
    serverLoopUtilisation: null,
    serverGcMs: null,
    generatorUtilisation: 0.1,
    generatorDelayP99Us: 500,
    generatorGcMs: 0,
    ...change,
  }
}

function speaks(subject: string): string {
  return subject.startsWith('tcp') ? 'bare, TLS' : 'http/1.1, TLS'
}
