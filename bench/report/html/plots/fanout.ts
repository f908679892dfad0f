// Latency over the size of a room: the median delivery, and the last one of each message, against theory.
import type { DeliveryRow, DeliveryTable, Predicted } from '../../../statistics/summary.ts'
import { milliseconds } from '../../table.ts'
import { Plot, type Point } from '../chart.ts'
import { type Figure, missingFigure } from '../figure.ts'
import { type Marks, markOf } from '../marks.ts'
import { durationLabel, logScale, plain, roundBounds } from '../scale.ts'
import { marginFor } from './frame.ts'

type Measure = (row: DeliveryRow) => { readonly us: number | null; readonly theory: Predicted | null }

const measures: Readonly<Record<'p50' | 'completion', Measure>> = {
  p50: (row) => ({ us: row.latency.p50Us, theory: row.theory.p50Us }),
  completion: (row) => ({ us: row.completion.p50Us, theory: row.theory.completionUs }),
}

export function fanoutFigure(tables: readonly DeliveryTable[], marks: Marks): Figure {
  const figure = {
    id: 'fanout',
    title: 'Fan-out over the number of readers',
    shows:
      'The median delivery, and the median time until the last reader has a message, as a room grows; rings and dotted lines are theory.',
    wrong:
      'One generator takes all readers in, so its own time for each is in the completion; where it saturates, rows are marked generator-bound and say nothing of the server.',
  }
  const sized = tables
    .filter((table) => table.scenario === 'fanout')
    .sort((one, other) => one.parameters.subscribers - other.parameters.subscribers)
  if (new Set(sized.map((table) => table.parameters.subscribers)).size < 2)
    return missingFigure(figure, 'This run has one size of room. `npm run bench -- fanout` measures several.')
  const subjects = [...new Set(sized.flatMap((table) => table.rows.map((row) => row.subject)))]
  return {
    ...figure,
    plots: [
      (width) => panel('median delivery', measures.p50, sized, subjects, marks, width),
      (width) => panel('median completion', measures.completion, sized, subjects, marks, width),
    ],
    missing: null,
    data: {
      columns: ['transport', 'readers', 'p50', 'theory', 'completion', 'theory'],
      rows: sized.flatMap((table) =>
        table.rows.map((row) => [
          row.subject,
          plain(table.parameters.subscribers),
          `${milliseconds(row.latency.p50Us)} ms`,
          `${milliseconds(row.theory.p50Us?.value ?? null)} ms`,
          `${milliseconds(row.completion.p50Us)} ms`,
          `${milliseconds(row.theory.completionUs?.value ?? null)} ms`,
        ]),
      ),
    },
  }
}

function panel(
  name: string,
  measure: Measure,
  tables: readonly DeliveryTable[],
  subjects: readonly string[],
  marks: Marks,
  width: number,
): string {
  const series = subjects.map((subject) => {
    const measured: Point[] = []
    const theory: Point[] = []
    for (const table of tables) {
      const row = table.rows.find((one) => one.subject === subject)
      if (row === undefined || row.diverging) continue
      const x = table.parameters.subscribers
      const found = measure(row)
      if (found.us !== null) measured.push({ x, y: found.us / 1000 })
      if (found.theory !== null) theory.push({ x, y: found.theory.value / 1000 })
    }
    return { mark: markOf(marks, subject), measured, theory }
  })
  const all = series.flatMap((one) => [...one.measured, ...one.theory])
  const [lowX, highX] = roundBounds(all.map((point) => point.x))
  const [low, high] = roundBounds(all.map((point) => point.y))
  const y = logScale(low, high, 7, durationLabel)
  const plot = new Plot({
    width,
    height: 330,
    margin: marginFor(
      subjects,
      y.ticks.map((tick) => tick.label),
    ),
    x: logScale(lowX, highX, 5, plain),
    y,
    xTitle: 'readers of the room',
    yTitle: name,
    label: `${name} over the number of readers, measured and theory`,
  })
  for (const { mark, measured, theory } of series) {
    plot.line(theory, mark, 'theory')
    plot.line(measured, mark)
    for (const point of theory)
      plot.dot(
        point,
        mark,
        `${mark.subject}, ${point.x} readers: theory ${milliseconds(point.y * 1000)} ms`,
        'hollow',
      )
    for (const point of measured)
      plot.dot(point, mark, `${mark.subject}, ${point.x} readers: ${name} ${milliseconds(point.y * 1000)} ms`)
  }
  plot.endLabels(
    series.flatMap(({ mark, measured }) => {
      const value = measured.at(-1)
      return value === undefined ? [] : [{ mark, value }]
    }),
  )
  return plot.svg()
}
