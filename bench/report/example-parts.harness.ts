// Parts of the believable run: what its transports are made to cost, and how its histograms come about.
import { createHistogram, encodeHistogram, percentileUs } from '../statistics/histogram.ts'
import type { LatencySummary, Predicted } from '../statistics/summary.ts'

/** What a transport is made to cost. */
export interface Kind {
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

export function polling(intervalMs: number): Kind {
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

export function predicted(measured: number | null, value: number, tolerance: number): Predicted | null {
  if (measured === null) return null
  const ratio = measured / value
  return { value, ratio, tolerance, flagged: Math.abs(ratio - 1) > tolerance }
}

export function latencySummary(samples: number, drawn: number, draw: () => number): LatencySummary {
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
