// The table of readers that stop: its columns, and the lines around it.
import { benchLimits } from '../limits.ts'
import type { SlowRow, SlowTable } from '../statistics/summary.ts'
import { type Field, field, tableLines } from './field.ts'
import { milliseconds, ratioText, short } from './table.ts'

const kibibytes = (bytes: number): string => short(bytes / 1024)

export const slowFields: readonly Field<SlowRow>[] = [
  field(
    'reader',
    'left',
    'how it stops: "stopped": its process; "window shut": it answers pings and takes no data; "asks on": nor its answers',
    (row) => row.subject,
  ),
  field(
    'held KiB',
    'right',
    'the most that the server said that it holds for one connection, less what it was with all reading',
    (row) => kibibytes(row.heldBytes),
  ),
  field(
    'RSS KiB',
    'right',
    'resident memory for each of 50 that stop, less that of 50 idle ones, after forced collections',
    (row) => (row.memoryBytes === null ? '–' : kibibytes(row.memoryBytes)),
  ),
  field('p90 ms', 'right', "the other readers' delivery latency while one has stopped", (row) =>
    milliseconds(row.p90Us),
  ),
  field('all read', 'right', 'the same with everybody reading', (row) => milliseconds(row.readingP90Us)),
  field('ratio', 'right', 'of the two, pairs of one block, with its 95 % interval', (row) =>
    row.ratio === null ? '–' : ratioText(row.ratio),
  ),
  field(
    'A/A',
    'right',
    'the same ratio of two cells in which everybody reads: what a run can’t tell',
    (row) => (row.control === null ? '–' : ratioText(row.control)),
  ),
  field(
    'left out',
    'right',
    'blocks that are in neither ratio: the generator was late by more than it is by itself',
    (row) => (row.disturbedBlocks === 0 ? '' : String(row.disturbedBlocks)),
  ),
  field(
    'became of it',
    'left',
    'after the long stop: why its links ended, and whether a gap was told',
    (row) => fateText(row.fate),
  ),
  field(
    'back ms',
    'right',
    'from reading again to having everything, waits before a retry included',
    (row) => (row.fate === null || row.fate.catchUpMs === null ? '–' : short(row.fate.catchUpMs)),
  ),
  field('goal', 'left', goalHelp(), (row) => goalText(row.goal)),
]

export function slowLines(table: SlowTable): readonly string[] {
  const blocks = `${table.blocks} block${table.blocks === 1 ? '' : 's'}`
  const title = `${table.scenario}: ${table.load} · ${blocks}, one stop of ${Math.round(table.stoppedMs / 1000)} s`
  return [title, ...tableLines(slowFields, table.rows)]
}

function fateText(fate: SlowRow['fate']): string {
  if (fate === null) return '–'
  const ends = Object.entries(fate.ends).map(([end, count]) => (count === 1 ? end : `${end} × ${count}`))
  const gaps = fate.gaps === 0 ? [] : [`${fate.gaps} gap${fate.gaps === 1 ? '' : 's'}`]
  const back = fate.returned ? 'caught up' : 'NOT back'
  return [...ends, ...gaps, back].join(', ')
}

function goalHelp(): string {
  const { boundBytes, boundRatio } = benchLimits.slow
  return `held and RSS at most ${boundBytes / 1024} KiB, ratio at most ${boundRatio}, and it catches up or is told of a gap`
}

function goalText({ met, bytes, ratio, fate }: SlowRow['goal']): string {
  if (met) return 'met'
  const missed = [bytes ? '' : 'bytes', ratio ? '' : 'ratio', fate ? '' : 'return'].filter(
    (one) => one !== '',
  )
  return `NOT MET: ${missed.join(', ')}`
}
