// From cells to tables: sums, comparisons, the theory beside them, and every fault that must make a run invalid.
import { describe, expect, it } from 'vitest'
import { profiles } from '../limits.ts'
import type { CapacityCell, GoalCell, IdleCell, Measurement, RecoveryCell, Run } from '../measurement.ts'
import { exponential, randomStream } from '../random.ts'
import { summarize } from './aggregate.ts'
import { deliveryCell as cell, environment, histogramOf, runOf } from './cells.harness.ts'
import type { DeliveryTable, Summary } from './summary.ts'

const seed = 1

function summaryOf(measurements: readonly Measurement[], change: Partial<Run> = {}): Summary {
  return summarize(runOf(measurements, change), seed)
}

function deliveryTable(summary: Summary): DeliveryTable {
  const table = summary.tables[0]
  if (table?.kind !== 'delivery') throw new Error('No table of deliveries.')
  return table
}

const blocks = Array.from({ length: 12 }, (_, index) => index + 1)
const twin = 'websocket (A/A)'
const good = blocks.flatMap((block) => [
  cell('tcp', block, { serverCpuUs: 1000 * block }),
  cell('websocket', block, { serverCpuUs: 2000 * block }),
  cell(twin, block, { serverCpuUs: 2000 * block * (block % 2 === 0 ? 1.01 : 0.99) }),
])

describe('summarize', () => {
  it('sums cells up and compares within blocks', () => {
    const summary = summaryOf(good)
    const table = deliveryTable(summary)
    expect(summary).toMatchObject({ problems: [], citable: true })
    expect(table).toMatchObject({
      baseline: 'websocket',
      blocks: 12,
      cells: 36,
      parameters: { subscribers: 10 },
    })
    const [tcp, websocket] = table.rows
    expect(tcp).toMatchObject({ subject: 'tcp', transport: 'tcp', cpuUsPerDelivery: 65, coalescing: 1 })
    expect(tcp?.bytesDownPerDelivery).toBe(263.5)
    expect(tcp?.comparisons.cpu).toMatchObject({ standing: 'less', tier: 1 })
    expect(tcp?.comparisons.cpu.ratio?.ratio).toBeCloseTo(0.5, 9)
    expect(tcp?.comparisons.p50).toMatchObject({ standing: 'unresolved', tier: 1 })
    expect(websocket?.comparisons.cpu).toEqual({ ratio: null, standing: 'baseline', tier: 2 })
    expect(table.controls?.cpu).toMatchObject({ subject: 'websocket', containsOne: true, rankable: true })
    expect(table.controls?.cpu.resolution).toBeCloseTo(0.0066, 2)
    expect(table.moments.map(({ atMs }) => atMs).slice(0, 4)).toEqual([1000, 1000, 1000, 2000])
  })

  it('merges histograms: 1,200 samples say p99, not p99.9', () => {
    const [row] = deliveryTable(summaryOf(good)).rows
    expect(row?.latency).toMatchObject({ samples: 1200, p999Us: null })
    expect(row?.latency.p50Us).toBeCloseTo(5000, -1)
    expect(row?.latency.meanUs).toBeCloseTo(5050, -1)
  })

  it('does not rank by what the same transport twice differs too much in, and by that alone', () => {
    const noisy = good.map((one, index) =>
      one.subject === twin ? { ...one, serverCpuUs: one.serverCpuUs * (index % 2 === 0 ? 1.8 : 0.6) } : one,
    )
    const table = deliveryTable(summaryOf(noisy))
    expect(table.controls?.cpu.rankable).toBe(false)
    expect(table.rows.map((row) => row.comparisons.cpu.tier)).toEqual([null, null])
    expect(table.rows[0]?.comparisons.cpu.standing).toBe('unranked')
    expect(table.rows[0]?.comparisons.bytes.standing).toBe('less')
  })

  it('is lost when A/A surely differs', () => {
    const biased = good.map((one) =>
      one.subject === twin ? { ...one, bytesDown: one.bytesDown + 1000 } : one,
    )
    expect(summaryOf(biased).problems).toEqual([
      expect.stringMatching(/^A\/A: fanout.*websocket, by bytes, differs/),
    ])
  })

  it('says what the theory says, from a subscriber alone', () => {
    const alone = [1, 2, 3].map((epoch) =>
      cell('websocket', 0, {
        scenario: 'base',
        epoch,
        subscribers: 1,
        latency: histogramOf(Array.from({ length: 30 }, () => 4000)),
        serverCpuUs: 1000,
      }),
    )
    const summary = summaryOf([...alone, ...good])
    expect(summary.tables).toHaveLength(1)
    const websocket = deliveryTable(summary).rows.find(({ subject }) => subject === 'websocket')
    // c(10) = 130 µs, c(1) = 10: w = (1300 − 10) / 9; the generator's: c(10) = c(1) = 500, so w = 500.
    expect(websocket?.theory.p50Us?.value).toBeCloseTo(4000 + (10 * 500) / 2, -1)
    expect(websocket?.theory.completionUs?.value).toBeCloseTo(4000 + 10 * 500, -1)
    expect(websocket?.theory.bytesDown?.ratio).toBeCloseTo(1, 2)
    expect(deliveryTable(summaryOf(good)).rows[0]?.theory.p50Us).toBeNull()
  })

  it('labels a saturated generator, and is lost where there are few readers', () => {
    const busy = good.map((one) => ({ ...one, generatorUtilisation: 0.9 }))
    expect(summaryOf(busy).problems.join()).toContain('saturated')
    const many = summaryOf(busy.map((one) => ({ ...one, subscribers: 1000 })))
    expect(many.problems).toEqual([])
    expect(deliveryTable(many).rows[0]).toMatchObject({
      generatorBound: true,
      comparisons: { p50: { standing: 'unranked' } },
    })
    expect(many.warnings.join()).toContain('≥ generator-bound')
  })

  it('labels what diverges', () => {
    const latency = histogramOf(Array.from({ length: 100 }, (_, index) => index * 5000))
    const over = good.map((one) => ({ ...one, latency, serverUtilisation: 1, firstMessageUs: 1000 }))
    expect(deliveryTable(summaryOf(over)).rows[0]).toMatchObject({ diverging: true })
  })
})

describe('a run is invalid', () => {
  it.each([
    ['lost', { lost: 1, delivered: 99 }],
    ['doubled', { duplicated: 1 }],
    ['out of order', { reordered: 1 }],
    ['never sent', { foreign: 1 }],
  ])('when a delivery is %s', (words, fault) => {
    const tally = { ...cell('tcp', 1).tally, ...fault }
    const summary = summaryOf([...good, cell('tcp', 13, { tally })])
    expect(summary.problems).toHaveLength(1)
    expect(summary.problems[0]).toContain(words)
    expect(summary.citable).toBe(false)
  })

  it('when a cell failed, says so of its own accord, or sent nothing', () => {
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

  it.each([
    ['compresses', { bytesDown: 12_000 }],
    ['It spoke', { protocol: 'h2, TLS' }],
    ['first batch', { firstMessageUs: 300_000 }],
    ['Not configured alike: textBytes', { textBytes: 65 }],
    [
      'NODELAY',
      { latency: histogramOf(Array.from({ length: 100 }, (_, index) => (index < 80 ? 2000 : 41_000))) },
    ],
    ['of the path', { delayDownMs: 50 }],
  ])('when one of its gates says: %s', (words, change) => {
    const all = words === 'of the path'
    const cells = good.map((one) => (all || one.subject === 'tcp' ? { ...one, ...change } : one))
    expect(summaryOf(cells).problems.join()).toContain(words)
  })

  it('when more than two of five passes were disturbed', () => {
    const one = { scenario: 'fanout', load: '10 subscribers, 20 msg/s', block: 1, subject: 'tcp' }
    const discarded = Array.from({ length: 9 }, () => ({ ...one, sendLagP99Us: 3000, boundUs: 2000 }))
    expect(summaryOf(good, { discarded }).problems).toEqual([expect.stringContaining('9 of 21 passes')])
  })
})

describe('a run is not citable', () => {
  it('with changes in the tree, in a quick run, with few blocks, or when it was interrupted', () => {
    expect(summaryOf(good, { environment: { ...environment, commit: 'abc+' } })).toMatchObject({
      citable: false,
      warnings: [expect.stringContaining('tree had changes')],
    })
    expect(summarize(runOf(good), seed, 'quick').citable).toBe(false)
    expect(summaryOf(good.filter(({ block }) => block < 12)).citable).toBe(false)
    expect(summaryOf(good, { interrupted: true }).citable).toBe(false)
  })
})

it('corrects over all rows and metrics of a table: t = 2.5, p = 0.03 of CPU alone, is no difference among four', () => {
  const dearer = good.map((one) =>
    one.subject === 'tcp'
      ? { ...one, serverCpuUs: 2000 * one.block * Math.exp(0.0804 + (one.block % 2 === 0 ? 0.1 : -0.1)) }
      : one,
  )
  const tcp = deliveryTable(summaryOf(dearer)).rows.find(({ subject }) => subject === 'tcp')
  expect(tcp?.comparisons.cpu.ratio?.low).toBeGreaterThan(1)
  expect(tcp?.comparisons.cpu.standing).toBe('unresolved')
})

it('says why a run is not citable', () => {
  const cited = (change: object) =>
    summarize(runOf(good), seed, {
      ...{ profileName: 'standard', profile: profiles.standard, scenarios: ['fanout'], fault: null },
      ...change,
    })
  expect(cited({})).toMatchObject({ citable: true, notCitable: [] })
  const fanout = { ...profiles.standard.fanout, windowMs: 300 }
  for (const [change, words] of [
    [{ fault: 'drop=20' }, 'made wrong on purpose'],
    [{ keepsDisturbed: true }, '--keep-disturbed'],
    [{ profile: { ...profiles.standard, fanout } }, 'shorter than those of standard'],
    [{ profile: { ...profiles.standard, blocks: 11 } }, 'shorter than those of standard'],
  ] as const)
    expect(cited(change)).toMatchObject({ citable: false, notCitable: [expect.stringContaining(words)] })
})

it('ranks nothing in a run that is invalid', () => {
  const wrong = good.map((one, index) => (index === 0 ? { ...one, problems: ['It broke.'] } : one))
  const { rows } = deliveryTable(summaryOf(wrong))
  const said = rows.flatMap(({ comparisons }) => Object.values(comparisons))
  expect(said.map(({ tier }) => tier)).toEqual(said.map(() => null))
  expect(new Set(said.map(({ standing }) => standing))).toEqual(new Set(['unranked', 'baseline']))
})

it('holds the generator to its bound in a burst too', () => {
  const late = good.map((one) => ({ ...one, burst: 200, generatorDelayP99Us: 20_000 }))
  expect(deliveryTable(summaryOf(late)).rows[0]?.generatorBound).toBe(true)
})

describe('other tables', () => {
  const place = { startedMs: 0, epoch: 1, block: 1, protocol: 'http/1.1, TLS', problems: [] }
  const { wallMs, serverCpuUs, serverUtilisation, serverLoopUtilisation, serverGcMs } = cell('tcp', 1)
  const { generatorUtilisation, generatorDelayP99Us, generatorGcMs, tally } = cell('tcp', 1)
  const window = {
    ...{ wallMs, serverCpuUs, serverUtilisation, serverLoopUtilisation, serverGcMs },
    ...{ generatorUtilisation, generatorDelayP99Us, generatorGcMs },
  }

  it('hold goals against their bounds, by rounds that have both sides', () => {
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
  })

  it('give memory as a slope, and idle costs of the largest size', () => {
    const idle = (connections: number, block: number): IdleCell => ({
      ...window,
      ...place,
      kind: 'idle',
      scenario: 'idle',
      load: 'idle',
      subject: 'websocket',
      block,
      connections,
      intervalMs: 0,
      bytesUp: 0,
      bytesDown: connections * 5,
      rssBytes: 60e6 + 10_000 * connections + block,
      connect: histogramOf([1000]),
    })
    const cells = [100, 200, 400].flatMap((size) => [1, 2, 3].map((block) => idle(size, block)))
    const table = summaryOf(cells).tables[0]
    if (table?.kind !== 'idle') throw new Error('No idle table.')
    const [row] = table.rows
    expect(row?.memoryBytesPerConnection).toBeCloseTo(10_000, 6)
    expect(row?.cpuUsPerConnectionSecond).toBe(10)
    expect(row?.bytesDownPerConnectionSecond).toBe(10)
    expect(row?.memory[0]).toEqual({ connections: 100, rssBytes: 61e6 + 2 })
    const two = summaryOf(cells.filter(({ connections }) => connections < 400)).tables[0]
    expect(two).toMatchObject({ rows: [{ memoryBytesPerConnection: null }] })
  })

  it('give the largest load that held everywhere as the capacity', () => {
    const step = (
      block: number,
      offered: number,
      phase: CapacityCell['phase'],
      holds: boolean,
    ): CapacityCell => ({
      ...window,
      ...place,
      kind: 'capacity',
      scenario: 'ramp',
      load: 'ramp',
      subject: 'websocket',
      block,
      axis: 'messages a second',
      offered,
      phase,
      latency: histogramOf(Array.from({ length: 20 }, () => 1000)),
      sendLag: histogramOf([]),
      tally,
      mediansUs: [],
      holds,
      reason: '',
      serverUtilisation: 0.95,
      serverLoopUtilisation: offered >= 200 ? 0.95 : 0.5,
    })
    const cells = [step(1, 100, 'search', true), step(2, 200, 'search', true), step(3, 400, 'search', false)]
    const rowOf = (all: readonly CapacityCell[]) => {
      const table = summaryOf(all).tables[0]
      if (table?.kind !== 'capacity') throw new Error('No table of capacities.')
      return table.rows[0]
    }
    expect(rowOf([...cells, step(4, 200, 'confirm', true)])).toMatchObject({ capacity: 200, atLeast: false })
    const fallen = [...cells, step(4, 200, 'confirm', false), step(5, 100, 'confirm', true)]
    expect(rowOf(fallen)).toMatchObject({ capacity: 100 })
    expect(rowOf([step(1, 100, 'search', true)])).toMatchObject({ capacity: 100, atLeast: true })
    expect(rowOf([step(1, 100, 'search', false)])).toMatchObject({ capacity: null, atLeast: false })
  })

  it('tell how many were live again, and when', () => {
    // As the generator makes them: every client is cut once in a round.
    const recovery = (values: readonly number[], block: number, busiestShare: number): RecoveryCell => ({
      ...place,
      block,
      kind: 'recovery',
      scenario: 'storm',
      load: 'a cut',
      subject: 'websocket',
      clients: 100,
      cuts: 100,
      reconnected: histogramOf(values),
      firstMessage: histogramOf(values),
      caughtUp: histogramOf(values),
      tally,
      serverCpuUs: 1,
      busiestShare,
      relay: { count: 1, p50Ms: null, p99Ms: null, maxMs: 1 },
    })
    const random = randomStream(1, 'recovery')
    const values = Array.from({ length: 100 }, () => 1000 + exponential(random, 50_000))
    const sorted = values.toSorted((one, other) => one - other)
    const rowOf = (all: readonly number[]) => {
      const rounds = [0.4, 0.1, 0.2].map((share, round) => recovery(all, round + 1, share))
      const table = summaryOf(rounds).tables[0]
      if (table?.kind !== 'recovery') throw new Error('No table of recoveries.')
      return table.rows[0]
    }
    const row = rowOf(values)
    expect((row?.live95Us ?? 0) / (sorted[94] ?? 1)).toBeCloseTo(1, 2)
    expect((row?.live100Us ?? 0) / (sorted[99] ?? 1)).toBeCloseTo(1, 2)
    expect(row?.busiestShare).toBe(0.2)
    // In each round three never came back: a hundred are never live, 95 are.
    expect(rowOf(sorted.slice(0, 97))).toMatchObject({ live100Us: null, live95Us: expect.any(Number) })
  })
})
