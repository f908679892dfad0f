// Percentile curves on HdrHistogram's axis: delivery from the intended time, and service from the real send.
import { decodeHistogram, mayBeSaid } from '../../../statistics/histogram.ts'
import type { DeliveryTable, LatencySummary } from '../../../statistics/summary.ts'
import { milliseconds } from '../../table.ts'
import { tableName } from '../../words.ts'
import { Plot, type Point } from '../chart.ts'
import type { Figure } from '../figure.ts'
import { type Mark, type Marks, markOf } from '../marks.ts'
import { durationLabel, lastPercentile, logScale, nines, percentileScale, roundBounds } from '../scale.ts'
import { marginFor } from './frame.ts'

const marked = [50, 90, 99, 99.9, 99.99] as const

interface Curve {
  readonly mark: Mark
  readonly samples: number
  readonly points: readonly Point[]
}

export function percentileFigure(table: DeliveryTable, marks: Marks, index: number): Figure {
  const delivery = table.rows.map((row) => curveOf(row.latency, markOf(marks, row.subject)))
  const service = table.rows.map((row) => curveOf(row.service, markOf(marks, row.subject)))
  const drawn = [...delivery, ...service].filter((curve) => curve.points.length > 1)
  return {
    id: `percentiles-${index}`,
    title: `Percentiles of latency: ${tableName(table)}`,
    shows:
      'How late deliveries are at each percentile, counted from the intended time (delivery) and from the real send (service); each nine is as wide as the one before it, and a curve ends where fewer than ten samples lie beyond.',
    wrong:
      'The tail of one busy moment of the machine looks like a property of the transport; compare it with the noise below, and trust a p99 only where it is ranked.',
    plots: [
      (width) => panel('delivery', table, delivery, drawn, width),
      (width) => panel('service', table, service, drawn, width),
    ],
    missing: null,
    data: {
      columns: [
        'transport',
        'n',
        ...marked.flatMap((percent) => [`delivery ${percent} %`, `service ${percent} %`]),
      ],
      rows: table.rows.map((row, place) => [
        row.subject,
        row.latency.samples.toLocaleString('en'),
        ...marked.flatMap((percent) => [at(delivery[place], percent), at(service[place], percent)]),
      ]),
    },
  }
}

function at(curve: Curve | undefined, percent: number): string {
  if (curve === undefined || !mayBeSaid(curve.samples, percent)) return '–'
  const point = curve.points.find(({ x }) => x >= percent - 1e-9)
  return point === undefined ? '–' : `${milliseconds(point.y * 1000)} ms`
}

/** Points at even steps of the axis, up to the last percentile that may be said; the marked ones are among them. */
function curveOf(latency: LatencySummary, mark: Mark): Curve {
  const histogram = decodeHistogram(latency.histogram)
  const samples = histogram.totalCount
  const last = lastPercentile(samples)
  const percents = new Set<number>(marked.filter((percent) => mayBeSaid(samples, percent)))
  for (let place = 0; place <= nines(last); place += 0.05) percents.add(100 * (1 - 10 ** -place))
  if (last > 0) percents.add(last)
  const points = [...percents]
    .sort((one, other) => one - other)
    .map((percent) => ({ x: percent, y: Math.max(1, histogram.getValueAtPercentile(percent)) / 1000 }))
  return { mark, samples, points: samples > 10 ? points : [] }
}

function panel(
  name: string,
  table: DeliveryTable,
  curves: readonly Curve[],
  all: readonly Curve[],
  width: number,
): string {
  const [low, high] = roundBounds(all.flatMap((curve) => curve.points.map((point) => point.y)))
  const y = logScale(low, high, 7, durationLabel)
  const x = percentileScale(Math.max(90, ...all.map((curve) => curve.points.at(-1)?.x ?? 0)))
  const margin = marginFor(
    curves.map((curve) => curve.mark.subject),
    y.ticks.map((tick) => tick.label),
  )
  const plot = new Plot({
    width,
    height: 330,
    margin,
    x,
    y,
    xTitle: 'percentile',
    yTitle: `${name} latency`,
    label: `${name} latency by percentile, ${tableName(table)}: ${curves.length} transports; the numbers follow`,
  })
  for (const { mark, points } of curves) {
    plot.line(points, mark)
    for (const point of points) {
      if (marked.some((percent) => percent === point.x))
        plot.dot(point, mark, `${mark.subject}: ${name} p${point.x} ${milliseconds(point.y * 1000)} ms`)
    }
  }
  plot.endLabels(
    curves.flatMap(({ mark, points }) => {
      const value = points.at(-1)
      return value === undefined ? [] : [{ mark, value }]
    }),
  )
  return plot.svg()
}
