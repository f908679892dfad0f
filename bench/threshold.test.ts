// Bounds of a run: what they judge, what they leave alone, and that silence is no success.
import { describe, expect, it } from 'vitest'
import type { Control, DeliveryRow, DeliveryTable, Metric, Summary } from './statistics/summary.ts'
import { brokenThresholds, parseThreshold, type Threshold } from './threshold.ts'

const names = { scenarios: ['fanout', 'trickle'], transports: ['websocket', 'polling', 'tcp'] }
const read = (text: string): Threshold => parseThreshold(text, names)

function row(transport: string, changes: Partial<DeliveryRow> = {}): DeliveryRow {
  return {
    subject: transport,
    transport,
    latency: { p50Us: 1000, p99Us: 50_000 },
    completion: { p50Us: 2000 },
    cpuUsPerDelivery: 20,
    bytesDownPerDelivery: 260,
    generatorBound: false,
    diverging: false,
    ...changes,
  } as DeliveryRow
}

function summary(
  rows: readonly DeliveryRow[],
  rankable: boolean | Partial<Record<Metric, boolean>> = true,
): Summary {
  const may = (metric: Metric): Control =>
    ({ rankable: typeof rankable === 'boolean' ? rankable : (rankable[metric] ?? true) }) as Control
  const table = {
    kind: 'delivery',
    scenario: 'fanout',
    load: '10 subscribers',
    rows,
    controls: {
      p50: may('p50'),
      p99: may('p99'),
      completion: may('completion'),
      cpu: may('cpu'),
      bytes: may('bytes'),
    },
  } as unknown as DeliveryTable
  return { tables: [table] } as unknown as Summary
}

const judge = (text: string, of: Summary): readonly string[] => brokenThresholds(of, [read(text)])

describe('bounds of a run', () => {
  it('are kept or broken by the figure', () => {
    const both = summary([row('websocket'), row('polling', { cpuUsPerDelivery: 40 })])
    expect(judge('p99=50', both)).toEqual([])
    expect(judge('cpu=30', both)).toEqual(['--max cpu=30: polling in fanout, 10 subscribers, has 40.0 µs.'])
    expect(judge('websocket/cpu=30', both)).toEqual([])
    expect(judge('fanout/websocket/p99=49', both)).toHaveLength(1)
  })

  it("leave the controls alone: a bound is Parley's", () => {
    expect(judge('cpu=30', summary([row('websocket'), row('tcp', { cpuUsPerDelivery: 99 })]))).toEqual([])
    expect(() => read('tcp/cpu=30')).toThrow(/tcp is a control/)
  })

  it('are broken by a row that diverges', () => {
    expect(judge('p50=99999', summary([row('websocket', { diverging: true })]))[0]).toMatch(/diverges/)
  })

  it.each([
    ['the scenario was not run', 'trickle/p99=50', summary([row('websocket')])],
    ['the run may not rank by it', 'p99=50', summary([row('websocket')], { p99: false })],
    ['the generator was the limit', 'p99=50', summary([row('websocket', { generatorBound: true })])],
    [
      'there are too few samples',
      'p99=50',
      summary([row('websocket', { latency: { p99Us: null } as never })]),
    ],
  ])('are broken where nothing can be judged: %s', (_, text, of) => {
    expect(judge(text, of)).toEqual([`--max ${text}: no row could be judged by it.`])
  })
})
