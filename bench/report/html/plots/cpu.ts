// What a delivery costs the server: dots with intervals, as a ratio to the baseline and in µs.
import type { DeliveryRow, DeliveryTable } from '../../../statistics/summary.ts'
import { ratioText, short } from '../../table.ts'
import { standingText, tableName } from '../../words.ts'
import { Plot } from '../chart.ts'
import type { Figure } from '../figure.ts'
import { type Marks, markOf } from '../marks.ts'
import { logScale, plain, roundBounds, type Scale } from '../scale.ts'
import { marginFor, tickCount } from './frame.ts'

interface Dot {
  readonly row: DeliveryRow
  readonly value: number
  readonly low: number
  readonly high: number
}

export function cpuFigure(table: DeliveryTable, marks: Marks, index: number): Figure {
  const control = table.controls?.cpu ?? null
  const baselineUs = table.rows.find((row) => row.subject === table.baseline)?.cpuUsPerDelivery ?? Number.NaN
  const ratios = table.rows.map((row) => dotOf(row, 1, row.comparisons.cpu.ratio?.ratio ?? 1))
  const micros = table.rows.map((row) => dotOf(row, baselineUs, row.cpuUsPerDelivery))
  return {
    id: `cpu-${index}`,
    title: `Server CPU per delivery: ${tableName(table)}`,
    shows: `What a delivery costs the server, as a ratio to ${table.baseline} and in µs; an interval that does not reach another's is a difference.`,
    wrong:
      'Taking the message in is shared by all who get it, so a small room looks dear; the intervals in µs are those of the ratio times the baseline, whose own error is not in them.',
    plots: [
      (width) =>
        panel(table, ratios, marks, width, `CPU ÷ that of ${table.baseline}`, (value) => `${plain(value)}×`),
      (width) => panel(table, micros, marks, width, 'CPU per delivery', (value) => `${plain(value)} µs`),
    ],
    missing: null,
    data: {
      columns: ['transport', 'CPU µs', 'ratio', 'verdict'],
      rows: table.rows.map((row) => {
        const { ratio } = row.comparisons.cpu
        return [
          row.subject,
          short(row.cpuUsPerDelivery),
          ratio === null ? '–' : ratioText(ratio),
          standingText('cpu', row.comparisons.cpu, control),
        ]
      }),
    },
  }
}

function dotOf(row: DeliveryRow, unit: number, value: number): Dot {
  const { ratio } = row.comparisons.cpu
  const usable = ratio !== null && ratio.pairs > 1 && ratio.low > 0 && Number.isFinite(ratio.high)
  return {
    row,
    value,
    low: usable ? ratio.low * unit : value,
    high: usable ? ratio.high * unit : value,
  }
}

function panel(
  table: DeliveryTable,
  dots: readonly Dot[],
  marks: Marks,
  width: number,
  axis: string,
  label: (value: number) => string,
): string {
  const [low, high] = roundBounds(dots.flatMap((dot) => [dot.value, dot.low, dot.high]))
  const names = dots.map((dot) => dot.row.subject)
  const x = logScale(low, high, tickCount(width), label)
  const plot = new Plot({
    width,
    height: 60 + 24 * dots.length,
    margin: { ...marginFor([], names), top: 8 },
    x,
    y: categories(names),
    xTitle: axis,
    yTitle: '',
    label: `${axis}, ${tableName(table)}: ${dots.map((dot) => `${dot.row.subject} ${label(dot.value)}`).join(', ')}`,
  })
  for (const [place, dot] of dots.entries()) {
    const mark = markOf(marks, dot.row.subject)
    if (dot.high > dot.low) plot.interval(dot.low, dot.high, place, mark)
    const range = dot.high > dot.low ? ` [${label(dot.low)} to ${label(dot.high)}]` : ''
    plot.dot({ x: dot.value, y: place }, mark, `${dot.row.subject}: ${label(dot.value)}${range}`)
  }
  return plot.svg()
}

/** One row for each name, the first at the top. */
export function categories(names: readonly string[]): Scale {
  const place = (value: number): number => 1 - (value + 0.5) / names.length
  return {
    low: -0.5,
    high: names.length - 0.5,
    place,
    ticks: names.map((label, value) => ({ value, label })),
  }
}
