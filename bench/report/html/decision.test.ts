// The decision map's model against cases worked out by hand, and the script's arithmetic against the module's.
import { runInNewContext } from 'node:vm'
import { describe, expect, it } from 'vitest'
import { exampleDocument } from '../example.harness.ts'
import { type Candidate, type Costs, candidatesOf, choiceOf, fitParts, rankingOf } from './decision.ts'
import { crossingOf } from './plots/bytes.ts'
import { mapData, tied, tiesOf, winners } from './plots/map.ts'
import { costSource } from './script.ts'

const none: Costs = { message: 0, delivery: 0, answer: 0, question: 0, connectionSecond: 0 }
const pushed: Candidate = {
  transport: 'websocket',
  polls: false,
  cpu: { ...none, delivery: 10, connectionSecond: 3 },
  wire: { ...none, delivery: 300 },
  latencyMs: 5,
  rows: 4,
}
const asking: Candidate = {
  transport: 'polling',
  polls: true,
  cpu: { ...none, delivery: 2, answer: 100, question: 50 },
  wire: { ...none, delivery: 160, answer: 400, question: 200 },
  latencyMs: 10,
  rows: 4,
}

describe('candidatesOf, of what can be chosen,', () => {
  it('leaves out who is the same transport over HTTP/1.1, unless it is there alone', () => {
    const { tables } = exampleDocument()
    const renamed = (from: string, to: string) =>
      tables.map((table) =>
        table.kind !== 'delivery'
          ? table
          : {
              ...table,
              rows: [
                ...table.rows.filter(
                  ({ transport }) => to === 'long-polling-http1' || transport !== 'polling',
                ),
                ...table.rows
                  .filter(({ transport }) => transport === from)
                  .flatMap((row) => [
                    { ...row, transport: to, subject: to },
                    ...(to === 'long-polling-http1'
                      ? [{ ...row, transport: 'long-polling', subject: 'long-polling' }]
                      : []),
                  ]),
              ],
            },
      )
    const both = candidatesOf(renamed('http2-push', 'long-polling-http1')).map(({ transport }) => transport)
    expect(both).toContain('long-polling')
    expect(both).not.toContain('long-polling-http1')
    const alone = candidatesOf(renamed('polling', 'polling-http1')).map(({ transport }) => transport)
    expect(alone).toContain('polling-http1')
    expect(alone).not.toContain('polling')
  })
})

describe('choiceOf', () => {
  it('costs what is pushed by its deliveries and its connection', () => {
    expect(choiceOf(pushed, 'cpu', 2, 100)).toEqual({
      transport: 'websocket',
      costPerReaderSecond: 23,
      intervalMs: 0,
    })
    expect(choiceOf(pushed, 'cpu', 2, 4).costPerReaderSecond).toBeNull()
  })

  it('lets a poller ask as rarely as the latency allows: 1,000 ms are an interval of 990 ÷ 0.99', () => {
    const choice = choiceOf(asking, 'cpu', 1, 1000)
    expect(choice.intervalMs).toBeCloseTo(1000)
    // One question a second; 1 − 1/e of them find something.
    const news = 1 - Math.exp(-1)
    expect(choice.costPerReaderSecond).toBeCloseTo(2 + 100 * news + 50 * (1 - news))
  })

  it('knows what no poller can do, and asks at least once a minute', () => {
    expect(choiceOf(asking, 'cpu', 1, 59).costPerReaderSecond).toBeNull()
    expect(choiceOf(asking, 'cpu', 0.001, 1e9).intervalMs).toBe(60_000)
  })

  it('ranks those that cannot last', () => {
    expect(rankingOf([asking, pushed], 'cpu', 1, 20).map((one) => one.transport)).toEqual([
      'websocket',
      'polling',
    ])
    // At 100 messages a second and ten seconds, joining them is cheaper: 200 + 100 ÷ 10.09 against 1,003.
    expect(rankingOf([pushed, asking], 'cpu', 100, 10_000)[0]?.transport).toBe('polling')
  })
})

describe('fitParts', () => {
  it('finds the parts that observations were made of', () => {
    const parts = [7, 3, 0, 11]
    const shares = [
      [1, 1, 0, 0],
      [0.1, 1, 0.5, 0.5],
      [0, 1, 0.2, 2],
      [0.5, 1, 0.9, 0.1],
      [0.01, 1, 0, 4],
    ]
    const observations = shares.map((one) => ({
      shares: one,
      value: one.reduce((sum, share, index) => sum + share * (parts[index] ?? 0), 0),
    }))
    for (const [index, value] of fitParts(observations).entries())
      expect(value).toBeCloseTo(parts[index] ?? 0, 6)
  })

  it('never gives a part below zero', () => {
    const observations = [
      { shares: [1, 1], value: 10 },
      { shares: [1, 2], value: 8 },
      { shares: [1, 3], value: 6 },
    ]
    expect(Math.min(...fitParts(observations))).toBeGreaterThanOrEqual(0)
  })
})

describe('candidatesOf', () => {
  it('gets back what the example was made to cost, within its noise, and leaves controls out', () => {
    const candidates = candidatesOf(exampleDocument().tables)
    expect(candidates.map((one) => one.transport).sort()).toEqual([
      'http2-push',
      'polling',
      'websocket',
      'websocket-h2',
    ])
    const socket = candidates.find((one) => one.transport === 'websocket')
    expect(socket?.cpu.delivery).toBeGreaterThan(9)
    expect(socket?.cpu.delivery).toBeLessThan(11)
    expect(socket?.cpu.message).toBeGreaterThan(75)
    const poller = candidates.find((one) => one.transport === 'polling')
    expect(poller?.cpu.question).toBeGreaterThan(60)
    expect(poller?.cpu.question).toBeLessThan(110)
  })

  it('does not take what makes a quiet room dear for a cost of resting', () => {
    const without = candidatesOf(exampleDocument({ without: ['idle'] }).tables)
    for (const candidate of without) expect(candidate.cpu.connectionSecond).toBe(0)
    const withIdle = candidatesOf(exampleDocument().tables)
    expect(withIdle.find((one) => one.transport === 'websocket')?.cpu.connectionSecond).toBeGreaterThan(0)
    // A poller's rest is questions.
    expect(withIdle.find((one) => one.transport === 'polling')?.cpu.connectionSecond).toBe(0)
  })

  it('takes a message in for the same from everyone, so that noise in one table leaves what is alike alike', () => {
    const noisy = exampleDocument({ without: ['idle'] }).tables.map((table) =>
      table.kind !== 'delivery' || table.scenario !== 'trickle'
        ? table
        : {
            ...table,
            rows: table.rows.map((row) =>
              row.transport === 'websocket' ? { ...row, cpuUsPerDelivery: row.cpuUsPerDelivery * 1.4 } : row,
            ),
          },
    )
    const [before, after] = [exampleDocument({ without: ['idle'] }).tables, noisy].map(
      (tables) => candidatesOf(tables).find((one) => one.transport === 'websocket')?.cpu.delivery ?? 0,
    )
    expect((after ?? 0) / (before ?? 1)).toBeLessThan(1.25)
    expect((after ?? 0) / (before ?? 1)).toBeGreaterThan(0.8)
  })

  it('counts everything as a delivery’s where a run has one room and one rate only', () => {
    const one = exampleDocument({ without: ['idle'] }).tables.slice(2, 3)
    const socket = candidatesOf(one).find((candidate) => candidate.transport === 'websocket')
    const row =
      one[0]?.kind === 'delivery' ? one[0].rows.find((each) => each.subject === 'websocket') : undefined
    expect(socket?.cpu.delivery).toBeCloseTo(row?.cpuUsPerDelivery ?? 0, 6)
    expect(socket?.cpu.message).toBe(0)
    expect(socket?.cpu.connectionSecond).toBe(0)
  })

  it('never makes an answer that brings something cheaper than an empty one', () => {
    for (const seed of [1, 2, 3, 4, 5]) {
      const poller = candidatesOf(exampleDocument({ seed }).tables).find((one) => one.polls)
      expect(poller?.cpu.answer).toBeGreaterThanOrEqual(poller?.cpu.question ?? Number.POSITIVE_INFINITY)
    }
  })

  it('has nothing to say without deliveries', () => {
    expect(candidatesOf([])).toEqual([])
  })
})

describe('the script', () => {
  it('computes what the module computes, at every place of the map', () => {
    const candidates = candidatesOf(exampleDocument().tables)
    const data = JSON.parse(JSON.stringify(mapData(candidates)))
    const costOf = runInNewContext(`${costSource}; costOf`)
    let compared = 0
    for (const kind of ['cpu', 'wire'] as const)
      for (let rate = 0.001; rate <= 100; rate *= 3.1)
        for (let latencyMs = 1; latencyMs <= 60_000; latencyMs *= 2.7)
          for (const [index, candidate] of candidates.entries()) {
            const own = costOf(data.candidates[index], kind, rate, latencyMs, data.bounds)
            const { costPerReaderSecond, intervalMs } = choiceOf(candidate, kind, rate, latencyMs)
            expect(own?.cost ?? null).toBe(costPerReaderSecond)
            expect(own?.intervalMs ?? 0).toBe(intervalMs)
            compared += 1
          }
    expect(compared).toBeGreaterThan(500)
  })

  it('is drawn with the cheapest in each cell', () => {
    const cells = winners([pushed, asking], 'cpu')
    expect(cells[0]?.every((winner) => winner === null)).toBe(true)
    expect(cells.at(-1)?.at(-1)).toBe('polling')
    expect(cells[20]?.at(-1)).toBe('websocket')
  })
})

describe('ties', () => {
  it('are where the next is nearer than the run can tell', () => {
    const close = { ...pushed, transport: 'http2-push', cpu: { ...pushed.cpu, delivery: 10.5 } }
    expect(tied([pushed, close], 'cpu', 0.1).at(-1)?.at(-1)).toBe(true)
    expect(tied([pushed, close], 'cpu', 0.01).at(-1)?.at(-1)).toBe(false)
    // Where one alone is fast enough there is nothing to tell apart.
    expect(
      tied([pushed, { ...close, latencyMs: 1e9 }], 'cpu', 1e9)
        .flat()
        .some(Boolean),
    ).toBe(false)
  })

  it('are everywhere where no table may rank', () => {
    const tables = exampleDocument().tables
    expect(tiesOf(tables).cpu).toBeLessThan(0.2)
    const unranked = tables.map((table) =>
      table.kind !== 'delivery' || table.controls === null
        ? table
        : { ...table, controls: { ...table.controls, cpu: { ...table.controls.cpu, rankable: false } } },
    )
    expect(tiesOf(unranked).cpu).toBe(Number.MAX_VALUE)
  })
})

describe('crossingOf', () => {
  it('finds where two lines cross', () => {
    const crossing = crossingOf(
      (rate) => 100 / rate,
      () => 50,
      0.001,
      100,
    )
    expect(crossing).toBeCloseTo(2, 6)
    expect(
      crossingOf(
        () => 1,
        () => 2,
        0.001,
        100,
      ),
    ).toBeNull()
  })
})
