// Columns of text, aligned. Knows nothing of what it shows.

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

/** A number with about three significant digits: 0.123, 1.23, 12.3, 123, 1,234. */
export function short(value: number): string {
  if (!Number.isFinite(value)) return '–'
  const size = Math.abs(value)
  if (size >= 100) return Math.round(value).toLocaleString('en')
  return value.toFixed(size >= 10 ? 1 : size >= 1 ? 2 : 3)
}

/** µs as ms; a dash for what may not be said. */
export function milliseconds(us: number | null): string {
  return us === null ? '–' : short(us / 1000)
}

/** `± 4 %`. */
export function share(value: number): string {
  return Number.isFinite(value) ? `± ${short(value * 100)} %` : '± ∞'
}
