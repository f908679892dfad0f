// The third stage: a summary as one screen of lines. Pure: the same summary gives the same text.
import { benchLimits } from '../limits.ts'
import type { Environment } from '../measurement.ts'
import { reach } from '../statistics/aggregate.ts'
import type { RatioEstimate } from '../statistics/ratio.ts'
import type {
  DeliveryTable,
  GoalTable,
  LatencySummary,
  ServiceTable,
  Summary,
  Table,
} from '../statistics/summary.ts'
import { deliveryFields, type Field, goalFields, serviceFields } from './columns.ts'
import { slowLines } from './slow.ts'
import { milliseconds, renderTable, share } from './table.ts'

export interface ScreenOptions {
  readonly profileName: string
  readonly seed: number
  readonly secure: boolean
}

/** How many problems are told one by one. */
const problemLines = 8

export function renderScreen(summary: Summary, options: ScreenOptions): string {
  const lines = [
    hostLine(summary.environment),
    validityLine(summary, options),
    ...summary.problems.slice(0, problemLines).map((problem) => `  ${problem}`),
    ...more(summary.problems.length - problemLines),
    ...summary.tables.flatMap((table) => ['', ...renderOne(table)]),
    '',
    ...closing(summary),
  ]
  return `${lines.join('\n')}\n`
}

function hostLine(environment: Environment): string {
  const { cpuModel, cores, node, commit, startedAt, pinned } = environment
  const pins =
    pinned === null ? 'not pinned' : `server on core ${pinned.server}, generator on ${pinned.generator}`
  return `${cpuModel} × ${cores} · Node ${node.replace(/^v/, '')} · commit ${commit} · ${startedAt.slice(0, 16).replace('T', ' ')} UTC · ${pins}`
}

function validityLine(summary: Summary, { profileName, seed, secure }: ScreenOptions): string {
  const invalid = summary.problems.length > 0 ? 'INVALID' : 'valid'
  const interrupted = summary.interrupted ? ', interrupted: what there is' : ''
  const citable = summary.citable
    ? ''
    : profileName === 'quick'
      ? ' · quick: not citable'
      : ` · fewer than ${benchLimits.citableBlocks} blocks: intervals are indications`
  const seconds = Math.round(summary.durationMs / 1000)
  return `${invalid}${interrupted} · seed ${seed} · ${secure ? 'everything over TLS' : 'no TLS'} · ${seconds} s${citable}`
}

function more(count: number): readonly string[] {
  return count > 0 ? [`  … and ${count} more`] : []
}

function renderOne(table: Table): readonly string[] {
  switch (table.kind) {
    case 'delivery':
      return deliveryLines(table)
    case 'service':
      return serviceLines(table)
    case 'goal':
      return goalLines(table)
    case 'slow':
      return slowLines(table)
  }
}

function deliveryLines(table: DeliveryTable): readonly string[] {
  const { scenario, load, blocks, baseline, resolution, sendLag, disturbedCells, cells } = table
  const notes = [`${scenario}: ${load}`, plural(blocks, 'block'), `baseline ${baseline}`]
  if (resolution !== null)
    notes.push(`A/A: ${resolutionText(resolution.cpu, resolution.p50, resolution.p99)}`)
  notes.push(lagText(sendLag))
  if (disturbedCells > 0) notes.push(`${disturbedCells} of ${cells} cells disturbed (send lag)`)
  return [notes.join(' · '), ...fill(deliveryFields, table.rows)]
}

/** The generator's own lateness: its p99, or its maximum where there were too few sends. */
function lagText({ p50Us, p99Us, maxUs }: LatencySummary): string {
  const tail = p99Us === null ? `max ${milliseconds(maxUs)}` : `p99 ${milliseconds(p99Us)}`
  return `send lag p50 ${milliseconds(p50Us)}, ${tail} ms`
}

function resolutionText(
  cpu: RatioEstimate | null,
  p50: RatioEstimate | null,
  p99: RatioEstimate | null,
): string {
  const parts = [`CPU ${shareOf(cpu)}`, `p50 ${shareOf(p50)}`]
  if (p99 !== null) parts.push(`p99 ${shareOf(p99)}`)
  return parts.join(', ')
}

function shareOf(estimate: RatioEstimate | null): string {
  return estimate === null || estimate.pairs < 2 ? '–' : share(reach(estimate))
}

function serviceLines(table: ServiceTable): readonly string[] {
  const title = `${table.scenario}: closed-loop service time · ${table.load} · ${plural(table.blocks, 'block')}`
  return [title, ...fill(serviceFields, table.rows)]
}

function goalLines(table: GoalTable): readonly string[] {
  const title = `${table.scenario}: ${table.load} · ${plural(table.rounds, 'round')}, servers started anew in each`
  return [
    title,
    ...fill(goalFields, table.rows),
    ...(goalNotes[table.scenario] ?? []).map((note) => `  ${note}`),
  ]
}

/** What a goal's load is, and what is not the same on both sides. */
const goalNotes: Readonly<Record<string, readonly string[]>> = {
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

function fill<Row>(fields: readonly Field<Row>[], rows: readonly Row[]): readonly string[] {
  return renderTable(
    fields,
    rows.map((row) => fields.map((field) => field.text(row))),
  ).map((line) => `  ${line}`)
}

function closing(summary: Summary): readonly string[] {
  const controls = summary.tables
    .filter((table) => table.kind === 'delivery')
    .map((table) => table.resolution)
  const reaches = controls
    .map((control) => control?.cpu ?? null)
    .filter((cpu) => cpu !== null && cpu.pairs > 1)
  if (controls.length === 0) return []
  const notes = ['tcp and ws keep no log; ws sends message by message, tcp joins those of a tick.']
  if (reaches.length === 0) return [...notes, 'This run has one block: it resolves no difference at all.']
  const worst = Math.max(...reaches.map((cpu) => (cpu === null ? 0 : reach(cpu))))
  const best = Math.min(...reaches.map((cpu) => (cpu === null ? 0 : reach(cpu))))
  return [
    ...notes,
    `Smallest difference in CPU that this run can resolve: ${share(best)} in its best table, ${share(worst)} in its worst.`,
  ]
}

function plural(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? '' : 's'}`
}
