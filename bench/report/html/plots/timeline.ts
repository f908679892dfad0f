// The run on its own time axis: how late the generator was, and what the collectors of garbage took, cell by cell.
import type { DeliveryTable, Moment } from '../../../statistics/summary.ts'
import { milliseconds, percentText, short } from '../../table.ts'
import { tableName } from '../../words.ts'
import { Plot } from '../chart.ts'
import { type Figure, missingFigure } from '../figure.ts'
import { type Mark, type Marks, markOf } from '../marks.ts'
import { durationLabel, linearScale, logScale, roundBounds } from '../scale.ts'
import { marginFor, tickCount } from './frame.ts'

/** A discarded block: when its place was taken anew. */
interface Again {
  readonly atMs: number
  readonly lagUs: number
  readonly says: string
}

export function timelineFigure(tables: readonly DeliveryTable[], marks: Marks): Figure {
  const figure = {
    id: 'timeline',
    title: 'Noise over the run',
    shows:
      'Each dot is a cell: how late its sends were (p99; the twelve latest have their transport’s mark), and how long the server and the generator collected garbage; a dashed line is where a discarded block was run again.',
    wrong:
      'Noise that comes in all cells alike is not seen as noise at all; and a collector’s pause in a short cell weighs more than the same pause in a long one.',
  }
  const moments = tables.flatMap((table) => table.moments)
  if (moments.length === 0)
    return missingFigure(figure, 'This run has no cells of deliveries. `npm run bench` measures them.')
  const again = tables.flatMap(discardedOf)
  const cells = tables.reduce((sum, table) => sum + table.cells, 0)
  return {
    ...figure,
    plots: [(width) => lagPanel(moments, again, marks, width), (width) => gcPanel(moments, again, width)],
    missing: null,
    data: {
      columns: [
        'table',
        'cells',
        'send lag p99 ms',
        'largest',
        'server GC ms a cell',
        'generator GC ms a cell',
        'discarded',
      ],
      rows: tables.map((table) => [
        tableName(table),
        `${table.cells} (${percentText(table.cells / Math.max(1, cells))})`,
        milliseconds(table.sendLag.p99Us ?? table.sendLag.maxUs),
        milliseconds(Math.max(0, ...table.moments.map((one) => one.sendLagP99Us))),
        short(meanOf(table.moments.map((one) => one.serverGcMs ?? Number.NaN))),
        short(meanOf(table.moments.map((one) => one.generatorGcMs))),
        String(table.discarded.length),
      ]),
    },
  }
}

function meanOf(values: readonly number[]): number {
  const usable = values.filter(Number.isFinite)
  return usable.reduce((sum, value) => sum + value, 0) / usable.length
}

function discardedOf(table: DeliveryTable): readonly Again[] {
  return table.discarded.map(({ block, subject, sendLagP99Us, boundUs }) => {
    const rerun = table.moments.filter((one) => one.block === block).map((one) => one.atMs)
    const says = `${tableName(table)}, block ${block} discarded: sends of ${subject} were ${milliseconds(sendLagP99Us)} ms late, bound ${milliseconds(boundUs)} ms`
    return {
      atMs: Math.min(...(rerun.length > 0 ? rerun : table.moments.map((one) => one.atMs))),
      lagUs: sendLagP99Us,
      says,
    }
  })
}

function timeScale(moments: readonly Moment[], width: number): ReturnType<typeof linearScale> {
  const end = Math.max(...moments.map((one) => one.atMs + one.wallMs))
  return linearScale(0, end / 1000, tickCount(width), (value) => `${value} s`)
}

function lagPanel(moments: readonly Moment[], again: readonly Again[], marks: Marks, width: number): string {
  const values = [...moments.map((one) => one.sendLagP99Us), ...again.map((one) => one.lagUs)]
  const [low, high] = roundBounds(values.map((us) => Math.max(us, 1) / 1000))
  const y = logScale(low, high, 7, durationLabel)
  const plot = new Plot({
    width,
    height: 240,
    margin: marginFor(
      [],
      y.ticks.map((tick) => tick.label),
    ),
    x: timeScale(moments, width),
    y,
    xTitle: 'since the run began',
    yTitle: 'send lag, p99 of each cell',
    label: `Send lag of ${moments.length} cells over the run; ${again.length} blocks were discarded`,
  })
  for (const { atMs, lagUs, says } of again) {
    plot.upright(atMs / 1000, 'block run again')
    plot.dot({ x: atMs / 1000, y: lagUs / 1000 }, neutral('cross'), says)
  }
  const points = moments.map((one) => ({ x: one.atMs / 1000, y: Math.max(one.sendLagP99Us, 1) / 1000 }))
  plot.specks(points, neutral('circle'))
  for (const one of latest(moments)) {
    const says = `${one.subject}, block ${one.block}, ${Math.round(one.atMs / 1000)} s: send lag ${milliseconds(one.sendLagP99Us)} ms`
    const mark = markOf(marks, one.subject.replace(/ \(A\/A\)$/, ''))
    plot.dot({ x: one.atMs / 1000, y: Math.max(one.sendLagP99Us, 1) / 1000 }, mark, says)
  }
  return plot.svg()
}

/** The cells whose sends were the latest: those that have a name in the plot. */
function latest(moments: readonly Moment[]): readonly Moment[] {
  return [...moments].sort((one, other) => other.sendLagP99Us - one.sendLagP99Us).slice(0, 12)
}

function neutral(shape: Mark['shape']): Mark {
  return { ...markOf(new Map(), ''), shape, dash: '' }
}

function gcPanel(moments: readonly Moment[], again: readonly Again[], width: number): string {
  const most = Math.max(1, ...moments.flatMap((one) => [one.serverGcMs ?? 0, one.generatorGcMs]))
  const y = linearScale(0, most, 4, durationLabel)
  const plot = new Plot({
    width,
    height: 240,
    margin: marginFor(
      [],
      y.ticks.map((tick) => tick.label),
    ),
    x: timeScale(moments, width),
    y,
    xTitle: 'since the run began',
    yTitle: 'garbage collection a cell (bars: server, dots: generator)',
    label: 'Garbage collection of server and generator in each cell over the run',
  })
  for (const { atMs } of again) plot.upright(atMs / 1000, '')
  const server = neutral('square')
  const generator: Mark = { ...neutral('circle'), className: 'ink' }
  const bars = moments.flatMap(({ atMs, serverGcMs }) =>
    serverGcMs === null ? [] : [{ x: atMs / 1000, y: serverGcMs }],
  )
  plot.bars(bars, server)
  plot.specks(
    moments.map(({ atMs, generatorGcMs }) => ({ x: atMs / 1000, y: generatorGcMs })),
    generator,
  )
  const collected = [...moments].sort((one, other) => (other.serverGcMs ?? 0) - (one.serverGcMs ?? 0))
  for (const { atMs, serverGcMs, subject, block } of collected.slice(0, 5)) {
    if (serverGcMs === null) continue
    const says = `${subject}, block ${block}: server ${short(serverGcMs)} ms`
    plot.dot({ x: atMs / 1000, y: serverGcMs }, server, says)
  }
  return plot.svg()
}
