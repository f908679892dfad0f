// The third stage: a summary as one screen of lines. Pure: the same summary gives the same text.
import { benchLimits } from '../limits.ts'
import type { DeliveryTable, LatencySummary, Summary, Table } from '../statistics/summary.ts'
import {
  capacityFields,
  deliveryFields,
  goalFields,
  idleFields,
  openingFields,
  recoveryFields,
  serviceFields,
} from './columns.ts'
import type { ReportSettings } from './document.ts'
import { tableLines } from './field.ts'
import { slowLines } from './slow.ts'
import { milliseconds, wrap } from './table.ts'
import {
  comparisonLines,
  deliveryTables,
  hostLine,
  plural,
  resolutionLine,
  rowNotes,
  validityLine,
} from './words.ts'

export type ScreenOptions = ReportSettings

/** Sentences are broken here; tables are as wide as their figures. */
const screenColumns = 120
/** How many problems, and how many warnings, are told one by one. */
const told = 8

export function renderScreen(summary: Summary, options: ScreenOptions): string {
  const lines = [
    hostLine(summary.environment),
    validityLine(summary, options),
    ...listed(summary.problems, ''),
    ...listed(summary.warnings, 'warning: '),
    ...summary.tables.flatMap((table) => ['', ...renderOne(table, summary.problems.length === 0)]),
    '',
    ...closing(summary),
  ]
  return `${lines.join('\n').trimEnd()}\n`
}

function listed(sentences: readonly string[], before: string): readonly string[] {
  const shown = sentences.slice(0, told).flatMap((sentence) => indented(`${before}${sentence}`))
  return sentences.length > told ? [...shown, `  … and ${sentences.length - told} more`] : shown
}

function indented(text: string): readonly string[] {
  return wrap(`  ${text}`, screenColumns, 4)
}

function renderOne(table: Table, valid: boolean): readonly string[] {
  switch (table.kind) {
    case 'delivery':
      return deliveryLines(table, valid)
    case 'opening':
      return [titleOf(table), ...tableLines(openingFields, table.rows)]
    case 'service':
      return [
        `${table.scenario}: closed-loop service time · ${table.load} · ${plural(table.blocks, 'block')}`,
        ...tableLines(serviceFields, table.rows),
      ]
    case 'goal':
      return [
        `${table.scenario}: ${table.load} · ${plural(table.rounds, 'round')}, servers started anew in each`,
        ...tableLines(goalFields, table.rows),
        ...goalNotes(table.scenario).flatMap(indented),
      ]
    case 'slow':
      return slowLines(table)
    case 'idle':
      return [titleOf(table), ...tableLines(idleFields, table.rows)]
    case 'capacity':
      return [
        `${table.scenario}: ${table.load} · in ${table.axis}`,
        ...tableLines(capacityFields, table.rows),
      ]
    case 'recovery':
      return [titleOf(table), ...tableLines(recoveryFields, table.rows)]
  }
}

function titleOf(table: {
  readonly scenario: string
  readonly load: string
  readonly blocks: number
}): string {
  return `${table.scenario}: ${table.load} · ${plural(table.blocks, 'block')}`
}

function deliveryLines(table: DeliveryTable, valid: boolean): readonly string[] {
  const title = [titleOf(table), `baseline ${table.baseline}`, lagText(table.sendLag)]
  return [
    title.join(' · '),
    ...tableLines(deliveryFields, table.rows),
    ...rowNotes(table).flatMap(indented),
    ...comparisonLines(table, valid).flatMap(indented),
  ]
}

/** The generator's own lateness: its p99, or its maximum where there were too few sends. */
export function lagText({ p50Us, p99Us, maxUs }: LatencySummary): string {
  const tail = p99Us === null ? `max ${milliseconds(maxUs)}` : `p99 ${milliseconds(p99Us)}`
  return `send lag p50 ${milliseconds(p50Us)}, ${tail} ms`
}

/** What a goal's load is, and what is not the same on both sides. */
export function goalNotes(scenario: string): readonly string[] {
  const notes: Readonly<Record<string, readonly string[]>> = {
    'goal-poll': [
      `Closed loop, ${benchLimits.pollGoal.connections} kept HTTP/1.1 connections on the plain port; the reader looks only for the end of each answer.`,
    ],
    'goal-push': [
      'Readers (node:http2) look only at the last position; the next burst leaves when everyone has the last one. Same document on both sides.',
      'Publishing: ten messages in one write, over a WebSocket to Parley, which commits and acknowledges them, and over TCP to the controls, which keep nothing.',
    ],
    'goal-send': [
      'One room a connection, so that a message has one reader besides its receipt; the controls only insert, 32 messages a commit.',
    ],
  }
  return notes[scenario] ?? []
}

function closing(summary: Summary): readonly string[] {
  const resolution = resolutionLine(summary)
  if (deliveryTables(summary).length === 0 || resolution === null) return []
  const subjects = new Set(deliveryTables(summary).flatMap(({ rows }) => rows.map(({ subject }) => subject)))
  const controls = [
    ...(subjects.has('tcp') ? ["tcp keeps no log, and joins a tick's messages."] : []),
    ...(subjects.has('ws') ? ['ws, the bare library, keeps no log, and sends message by message.'] : []),
  ]
  return [
    ...wrap(['"!": farther from theory than the model may be.', ...controls].join(' '), screenColumns, 2),
    ...wrap(resolution, screenColumns, 2),
  ]
}
