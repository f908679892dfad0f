// Readers that stop: what each costs above one that reads, what the others feel of it, and whether that is within the bounds.
import { benchLimits } from '../limits.ts'
import type { SlowCell, SlowPart } from '../measurement.ts'
import { decodeHistogram, mergeHistograms } from './histogram.ts'
import { median, type Pair, ratioOf } from './ratio.ts'
import type { SlowRow, SlowTable } from './summary.ts'

export function slowTable(first: SlowCell, cells: readonly SlowCell[], seed: number): SlowTable {
  const subjects = [...new Set(cells.map((cell) => cell.subject))].sort()
  const pairs = cells.filter((cell) => cell.part === 'stopped')
  return {
    kind: 'slow',
    scenario: first.scenario,
    load: first.load,
    blocks: new Set(pairs.map((cell) => cell.block)).size,
    stoppedMs: Math.max(...cells.map((cell) => (cell.part === 'long' ? cell.stoppedMs : 0))),
    rows: subjects.map((subject) =>
      row(
        cells.filter((cell) => cell.subject === subject),
        subject,
        seed,
      ),
    ),
  }
}

function row(cells: readonly SlowCell[], subject: string, seed: number): SlowRow {
  const of = (...parts: readonly SlowPart[]): readonly SlowCell[] =>
    cells.filter((cell) => parts.includes(cell.part))
  const idleBytes = median(of('reading', 'twin').map(({ heldBytes }) => heldBytes))
  const mostHeld = Math.max(...of('stopped', 'long').map(({ heldBytes }) => heldBytes))
  const heldBytes = Math.max(0, mostHeld - (Number.isNaN(idleBytes) ? 0 : idleBytes))
  const memoryBytes = differenceOf(of('memory'), of('idle memory'))
  const ratio = ratioOf(pairsOf(cells, 'stopped'), seed)
  const fate = of('long')[0]?.fate ?? of('stopped').at(-1)?.fate ?? null
  const { boundBytes, boundRatio } = benchLimits.slow
  const within = {
    bytes: heldBytes <= boundBytes && (memoryBytes === null || memoryBytes <= boundBytes),
    // Where every block was disturbed, nothing is shown.
    ratio: ratio !== null && ratio.ratio <= boundRatio,
    fate: of('stopped', 'long').every((cell) => cell.fate?.returned === true),
  }
  return {
    subject,
    heldBytes,
    memoryBytes,
    p90Us: p90Of(of('stopped')),
    readingP90Us: p90Of(of('reading', 'twin')),
    ratio,
    control: ratioOf(controlPairsOf(cells), seed),
    fate,
    disturbedBlocks: blocksWith(cells).filter((block) => isDisturbed(cells, block)).length,
    generatorUtilisation: Math.max(...cells.map((cell) => cell.generatorUtilisation)),
    goal: { ...within, met: within.bytes && within.ratio && within.fate },
  }
}

/** What one reader that stops costs in resident memory above an idle one: the medians of the rounds, by the number of readers. */
function differenceOf(stopped: readonly SlowCell[], idle: readonly SlowCell[]): number | null {
  const readers = stopped[0]?.slowReaders
  return readers === undefined || idle.length === 0 ? null : (rssOf(stopped) - rssOf(idle)) / readers
}

function rssOf(cells: readonly SlowCell[]): number {
  return median(cells.map(({ memoryBytes }) => memoryBytes ?? Number.NaN))
}

function p90Of(cells: readonly SlowCell[]): number | null {
  if (cells.length === 0) return null
  return mergeHistograms(cells.map(({ latency }) => decodeHistogram(latency))).getValueAtPercentile(90)
}

/** The cell in which one has stopped against the mean of the two of its block in which nobody has. */
function pairsOf(cells: readonly SlowCell[], part: SlowPart): readonly Pair[] {
  return blocksOf(cells).flatMap((find) => {
    const [value, reading, twin] = [find(part), find('reading'), find('twin')]
    return value === null || reading === null || twin === null
      ? []
      : [{ value, base: Math.sqrt(reading * twin) }]
  })
}

/** The same load twice: what this run can't tell from nothing. */
function controlPairsOf(cells: readonly SlowCell[]): readonly Pair[] {
  return blocksOf(cells).flatMap((find) => {
    const [value, base] = [find('twin'), find('reading')]
    return value === null || base === null ? [] : [{ value, base }]
  })
}

function blocksOf(cells: readonly SlowCell[]): readonly ((part: SlowPart) => number | null)[] {
  return blocksWith(cells)
    .filter((block) => !isDisturbed(cells, block))
    .map((block) => (part) => p90Of(cells.filter((cell) => cell.block === block && cell.part === part)))
}

/**
 * Whether something else on the machine kept the generator from sending while one of the block's cells ran. The whole block goes,
 * never one cell: else what makes its sends late would lose its bad cells.
 */
function isDisturbed(cells: readonly SlowCell[], block: number): boolean {
  return cells.some(
    ({ part, block: other, sendLag }) =>
      other === block &&
      (part === 'reading' || part === 'twin' || part === 'stopped') &&
      decodeHistogram(sendLag).getValueAtPercentile(90) > benchLimits.slow.sendLagMs * 1000,
  )
}

function blocksWith(cells: readonly SlowCell[]): readonly number[] {
  return [...new Set(cells.filter(({ part }) => part === 'reading').map(({ block }) => block))]
}
