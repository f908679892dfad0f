// Latency over load: the steps of the capacity search, or where there are none the deliveries a second of the tables.
import type { CapacityTable, DeliveryTable, Table } from '../../../statistics/summary.ts'
import { milliseconds, percentText } from '../../table.ts'
import { tableName } from '../../words.ts'
import { Plot, type Point } from '../chart.ts'
import { type Figure, missingFigure } from '../figure.ts'
import { type Mark, type Marks, markOf } from '../marks.ts'
import { durationLabel, logScale, plain, roundBounds } from '../scale.ts'
import { marginFor, tickCount } from './frame.ts'

interface LoadPoint extends Point {
  readonly says: string
  readonly failed: boolean
}

interface Series {
  readonly mark: Mark
  readonly percentile: string
  readonly points: readonly LoadPoint[]
}

const about = {
  wrong:
    'Near the knee a window is too short to see a queue grow for ever; and where the generator was the limit, the curve is its own.',
} as const

export function loadFigures(tables: readonly Table[], marks: Marks): readonly Figure[] {
  const searched = tables.filter((table): table is CapacityTable => table.kind === 'capacity')
  if (searched.length > 0) return searched.map((table, index) => capacityFigure(table, marks, index))
  const series = fromTables(tables, marks)
  const figure = {
    ...about,
    id: 'load-0',
    title: 'Latency over load',
    shows: 'Median delivery latency over the deliveries a second that each table of one scenario asked for.',
  }
  if (series.every((one) => one.points.length < 2))
    return [
      missingFigure(
        figure,
        'This run has one load only. `npm run bench -- ramp` searches for the knee, `npm run bench -- fanout` measures several loads.',
      ),
    ]
  return [figureOf(figure, series, 'deliveries a second')]
}

function capacityFigure(table: CapacityTable, marks: Marks, index: number): Figure {
  const series = table.rows.flatMap((row) => {
    const mark = markOf(marks, row.subject)
    const points = (of: (step: (typeof row.steps)[number]) => number | null): readonly LoadPoint[] =>
      row.steps
        .filter((step) => step.phase === 'search')
        .flatMap((step) => {
          const us = of(step)
          if (us === null) return []
          const held = step.holds ? 'held' : `did not hold: ${step.reason}`
          const says = `${row.subject}, ${plain(step.offered)} ${table.axis}: ${milliseconds(us)} ms, server ${percentText(step.serverUtilisation)}; ${held}`
          return [{ x: step.offered, y: us / 1000, says, failed: !step.holds }]
        })
        .sort((one, other) => one.x - other.x)
    return [{ mark, percentile: 'p99', points: points((step) => step.p99Us ?? step.p50Us) }]
  })
  const figure = {
    ...about,
    id: `load-${index}`,
    title: `Latency over load: ${tableName(table)}`,
    shows: `p99 of delivery latency at each load that was offered (${table.axis}); rings are loads that did not hold the objective of 100 ms, everything delivered, no backlog.`,
  }
  return figureOf(figure, series, table.axis)
}

function fromTables(tables: readonly Table[], marks: Marks): readonly Series[] {
  const usable = tables.filter(
    (table): table is DeliveryTable => table.kind === 'delivery' && table.scenario === 'fanout',
  )
  const subjects = [...new Set(usable.flatMap((table) => table.rows.map((row) => row.subject)))]
  return subjects.map((subject) => ({
    mark: markOf(marks, subject),
    percentile: 'p50',
    points: usable
      .flatMap((table) => {
        const row = table.rows.find((one) => one.subject === subject)
        if (row === undefined || row.latency.p50Us === null) return []
        const { subscribers, rooms, ratePerSecond } = table.parameters
        const x = (subscribers / rooms) * ratePerSecond
        const says = `${subject}, ${tableName(table)}: p50 ${milliseconds(row.latency.p50Us)} ms`
        return [{ x, y: row.latency.p50Us / 1000, says, failed: row.diverging }]
      })
      .sort((one, other) => one.x - other.x),
  }))
}

function figureOf(
  figure: Pick<Figure, 'id' | 'title' | 'shows' | 'wrong'>,
  series: readonly Series[],
  axis: string,
): Figure {
  return {
    ...figure,
    plots: [(width) => panel(series, figure.title, axis, width)],
    missing: null,
    data: {
      columns: ['transport', axis, 'percentile', 'latency', 'held'],
      rows: series.flatMap(({ mark, percentile, points }) =>
        points.map(({ x, y, failed }) => [
          mark.subject,
          plain(x),
          percentile,
          `${milliseconds(y * 1000)} ms`,
          failed ? 'no' : 'yes',
        ]),
      ),
    },
  }
}

function panel(series: readonly Series[], title: string, axis: string, width: number): string {
  const all = series.flatMap((one) => one.points)
  const [lowX, highX] = roundBounds(all.map((point) => point.x))
  const [lowY, highY] = roundBounds(all.map((point) => point.y))
  const y = logScale(lowY, highY, 7, durationLabel)
  const plot = new Plot({
    width,
    height: 330,
    margin: marginFor(
      series.map((one) => one.mark.subject),
      y.ticks.map((tick) => tick.label),
    ),
    x: logScale(lowX, highX, tickCount(width), plain),
    y,
    xTitle: axis,
    yTitle: `${series[0]?.percentile ?? ''} of delivery latency`,
    label: `${title}: latency over ${axis}`,
  })
  for (const { mark, points } of series) {
    plot.line(points, mark)
    for (const point of points) plot.dot(point, mark, point.says, point.failed ? 'hollow' : 'usual')
  }
  plot.endLabels(
    series.flatMap(({ mark, points }) => {
      const value = points.at(-1)
      return value === undefined ? [] : [{ mark, value }]
    }),
  )
  return plot.svg()
}
