// A figure of the report: a title, what it shows, how it could be wrong, its plots in two widths, and the numbers behind them.
import { escapeText } from './escape.ts'

export interface DataTable {
  readonly columns: readonly string[]
  readonly rows: readonly (readonly string[])[]
}

export interface Figure {
  readonly id: string
  readonly title: string
  readonly shows: string
  readonly wrong: string
  /** Each plot as SVG for a width in px. None: this run has no data for it, and `missing` says how to get it. */
  readonly plots: readonly ((width: number) => string)[]
  readonly missing: string | null
  readonly data: DataTable | null
}

export const plotWidths = { wide: 572, narrow: 340 } as const

/** A figure that this run has no data for. */
export function missingFigure(
  figure: Pick<Figure, 'id' | 'title' | 'shows' | 'wrong'>,
  missing: string,
): Figure {
  return { ...figure, plots: [], missing, data: null }
}

export function renderFigure(figure: Figure): string {
  const { id, title, shows, wrong, plots, missing, data } = figure
  const drawn = plots.map(
    (plot) =>
      `<div class="plot"><div class="wide">${plot(plotWidths.wide)}</div><div class="narrow">${plot(plotWidths.narrow)}</div></div>`,
  )
  const parts = [
    `<figure id="${escapeText(id)}" class="${plots.length > 1 ? 'full' : 'half'}">`,
    `<figcaption><h3>${escapeText(title)}</h3><p>${escapeText(shows)}</p><p class="wrong"><b>How it could be wrong:</b> ${escapeText(wrong)}</p></figcaption>`,
    missing === null
      ? `<div class="plots">${drawn.join('')}</div>`
      : `<p class="missing">${withCode(missing)}</p>`,
    missing === null ? '<p class="readout" aria-live="polite"></p>' : '',
    data === null ? '' : `<details><summary>The numbers</summary>${renderData(data, title)}</details>`,
    '</figure>',
  ]
  return parts.join('')
}

/** What stands between backticks is something to type. */
function withCode(text: string): string {
  return escapeText(text).replace(/`([^`]+)`/g, '<code>$1</code>')
}

/** The first column names the row; all others are figures. */
export function renderData({ columns, rows }: DataTable, label: string): string {
  const head = columns.map((column) => `<th scope="col">${escapeText(column)}</th>`).join('')
  const body = rows.map((cells) => {
    const [name = '', ...rest] = cells
    return `<tr><th scope="row">${escapeText(name)}</th>${rest.map((cell) => `<td>${escapeText(cell)}</td>`).join('')}</tr>`
  })
  return `<div class="scroll" tabindex="0" role="region" aria-label="${escapeText(label)}"><table><thead><tr>${head}</tr></thead><tbody>${body.join('')}</tbody></table></div>`
}
