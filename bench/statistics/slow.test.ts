// Cells of readers that stop become a row: what is subtracted from what, which cells are pairs, and when a bound is not kept (R38).
import { describe, expect, it } from 'vitest'
import { benchLimits } from '../limits.ts'
import type { SlowCell, SlowFate, SlowPart } from '../measurement.ts'
import { summarize } from './aggregate.ts'
import { runOf } from './cells.harness.ts'
import { createHistogram, encodeHistogram } from './histogram.ts'
import type { SlowRow } from './summary.ts'

const back: SlowFate = { catchUpMs: 12, repeated: 0, missing: 0, gaps: 0, ends: { idle: 1 }, returned: true }

function cell(part: SlowPart, block: number, p90Ms: number, change: Partial<SlowCell> = {}): SlowCell {
  const histogram = createHistogram()
  for (let sample = 0; sample < 200; sample++) histogram.recordValue(p90Ms * 1000)
  const stops = part === 'stopped' || part === 'long' || part === 'memory'
  return {
    kind: 'slow',
    scenario: 'slow',
    load: 'a room',
    subject: 'websocket, stopped',
    block,
    part,
    protocol: 'http/1.1, TLS',
    slowReaders: 1,
    stoppedMs: stops ? 4000 : 0,
    heldBytes: stops ? 100_000 : 4000,
    memoryBytes: null,
    fate: stops ? back : null,
    latency: encodeHistogram(histogram),
    sendLag: encodeHistogram(createHistogram()),
    tally: { expected: 10, delivered: 10, lost: 0, duplicated: 0, reordered: 0, foreign: 0 },
    serverUtilisation: 0.1,
    generatorUtilisation: 0.2,
    problems: [],
    ...change,
  }
}

const memory = (part: SlowPart, slowReaders: number, megabytes: number): SlowCell =>
  cell(part, 1, 1, { slowReaders, memoryBytes: megabytes * 1e6 })

const fine: readonly SlowCell[] = [
  cell('reading', 1, 10),
  cell('twin', 1, 40),
  cell('stopped', 1, 22),
  cell('reading', 2, 10),
  cell('twin', 2, 10),
  cell('stopped', 2, 11),
  cell('long', 1, 11, { stoppedMs: 60_000, heldBytes: 90_000 }),
  memory('memory', 50, 185),
  memory('idle memory', 50, 180),
]

function rowOf(cells: readonly SlowCell[]): SlowRow {
  const [table] = summarize(runOf(cells), 1).tables
  if (table?.kind !== 'slow' || table.rows[0] === undefined) throw new Error('There is no such row.')
  return table.rows[0]
}

describe('a row', () => {
  it('holds what was held above the cells in which all read, and the memory of each above an idle one', () => {
    const row = rowOf(fine)
    expect(row.heldBytes).toBe(96_000)
    expect(row.memoryBytes).toBe(100_000)
  })

  it('compares each block with the mean of its two cells in which all read, and those with each other', () => {
    const row = rowOf(fine)
    // 22 to 20, and 11 to 10; 40 to 10, and 10 to 10. Histograms have three digits.
    expect(row.ratio?.ratio).toBeCloseTo(1.1, 2)
    expect(row.ratio?.pairs).toBe(2)
    expect(row.control?.ratio).toBeCloseTo(2, 2)
  })

  it('leaves out a whole block in which the generator was late', () => {
    const late = createHistogram()
    late.recordValue(2 * benchLimits.slow.sendLagMs * 1000)
    const cells = fine.map((one) =>
      one.part === 'twin' && one.block === 1 ? { ...one, sendLag: encodeHistogram(late) } : one,
    )
    expect(rowOf(cells)).toMatchObject({ disturbedBlocks: 1, ratio: { pairs: 1 }, control: { pairs: 1 } })
    const nothing = cells.filter(({ block, part }) => block === 1 || part === 'long')
    expect(rowOf(nothing)).toMatchObject({ ratio: null, goal: { met: false, ratio: false } })
  })

  it('tells the fate of the long stop', () => {
    expect(rowOf(fine).fate).toEqual(back)
    expect(rowOf(fine).goal).toEqual({ met: true, bytes: true, ratio: true, fate: true })
  })

  it.each<[string, SlowCell, Partial<SlowRow['goal']>]>([
    ['bytes', cell('stopped', 3, 10, { heldBytes: benchLimits.slow.boundBytes + 5000 }), { bytes: false }],
    ['memory', memory('memory', 50, 260), { bytes: false }],
    ['the others', cell('stopped', 1, 60), { ratio: false }],
    ['one that is not back', cell('long', 1, 11, { fate: { ...back, returned: false } }), { fate: false }],
  ])('does not meet the goal for %s', (_what, worse, goal) => {
    const cells = fine.filter(
      ({ part, block, slowReaders }) =>
        part !== worse.part || block !== worse.block || slowReaders !== worse.slowReaders,
    )
    expect(rowOf([...cells, worse]).goal).toMatchObject({ met: false, ...goal })
  })
})

it('is a table with the longest stop, and a delivery that was lost makes the run invalid', () => {
  const summary = summarize(runOf(fine), 1)
  expect(summary).toMatchObject({ problems: [], tables: [{ kind: 'slow', stoppedMs: 60_000, blocks: 2 }] })
  const tally = { expected: 10, delivered: 9, lost: 1, duplicated: 0, reordered: 0, foreign: 0 }
  expect(summarize(runOf([...fine, cell('long', 2, 1, { tally })]), 1).problems).toHaveLength(1)
})
