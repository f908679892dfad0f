// Columns of text, aligned, and numbers as they are said everywhere. Knows nothing of what it shows.
import type { RatioEstimate } from '../statistics/ratio.ts'

export interface Column {
  readonly title: string
  readonly align: 'left' | 'right'
}

/** One line for the titles, one for each row; columns are two spaces apart, and no line ends with spaces. */
export function renderTable(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
): readonly string[] {
  const titles = columns.map((column) => column.title)
  const widths = titles.map((title, index) =>
    Math.max(title.length, ...rows.map((row) => (row[index] ?? '').length)),
  )
  return [titles, ...rows].map((cells) =>
    columns
      .map(({ align }, index) => {
        const cell = cells[index] ?? ''
        const width = widths[index] ?? 0
        return align === 'left' ? cell.padEnd(width) : cell.padStart(width)
      })
      .join('  ')
      .trimEnd(),
  )
}

/** Lines of at most `width` characters, each after the first moved in by `hang`. */
export function wrap(text: string, width: number, hang: number): readonly string[] {
  const lines: string[] = []
  let line = text.slice(0, text.length - text.trimStart().length)
  for (const word of text.trimStart().split(' ')) {
    const longer = line.trim() === '' ? `${line}${word}` : `${line} ${word}`
    if (longer.length <= width || line.trim() === '') line = longer
    else {
      lines.push(line)
      line = `${' '.repeat(hang)}${word}`
    }
  }
  return line === '' ? lines : [...lines, line]
}

/** A number with about three significant digits: 0.123, 1.23, 12.3, 123, 1,234. A dash for what is none. */
export function short(value: number | null): string {
  if (value === null || !Number.isFinite(value)) return '–'
  const size = Math.abs(value)
  if (size >= 99.95) return Math.round(value).toLocaleString('en')
  return value.toFixed(size >= 9.995 ? 1 : size >= 0.9995 ? 2 : 3)
}

/** µs as ms; a dash for what may not be said. */
export function milliseconds(us: number | null): string {
  return us === null ? '–' : short(us / 1000)
}

/** `± 4.2 %`: two digits are as many as an interval's width has. */
export function share(value: number): string {
  if (!Number.isFinite(value)) return '± ∞'
  const percent = value * 100
  return `± ${percent >= 9.95 ? Math.round(percent) : percent.toFixed(1)} %`
}

/** A count: 0, 12, 1,234. */
export function whole(value: number): string {
  return Math.round(value).toLocaleString('en')
}

export function percentText(value: number): string {
  return `${Math.round(value * 100)} %`
}

/** `1.12 [1.08–1.17]`. */
export function ratioText(estimate: RatioEstimate): string {
  // Two decimals where there would be three: an interval is never that narrow.
  const text = (value: number): string => (value > 0.1 && value < 1 ? value.toFixed(2) : short(value))
  if (estimate.pairs < 2) return `${text(estimate.ratio)} [one block]`
  return `${text(estimate.ratio)} [${text(estimate.low)}–${text(estimate.high)}]`
}
