// A column of a table: its title, how a row fills it, and the line that `--help` and the report's glossary say about it.
import type { Predicted } from '../statistics/summary.ts'
import { type Column, milliseconds, renderTable, short } from './table.ts'

export interface Field<Row> extends Column {
  readonly help: string
  text(row: Row): string
}

export function field<Row>(
  title: string,
  align: 'left' | 'right',
  help: string,
  text: (row: Row) => string,
): Field<Row> {
  return { title, align, help, text }
}

/** What stands after a figure of the model that the measured one is too far from. */
export const flag = '!'

/** The model's figure in ms, with a mark where the measured one is too far from it. */
export function predictedMs(predicted: Predicted | null): string {
  return predicted === null ? '–' : `${milliseconds(predicted.value)}${predicted.flagged ? flag : ''}`
}

export function predictedText(predicted: Pick<Predicted, 'value' | 'flagged'> | null): string {
  return predicted === null ? '–' : `${short(predicted.value)}${predicted.flagged ? flag : ''}`
}

/** A table's lines, moved in by two. */
export function tableLines<Row>(fields: readonly Field<Row>[], rows: readonly Row[]): readonly string[] {
  const cells = rows.map((row) => fields.map((one) => one.text(row)))
  return renderTable(fields, cells).map((line) => `  ${line}`)
}
