// A run for a pull request: whether it is valid, the tables, what it can resolve, and the rest folded away. Pure.
import type { DeliveryTable, Table } from '../statistics/summary.ts'
import {
  capacityFields,
  deliveryFields,
  goalFields,
  idleFields,
  openingFields,
  recoveryFields,
  serviceFields,
} from './columns.ts'
import type { ReportDocument } from './document.ts'
import type { Field } from './field.ts'
import { lagText } from './screen.ts'
import { slowFields } from './slow.ts'
import {
  comparisonLines,
  hostLine,
  plural,
  resolutionLine,
  rowNotes,
  tableName,
  validityLine,
  verdicts,
} from './words.ts'

export function renderMarkdown(document: ReportDocument): string {
  const resolution = resolutionLine(document)
  const valid = document.problems.length === 0
  const lines = [
    `**Parley bench:** ${escaped(validityLine(document, document.settings))}`,
    '',
    ...document.problems.map((problem) => `- **Problem:** ${escaped(problem)}`),
    ...document.warnings.map((warning) => `- Warning: ${escaped(warning)}`),
    ...(valid ? verdictLines(document) : ['This run is invalid: nothing in it is ranked.', '']),
    ...(resolution === null ? [] : [escaped(resolution), '']),
    ...document.tables.flatMap((table) => [`#### ${escaped(tableName(table))}`, '', ...rowsOf(table), '']),
    ...folded(
      'Notes on the tables',
      document.tables.flatMap((table) => notesOf(table, valid)),
    ),
    ...folded('Machine and settings', [
      escaped(hostLine(document.environment)),
      '',
      ...Object.entries(document.environment).map(([name, value]) => `- ${name}: ${code(value)}`),
      `- settings: ${code(document.settings)}`,
    ]),
    ...folded(
      plural(document.discarded.length, 'discarded block'),
      document.discarded.map(
        (one) => `- ${escaped(`${one.scenario}, ${one.load}, block ${one.block}: ${one.subject} was late`)}`,
      ),
    ),
  ]
  return `${lines.join('\n').trimEnd()}\n`
}

function verdictLines(document: ReportDocument): readonly string[] {
  const lines = verdicts(document).flatMap(({ table, sentences }) => [
    `- **${escaped(table)}**`,
    ...sentences.map((sentence) => `  - ${escaped(sentence)}`),
  ])
  return lines.length === 0 ? [] : [...lines, '']
}

function rowsOf(table: Table): readonly string[] {
  switch (table.kind) {
    case 'delivery':
      return pipes(deliveryFields, table.rows)
    case 'idle':
      return pipes(idleFields, table.rows)
    case 'capacity':
      return [`In ${table.axis}.`, '', ...pipes(capacityFields, table.rows)]
    case 'recovery':
      return pipes(recoveryFields, table.rows)
    case 'opening':
      return pipes(openingFields, table.rows)
    case 'service':
      return pipes(serviceFields, table.rows)
    case 'goal':
      return pipes(goalFields, table.rows)
    case 'slow':
      return pipes(slowFields, table.rows)
  }
}

function pipes<Row>(fields: readonly Field<Row>[], rows: readonly Row[]): readonly string[] {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
  return [
    line(fields.map((one) => escaped(one.title))),
    line(fields.map((one) => (one.align === 'right' ? '---:' : '---'))),
    ...rows.map((row) => line(fields.map((one) => escaped(one.text(row))))),
  ]
}

function notesOf(table: Table, valid: boolean): readonly string[] {
  if (table.kind !== 'delivery') return []
  return [`**${escaped(tableName(table))}**: ${escaped(headOf(table))}`, '', ...listed(table, valid), '']
}

function headOf(table: DeliveryTable): string {
  return `${plural(table.blocks, 'block')}, baseline ${table.baseline}, ${lagText(table.sendLag)}`
}

function listed(table: DeliveryTable, valid: boolean): readonly string[] {
  return [...rowNotes(table), ...comparisonLines(table, valid)].map((note) => `- ${escaped(note)}`)
}

function folded(title: string, lines: readonly string[]): readonly string[] {
  if (lines.length === 0) return []
  return ['<details>', `<summary>${escaped(title)}</summary>`, '', ...lines, '', '</details>', '']
}

/** Nothing of a document is markup. */
function escaped(text: string): string {
  return text
    .replace(/&/g, '&amp;')
    .replace(/</g, '&lt;')
    .replace(/>/g, '&gt;')
    .replace(/[\\`*_[\]|#]/g, (sign) => `\\${sign}`)
    .replace(/\n/g, ' ')
}

function code(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  return `<code>${escaped(text)}</code>`
}
