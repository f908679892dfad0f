// From cells to tables and the screen: sums, ratios, and every fault that must make a run invalid.
import { describe, expect, it } from 'vitest'
import type { DeliveryCell, GoalCell, Measurement, Run } from '../measurement.ts'
import { renderJson } from '../report/json.ts'
import { renderScreen } from '../report/screen.ts'
import { summarize } from './aggregate.ts'
import { createHistogram, encodeHistogram } from './histogram.ts'
import type { Summary } from './summary.ts'

const seed = 1

function cell(subject: string, block: number, change: Partial<DeliveryCell> = {}): DeliveryCell {
  const histogram = createHistogram()
  for (let value = 1; value <= 100; value++) histogram.recordValue(value * 100)
  const encoded = encodeHistogram(histogram)
  return {
    kind: 'delivery',
    scenario: 'fanout',
    load: '10 subscribers, 20 msg/s',
    subject,
    block,
    subscribers: 10,
    ratePerSecond: 20,
    tally: { expected: 100, delivered: 100, lost: 0, duplicated: 0, reordered: 0, foreign: 0 },
    latency: encoded,
    service: encoded,
    sendLag: encodeHistogram(createHistogram()),
    protocol: 'bare, TLS',
    problems: [],
    deliveries: 100,
    reads: 50,
    bytesUp: 0,
    bytesDown: 26_400,
    payloadBytesUp: 0,
    payloadBytesDown: 24_000,
    wallMs: 1000,
    serverCpuUs: 2000,
    serverUtilisation: 0.002,
    generatorUtilisation: 0.1,
    ...change,
  }
}

function summaryOf(measurements: readonly Measurement[], change: Partial<Run> = {}): Summary {
  const environment = {
    cpuModel: 'Test',
    cores: 2,
    memoryBytes: 0,
    platform: 'test',
    node: 'v26.0.0',
    commit: 'abc',
    startedAt: '2026-01-01T00:00:00.000Z',
    pinned: null,
    cpuSource: 'stat',
  }
  return summarize({ environment, measurements, interrupted: false, durationMs: 1000, ...change }, seed)
}

const screenOf = (summary: Summary): string =>
  renderScreen(summary, { profileName: 'quick', seed, secure: true })

function deliveryTable(summary: Summary) {
  const table = summary.tables[0]
  if (table?.kind !== 'delivery') throw new Error('No table of deliveries.')
  return table
}

describe('summarize', () => {
  const blocks = [1, 2, 3]
  const good = blocks.flatMap((block) => [
    cell('tcp', block, { serverCpuUs: 1000 * block }),
    cell('websocket', block, { serverCpuUs: 2000 * block }),
    cell('websocket (A/A)', block, { serverCpuUs: 2020 * block }),
  ])

  it('sums cells up and compares within blocks', () => {
    const table = deliveryTable(summaryOf(good))
    expect(table).toMatchObject({ baseline: 'websocket', blocks: 3, cells: 9, disturbedCells: 0 })
    const [tcp, websocket] = table.rows
    expect(tcp).toMatchObject({ subject: 'tcp', cpuUsPerDelivery: 20, coalescing: 2, tier: 1 })
    expect(tcp?.bytesDownPerDelivery).toBe(264)
    expect(tcp?.cpuRatio?.ratio).toBeCloseTo(0.5, 9)
    expect(websocket).toMatchObject({ subject: 'websocket', cpuRatio: null, tier: 2 })
    expect(table.resolution?.cpu?.ratio).toBeCloseTo(1.01, 9)
  })

  it('merges histograms: 300 samples say p50, not p99', () => {
    const [row] = deliveryTable(summaryOf(good)).rows
    expect(row?.latency).toMatchObject({ samples: 300, p99Us: null })
    expect(row?.latency.p50Us).toBeCloseTo(5000, -1)
  })

  it("marks latencies that are partly the generator's own: it was busy, or late in most cells", () => {
    const late = createHistogram()
    for (let one = 0; one < 20; one++) late.recordValue(5000)
    const sendLag = encodeHistogram(late)
    const cells = [
      cell('tcp', 1, { sendLag }),
      cell('tcp', 2, { sendLag }),
      cell('tcp', 3),
      cell('ws', 1, { sendLag }),
      cell('ws', 2),
      cell('websocket', 1, { generatorUtilisation: 0.9 }),
    ]
    const table = deliveryTable(summaryOf(cells))
    const bound = Object.fromEntries(table.rows.map((row) => [row.subject, row.generatorBound]))
    expect(bound).toEqual({ tcp: true, ws: false, websocket: true })
    expect(table).toMatchObject({
      disturbedCells: 3,
      sendLag: { samples: 60, p50Us: expect.closeTo(5000, -2), p99Us: null },
    })
  })

  it('does not rank when the same transport twice differs too much', () => {
    const noisy = blocks.flatMap((block) => [
      cell('tcp', block),
      cell('websocket', block, { serverCpuUs: 2000 }),
      cell('websocket (A/A)', block, { serverCpuUs: 2000 + 900 * block }),
    ])
    expect(deliveryTable(summaryOf(noisy)).rows.every((row) => row.tier === null)).toBe(true)
  })

  it.each([
    ['lost', { lost: 1, delivered: 99 }],
    ['doubled', { duplicated: 1 }],
    ['out of order', { reordered: 1 }],
    ['never sent', { foreign: 1 }],
  ])('is invalid when a delivery is %s', (words, fault) => {
    const tally = { ...cell('tcp', 1).tally, ...fault }
    const summary = summaryOf([...good, cell('tcp', 4, { tally })])
    expect(summary.problems).toHaveLength(1)
    expect(summary.problems[0]).toContain(words)
    expect(screenOf(summary)).toContain('INVALID')
  })

  it('is invalid when a cell failed, says so of its own accord, or sent nothing', () => {
    const failed: Measurement = {
      kind: 'failed',
      scenario: 'fanout',
      load: '',
      subject: 'ws',
      block: 1,
      problems: ['It broke.'],
    }
    const silent = { ...cell('tcp', 1).tally, expected: 0, delivered: 0 }
    const wrong = cell('tcp', 5, { problems: ['A link speaks http/1.1 where h2, TLS is measured.'] })
    expect(summaryOf([failed, wrong, cell('tcp', 6, { tally: silent })]).problems).toHaveLength(3)
  })

  it('holds goals against their bounds, by rounds that have both sides', () => {
    const side = (subject: string, block: number, value: number): GoalCell => ({
      kind: 'goal',
      scenario: 'goal-poll',
      load: 'polls',
      subject,
      block,
      value,
      count: 1000,
      wallMs: 1000,
      serverUtilisation: 1,
      generatorUtilisation: 0.5,
    })
    const cells = [1, 2, 3].flatMap((round) => [side('node:http', round, 10), side('parley', round, 13)])
    const table = summaryOf([...cells, side('parley', 4, 99)]).tables[0]
    expect(table).toMatchObject({
      kind: 'goal',
      rows: [{ subject: 'parley' }, { goal: { bound: 1.4, met: true, clear: true } }],
    })
    const worse = summaryOf(cells.map((one) => (one.subject === 'parley' ? { ...one, value: 15 } : one)))
    expect(worse.tables[0]).toMatchObject({ rows: [{}, { goal: { met: false } }] })
    expect(screenOf(worse)).toContain('≤ 1.4 NOT MET')
  })
})

describe('the screen and the file', () => {
  it('say where, with what, and how far the run can be trusted', () => {
    const text = screenOf(summaryOf([cell('tcp', 1), cell('tcp (A/A)', 1)], { interrupted: true }))
    expect(text).toContain('Test × 2 · Node 26.0.0 · commit abc · 2026-01-01 00:00 UTC · not pinned')
    expect(text).toContain('interrupted')
    expect(text).toContain('not citable')
    expect(text).toContain('resolves no difference')
    expect(text).toContain('100/100')
  })

  it('keep intervals without an end out of the JSON', () => {
    const measurements = [cell('tcp', 1), cell('websocket', 1)]
    const summary = summaryOf(measurements)
    const run = { environment: summary.environment, measurements, interrupted: false, durationMs: 1 }
    const settings = { seed } as Parameters<typeof renderJson>[1]
    const document = JSON.parse(renderJson(run, settings, summary))
    expect(document).toMatchObject({ schema: 'parley-bench/1', valid: true, citable: false })
    expect(document.tables[0].rows[0].cpuRatio?.high ?? null).toBeNull()
    expect(document.measurements).toHaveLength(2)
  })
})
