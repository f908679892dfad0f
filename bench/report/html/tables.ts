// The tables of a report, wider than those of the screen: everything a row knows, theory beside each figure.
import type { DeliveryRow, DeliveryTable, Metric, Table } from '../../statistics/summary.ts'
import {
  capacityFields,
  deliveryFields,
  goalFields,
  idleFields,
  openingFields,
  recoveryFields,
  serviceFields,
} from '../columns.ts'
import { type Field, field, flag, predictedMs } from '../field.ts'
import { lagText } from '../screen.ts'
import { slowFields } from '../slow.ts'
import { milliseconds, percentText, ratioText, short } from '../table.ts'
import { comparisonLines, plural, rowNotes, tableName } from '../words.ts'
import { shapePath } from './chart.ts'
import { escapeText } from './escape.ts'
import { type Marks, markOf } from './marks.ts'

function ratioOf(metric: Metric): (row: DeliveryRow) => string {
  return (row) => {
    const { ratio, standing, tier } = row.comparisons[metric]
    if (standing === 'baseline') return 'baseline'
    if (ratio === null) return '–'
    return tier === null ? `(${ratioText(ratio)})` : ratioText(ratio)
  }
}

const screenFields = new Map(deliveryFields.map((one) => [one.title, one]))

function fromScreen(title: string): readonly Field<DeliveryRow>[] {
  const found = screenFields.get(title)
  return found === undefined ? [] : [found]
}

/** What the screen has no room for. */
export const moreFields: readonly Field<DeliveryRow>[] = [
  ...fromScreen('transport'),
  field('speaks', 'left', 'the protocol that the links really negotiated', (row) => row.protocol),
  field('service p50', 'right', 'from the real send: without the generator’s own lateness, ms', (row) =>
    milliseconds(row.service.p50Us),
  ),
  field('service p99', 'right', 'the same, 99 % are faster', (row) => milliseconds(row.service.p99Us)),
  field(
    'completion',
    'right',
    'median until the last reader has a message, from the intended time, ms',
    (row) => milliseconds(row.completion.p50Us),
  ),
  field('its theory', 'right', 'what the model says of the completion', (row) =>
    predictedMs(row.theory.completionUs),
  ),
  field(
    'p50 ratio',
    'right',
    'the median against the baseline, 95 % interval; in brackets where the run may not rank by it',
    ratioOf('p50'),
  ),
  field('bytes ratio', 'right', 'the same of the bytes', ratioOf('bytes')),
  field('B down', 'right', 'bytes from the server per delivery, at the socket', (row) =>
    short(row.bytesDownPerDelivery),
  ),
  field('payload', 'right', 'of those, bodies and payloads', (row) => short(row.payloadBytesDownPerDelivery)),
  field('B up', 'right', 'bytes to the server per delivery', (row) => short(row.bytesUpPerDelivery)),
  field('wire B', 'right', 'an estimate, both ways, with 52 bytes of TCP and IP for each segment', (row) =>
    short(row.wireBytesPerDelivery),
  ),
  field('server', 'right', 'the server’s share of a core', (row) => percentText(row.serverUtilisation)),
  field('generator', 'right', 'the busy share of the generator’s event loop', (row) =>
    percentText(row.generatorUtilisation),
  ),
]

export function renderTableSection(table: Table, marks: Marks, valid: boolean): string {
  const title = `<h3>${escapeText(tableName(table))}</h3>`
  switch (table.kind) {
    case 'delivery':
      return `${title}${deliveryHead(table)}${grid(deliveryFields, table.rows, tableName(table), marks)}${notes(table, valid)}<details><summary>More columns</summary>${grid(moreFields, table.rows, `${tableName(table)}, more columns`, marks)}</details>`
    case 'idle':
      return title + grid(idleFields, table.rows, tableName(table), marks)
    case 'capacity':
      return `${title}<p class="note">Capacity in ${escapeText(table.axis)}.</p>${grid(capacityFields, table.rows, tableName(table), marks)}`
    case 'recovery':
      return title + grid(recoveryFields, table.rows, tableName(table), marks)
    case 'opening':
      return title + grid(openingFields, table.rows, tableName(table), marks)
    case 'service':
      return `${title}<p class="note">Closed-loop service time.</p>${grid(serviceFields, table.rows, tableName(table), marks)}`
    case 'goal':
      return title + grid(goalFields, table.rows, tableName(table), marks)
    case 'slow':
      return title + grid(slowFields, table.rows, tableName(table), marks)
  }
}

function deliveryHead(table: DeliveryTable): string {
  const words = [plural(table.blocks, 'block'), `baseline ${table.baseline}`, lagText(table.sendLag)]
  return `<p class="note">${escapeText(words.join(' · '))}</p>`
}

function notes(table: DeliveryTable, valid: boolean): string {
  const lines = [...rowNotes(table), ...comparisonLines(table, valid)]
  return `<ul class="notes">${lines.map((line) => `<li>${escapeText(line)}</li>`).join('')}</ul>`
}

/** The columns of every table, each with its line: the glossary. */
export function glossary(
  tables: readonly Table[],
): readonly { readonly title: string; readonly help: string }[] {
  const kinds = new Set(tables.map((table) => table.kind))
  const all: readonly (readonly [
    Table['kind'],
    readonly { readonly title: string; readonly help: string }[],
  ])[] = [
    ['delivery', [...deliveryFields, ...moreFields.slice(1)]],
    ['idle', idleFields],
    ['capacity', capacityFields],
    ['recovery', recoveryFields],
    ['opening', openingFields],
    ['service', serviceFields],
    ['goal', goalFields],
    ['slow', slowFields],
  ]
  const fields = all.flatMap(([kind, of]) =>
    kinds.has(kind)
      ? of.map(({ title, help }) => ({ title: kind === 'delivery' ? title : `${title} (${kind})`, help }))
      : [],
  )
  return fields
}

function grid<Row extends { readonly subject: string }>(
  fields: readonly Field<Row>[],
  rows: readonly Row[],
  label: string,
  marks: Marks,
): string {
  const head = fields
    .map(
      (one) =>
        `<th scope="col" class="${one.align}" title="${escapeText(one.help)}">${escapeText(one.title)}</th>`,
    )
    .join('')
  const body = rows.map((row) => {
    const cells = fields.map((one, index) => {
      const text = escapeText(one.text(row))
      if (index === 0) return `<th scope="row">${sign(row.subject, marks)}${text}</th>`
      const flagged = text.endsWith(flag)
      return `<td class="${one.align}${flagged ? ' flagged' : ''}">${text}${flagged ? '<span hidden>too far</span>' : ''}</td>`
    })
    return `<tr>${cells.join('')}</tr>`
  })
  return `<div class="scroll" tabindex="0" role="region" aria-label="${escapeText(label)}"><table><thead><tr>${head}</tr></thead><tbody>${body.join('')}</tbody></table></div>`
}

function sign(subject: string, marks: Marks): string {
  if (!marks.has(subject)) return ''
  const { className, shape } = markOf(marks, subject)
  return `<svg width="14" height="10" viewBox="0 0 14 10" aria-hidden="true"><path class="${className} dot" d="${shapePath(shape, 5, 5, 4)}"/></svg>`
}
