// After a cut: the share of clients that have had a message again, over the time since the cut.
import { decodeHistogram } from '../../../statistics/histogram.ts'
import type { RecoveryTable, Table } from '../../../statistics/summary.ts'
import { milliseconds, percentText } from '../../table.ts'
import { tableName } from '../../words.ts'
import { Plot } from '../chart.ts'
import { type Figure, missingFigure } from '../figure.ts'
import { type Marks, markOf } from '../marks.ts'
import { durationLabel, linearScale, logScale, roundBounds } from '../scale.ts'
import { categories } from './cpu.ts'
import { ecdfPoints } from './ecdf.ts'
import { marginFor, tickCount } from './frame.ts'

const about = {
  shows:
    'The share of clients that have had a message that is new to them, over the time since their link was cut.',
  wrong:
    'The waits before a retry are drawn at random and are the client’s, not the transport’s; a cut by reset is noticed at once, a dead path only by a missing heartbeat.',
} as const

export function recoveryFigures(tables: readonly Table[], marks: Marks): readonly Figure[] {
  const cut = tables.filter((table): table is RecoveryTable => table.kind === 'recovery')
  if (cut.length === 0)
    return [
      missingFigure(
        { ...about, id: 'recovery-0', title: 'Recovery' },
        'This run cut no links. `npm run bench -- network` does.',
      ),
    ]
  return cut.map((table, index) => ({
    ...about,
    id: `recovery-${index}`,
    title: `Recovery: ${tableName(table)}`,
    plots: [(width) => panel(table, marks, width), (width) => dots(table, marks, width)],
    missing: null,
    data: {
      columns: ['transport', 'clients', 'live p50', 'live p90', 'slowest', 'caught up p50'],
      rows: table.rows.map((row) => [
        row.subject,
        row.clients.toLocaleString('en'),
        `${milliseconds(row.firstMessage.p50Us)} ms`,
        `${milliseconds(row.firstMessage.p90Us)} ms`,
        `${milliseconds(row.firstMessage.maxUs)} ms`,
        `${milliseconds(row.caughtUp.p50Us)} ms`,
      ]),
    },
  }))
}

function panel(table: RecoveryTable, marks: Marks, width: number): string {
  const curves = table.rows
    .filter((row) => row.firstMessage.samples > 0)
    .map((row) => ({
      row,
      mark: markOf(marks, row.subject),
      points: ecdfPoints(decodeHistogram(row.firstMessage.histogram), 1000),
    }))
  const [low, high] = roundBounds(curves.flatMap(({ points }) => points.map((point) => point.x)))
  const y = linearScale(0, 1, 4, percentText)
  const plot = new Plot({
    width,
    height: 330,
    margin: marginFor(
      curves.map(({ mark }) => mark.subject),
      ['100 %'],
    ),
    x: logScale(Math.max(low, high / 1000), high, tickCount(width), durationLabel),
    y,
    xTitle: 'since the cut',
    yTitle: 'share of clients with a new message',
    label: `Share of clients that are live again over the time since the cut, ${tableName(table)}`,
  })
  for (const { row, mark, points } of curves) {
    plot.line(points, mark)
    for (const share of [0.5, 0.95]) {
      const point = points.find((one) => one.y >= share)
      if (point !== undefined)
        plot.dot(
          point,
          mark,
          `${row.subject}: ${percentText(share)} live within ${milliseconds(point.x * 1000)} ms`,
        )
    }
  }
  const first = [...curves].sort(
    (one, other) => (one.row.firstMessage.p50Us ?? 0) - (other.row.firstMessage.p50Us ?? 0),
  )
  plot.endLabels(
    first.map(({ mark, points }, place) => ({
      mark,
      value: { x: points.at(-1)?.x ?? high, y: 1 - place * 0.001 },
    })),
    false,
  )
  return plot.svg()
}

/** Median and slowest client until everything that was missed is there. */
function dots(table: RecoveryTable, marks: Marks, width: number): string {
  const rows = table.rows.filter((row) => row.caughtUp.p50Us !== null)
  const names = rows.map((row) => row.subject)
  const values = rows.flatMap(({ caughtUp }) => [(caughtUp.p50Us ?? 1) / 1000, caughtUp.maxUs / 1000])
  const [low, high] = roundBounds(values)
  const plot = new Plot({
    width,
    height: 60 + 36 * rows.length,
    margin: { ...marginFor([], names), top: 8 },
    x: logScale(low, high, tickCount(width), durationLabel),
    y: categories(names),
    xTitle: 'until caught up: median to slowest',
    yTitle: '',
    label: `Time until all that was missed is there, median and slowest, ${tableName(table)}`,
  })
  for (const [place, row] of rows.entries()) {
    const mark = markOf(marks, row.subject)
    const [median, most] = [(row.caughtUp.p50Us ?? 0) / 1000, row.caughtUp.maxUs / 1000]
    plot.interval(median, most, place, mark)
    const says = `${row.subject}: caught up after ${milliseconds(row.caughtUp.p50Us)} ms, the slowest after ${milliseconds(row.caughtUp.maxUs)} ms`
    plot.dot({ x: median, y: place }, mark, says)
  }
  return plot.svg()
}
