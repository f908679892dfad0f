// The share of deliveries that came within a time, against theory: polling's straight line, and where pushes should be at p50 and p99.
import { decodeHistogram, type Histogram } from '../../../statistics/histogram.ts'
import type { DeliveryRow, DeliveryTable } from '../../../statistics/summary.ts'
import { milliseconds, percentText } from '../../table.ts'
import { tableName } from '../../words.ts'
import { Plot, type Point } from '../chart.ts'
import type { Figure } from '../figure.ts'
import { type Marks, markOf } from '../marks.ts'
import { durationLabel, linearScale } from '../scale.ts'
import { marginFor, tickCount } from './frame.ts'

export function ecdfFigure(table: DeliveryTable, marks: Marks, index: number): Figure {
  const asking = table.rows.filter((row) => row.intervalMs > 0)
  const pushed = table.rows.filter((row) => row.intervalMs === 0)
  const plots: ((width: number) => string)[] = []
  if (asking.length > 0) plots.push((width) => askingPanel(table, asking, marks, width))
  if (pushed.length > 0) plots.push((width) => pushedPanel(table, pushed, marks, width))
  return {
    id: `ecdf-${index}`,
    title: `Deliveries that came within a time: ${tableName(table)}`,
    shows:
      'The share of deliveries that came within a time: a poller waits anywhere in its interval, so theory is a straight line from 0 to 1 interval (dotted); for what is pushed, rings show where theory puts 50 % and 99 %.',
    wrong:
      'With few messages the schedule itself bends the line; and pollers that came to ask at the same moment would make it a staircase that no one user sees.',
    plots,
    missing: null,
    data: {
      columns: ['transport', 'p50', 'theory', 'p99', 'theory'],
      rows: table.rows.map(({ subject, latency, theory }) => [
        subject,
        `${milliseconds(latency.p50Us)} ms`,
        `${milliseconds(theory.p50Us?.value ?? null)} ms`,
        `${milliseconds(latency.p99Us)} ms`,
        `${milliseconds(theory.p99Us?.value ?? null)} ms`,
      ]),
    },
  }
}

/** The curve of a histogram: as many points as a plot can show. */
export function ecdfPoints(histogram: Histogram, unitUs: number): readonly Point[] {
  const points: Point[] = []
  const steps = 120
  for (let step = 0; step <= steps; step++) {
    const share = step / steps
    points.push({ x: histogram.getValueAtPercentile(share * 100) / unitUs, y: share })
  }
  return points
}

function at(points: readonly Point[], share: number): Point {
  return points.find((point) => point.y >= share) ?? points.at(-1) ?? { x: 0, y: share }
}

function shareScale(): ReturnType<typeof linearScale> {
  return linearScale(0, 1, 4, percentText)
}

function askingPanel(
  table: DeliveryTable,
  rows: readonly DeliveryRow[],
  marks: Marks,
  width: number,
): string {
  const y = shareScale()
  const x = linearScale(0, 1.2, tickCount(width), (value) => String(value))
  const plot = new Plot({
    width,
    height: 280,
    margin: { ...marginFor([], ['100 %']), right: 150 },
    x,
    y,
    xTitle: 'latency ÷ interval',
    yTitle: 'share of deliveries that came',
    label: `Share of deliveries over latency as a share of the interval, ${tableName(table)}`,
  })
  for (const row of rows) {
    const mark = markOf(marks, row.subject)
    const periodUs = row.intervalMs * 1000
    const points = ecdfPoints(decodeHistogram(row.latency.histogram), periodUs)
    plot.line(points, mark)
    const baseUs = Math.max(0, (row.theory.p50Us?.value ?? periodUs / 2) - periodUs / 2)
    plot.line(
      [
        { x: baseUs / periodUs, y: 0 },
        { x: 1 + baseUs / periodUs, y: 1 },
      ],
      mark,
      'theory',
    )
  }
  for (const [place, row] of rows.entries()) {
    const share = 0.3 + (0.6 * (place + 1)) / (rows.length + 1)
    const value = at(ecdfPoints(decodeHistogram(row.latency.histogram), row.intervalMs * 1000), share)
    const says = `${row.subject}: ${percentText(share)} within ${milliseconds(value.x * row.intervalMs * 1000)} ms`
    plot.dot(value, markOf(marks, row.subject), says)
  }
  plot.endLabels(
    rows.map((row) => ({ mark: markOf(marks, row.subject), value: { x: 1, y: 1 } })),
    false,
  )
  return plot.svg()
}

function pushedPanel(
  table: DeliveryTable,
  rows: readonly DeliveryRow[],
  marks: Marks,
  width: number,
): string {
  const tails = rows.map((row) => row.latency.p99Us ?? row.latency.p90Us ?? row.latency.maxUs)
  const y = shareScale()
  const x = linearScale(0, (Math.max(...tails) / 1000) * 1.1, tickCount(width), durationLabel)
  const plot = new Plot({
    width,
    height: 280,
    margin: marginFor(
      rows.map((row) => row.subject),
      ['100 %'],
    ),
    x,
    y,
    xTitle: 'delivery latency',
    yTitle: 'share of deliveries that came',
    label: `Share of deliveries over latency of what is pushed, ${tableName(table)}`,
  })
  const ends: { mark: ReturnType<typeof markOf>; value: Point }[] = []
  for (const row of rows) {
    const mark = markOf(marks, row.subject)
    const points = ecdfPoints(decodeHistogram(row.latency.histogram), 1000).filter(
      (point) => point.x <= x.high,
    )
    plot.line(points, mark)
    for (const [share, predicted] of [
      [0.5, row.theory.p50Us],
      [0.99, row.theory.p99Us],
    ] as const) {
      if (predicted === null || predicted.value / 1000 > x.high) continue
      const says = `${row.subject}: theory puts ${percentText(share)} within ${milliseconds(predicted.value)} ms`
      plot.dot({ x: predicted.value / 1000, y: share }, mark, says, 'hollow')
    }
    for (const share of [0.25, 0.75]) {
      const value = at(points, share)
      plot.dot(value, mark, `${row.subject}: ${percentText(share)} within ${milliseconds(value.x * 1000)} ms`)
    }
    ends.push({ mark, value: at(points, 0.75) })
  }
  // From the fastest on, as they stand from left to right.
  ends.sort((one, other) => one.value.x - other.value.x)
  plot.endLabels(
    ends.map((end, place) => ({ ...end, value: { x: end.value.x, y: 1 - place * 0.001 } })),
    false,
  )
  return plot.svg()
}
