// What screen, Markdown and HTML say in the same words. Pure: plain sentences, nothing escaped.
import { benchLimits } from '../limits.ts'
import type { Environment } from '../measurement.ts'
import {
  type Comparison,
  type Control,
  type DeliveryRow,
  type DeliveryTable,
  type Metric,
  metrics,
  type Standing,
  type Summary,
} from '../statistics/summary.ts'
import type { ReportSettings } from './document.ts'
import { durationText } from './progress.ts'
import { ratioText, share } from './table.ts'

interface MetricWords {
  readonly title: string
  readonly less: string
  readonly more: string
}

export const metricWords: Readonly<Record<Metric, MetricWords>> = {
  p50: { title: 'p50', less: 'faster', more: 'slower' },
  p99: { title: 'p99', less: 'faster', more: 'slower' },
  completion: { title: 'completion', less: 'faster', more: 'slower' },
  cpu: { title: 'CPU', less: 'cheaper', more: 'dearer' },
  bytes: { title: 'bytes', less: 'fewer', more: 'more' },
}

export const labels = {
  generatorBound: '≥ generator-bound',
  diverging: 'diverging: offered load exceeds capacity',
} as const

/** `faster`, `no difference that this run can resolve (± 4.2 %)`. */
export function standingText(metric: Metric, standing: Standing, control: Control | null): string {
  const words = metricWords[metric]
  switch (standing) {
    case 'baseline':
      return 'baseline'
    case 'less':
      return words.less
    case 'more':
      return words.more
    case 'unresolved':
      return `no difference that this run can resolve${control === null ? '' : ` (${share(control.resolution)})`}`
    case 'unranked':
      return 'not ranked'
  }
}

export function plural(count: number, word: string): string {
  return `${count.toLocaleString('en')} ${word}${count === 1 ? '' : 's'}`
}

export function hostLine(environment: Environment): string {
  const { cpuModel, cores, node, commit, startedAt, pinned } = environment
  const pins =
    pinned === null ? 'not pinned' : `server on core ${pinned.server}, generator on ${pinned.generator}`
  const when = startedAt.slice(0, 16).replace('T', ' ')
  return `${cpuModel} × ${cores} · Node ${node.replace(/^v/, '')} · commit ${commit} · ${when} UTC · ${pins}`
}

/** Whether it may be cited, and if not, why: a few words. */
export function citableText(summary: Summary, settings: ReportSettings): string {
  if (summary.problems.length > 0) return 'not citable: invalid'
  if (summary.interrupted) return 'not citable: interrupted'
  if (settings.profileName === 'quick') return 'quick: not citable'
  return summary.citable ? 'citable' : `not citable: fewer than ${benchLimits.citableBlocks} blocks somewhere`
}

export function validityLine(summary: Summary, settings: ReportSettings): string {
  const valid = summary.problems.length > 0 ? 'INVALID' : 'valid'
  const parts = [
    summary.interrupted ? `${valid}, interrupted: what there is` : valid,
    citableText(summary, settings),
    `profile ${settings.profileName}`,
    `seed ${settings.seed}`,
    settings.secure ? 'everything over TLS' : 'no TLS',
    durationText(summary.durationMs),
  ]
  return parts.join(' · ')
}

export function deliveryTables(summary: Pick<Summary, 'tables'>): readonly DeliveryTable[] {
  return summary.tables.filter((table) => table.kind === 'delivery')
}

/** `fanout, 100 subscribers, 20 msg/s`. */
export function tableName(table: { readonly scenario: string; readonly load: string }): string {
  return `${table.scenario}, ${table.load}`
}

/** One sentence for each metric that the table ranks, and one for those that it may not rank. An invalid run ranks nothing. */
export function comparisonLines(table: DeliveryTable, valid: boolean): readonly string[] {
  if (!valid) return ['not ranked: this run is invalid.']
  const lines: string[] = []
  const unranked: string[] = []
  for (const metric of metrics) {
    const control = table.controls?.[metric] ?? null
    if (control?.rankable !== true) {
      unranked.push(unrankedText(metric, control))
      continue
    }
    const line = groupedLine(table, metric, control)
    if (line !== null) lines.push(line)
  }
  return unranked.length === 0 ? lines : [...lines, `not ranked: ${unranked.join('; ')}.`]
}

function unrankedText(metric: Metric, control: Control | null): string {
  const { title } = metricWords[metric]
  if (control === null) return `${title} (no A/A control)`
  if (!control.containsOne) return `${title} (A/A interval without 1)`
  return `${title} (A/A ${share(control.resolution)}, limit ${share(control.limit)})`
}

/** `CPU against websocket: tcp, ws cheaper; http2-push dearer; no difference that this run can resolve (± 4 %): websocket-h2.` */
function groupedLine(table: DeliveryTable, metric: Metric, control: Control): string | null {
  const named = (standing: Standing): string =>
    table.rows
      .filter((row) => row.comparisons[metric].standing === standing)
      .map((row) => row.subject)
      .join(', ')
  const words = metricWords[metric]
  const [less, more, same] = [named('less'), named('more'), named('unresolved')]
  const parts: string[] = []
  if (less !== '') parts.push(`${less} ${words.less}`)
  if (more !== '') parts.push(`${more} ${words.more}`)
  if (same !== '') parts.push(`${standingText(metric, 'unresolved', control)}: ${same}`)
  return parts.length === 0 ? null : `${words.title} against ${table.baseline}: ${parts.join('; ')}.`
}

/** What of a row must be said beside its figures: labels in place of percentiles. */
export function rowNotes(table: DeliveryTable): readonly string[] {
  const named = (of: (row: DeliveryRow) => boolean): string =>
    table.rows
      .filter(of)
      .map((row) => row.subject)
      .join(', ')
  const bound = named((row) => row.generatorBound && !row.diverging)
  const diverging = named((row) => row.diverging)
  const notes: string[] = []
  if (bound !== '')
    notes.push(`${labels.generatorBound}: ${bound}. The generator's own delay is in these latencies.`)
  if (diverging !== '') notes.push(`${labels.diverging}: ${diverging}.`)
  if (table.discarded.length > 0) {
    const percent = Math.round(
      (table.discarded.length / Math.max(1, table.discarded.length + table.blocks)) * 100,
    )
    notes.push(
      `${plural(table.discarded.length, 'block')} (${percent} %) discarded and run again: the generator was late.`,
    )
  }
  return notes
}

/** The smallest difference by each metric that this run can tell from nothing: its best table and its worst. */
export function resolutionLine(summary: Pick<Summary, 'tables'>): string | null {
  const tables = deliveryTables(summary)
  if (tables.length === 0) return null
  const parts: string[] = []
  for (const metric of metrics) {
    const found = tables
      .map((table) => table.controls?.[metric].resolution ?? Number.POSITIVE_INFINITY)
      .filter((resolution) => typeof resolution === 'number' && Number.isFinite(resolution))
    const { title } = metricWords[metric]
    if (found.length === 0) continue
    const [best, worst] = [Math.min(...found), Math.max(...found)]
    parts.push(
      best === worst
        ? `${title} ${share(best)}`
        : `${title} ${share(best)} (in its worst table ${share(worst)})`,
    )
  }
  if (parts.length === 0) return 'This run has no A/A control with two blocks: it resolves no difference.'
  return `Smallest difference that this run can resolve: ${parts.join(', ')}.`
}

export interface Verdict {
  readonly table: string
  readonly sentences: readonly string[]
}

/** The verdict in plain sentences: what each transport costs against the baseline, by CPU, median and bytes. */
export function verdicts(summary: Pick<Summary, 'tables'>): readonly Verdict[] {
  return deliveryTables(summary).map((table) => ({
    table: tableName(table),
    sentences: (['cpu', 'p50', 'bytes'] as const).flatMap((metric) => metricSentence(table, metric)),
  }))
}

const costWords: Readonly<Partial<Record<Metric, string>>> = {
  cpu: 'CPU per delivery',
  p50: 'Median latency',
  bytes: 'Bytes per delivery',
}

/** `CPU per delivery, in multiples of websocket’s: http2-push 1.30× [1.20–1.40], ws no difference (± 4.0 %).` */
function metricSentence(table: DeliveryTable, metric: Metric): readonly string[] {
  const control = table.controls?.[metric] ?? null
  const name = costWords[metric] ?? metric
  if (control?.rankable !== true) return [`${name}: not ranked here.`]
  const size = (row: DeliveryRow): number => row.comparisons[metric].ratio?.ratio ?? 1
  const said = [...table.rows]
    .sort((one, other) => size(one) - size(other))
    .filter((row) => row.subject !== table.baseline)
    .flatMap((row) => comparisonText(row, row.comparisons[metric], control))
  return said.length === 0 ? [] : [`${name}, in multiples of ${table.baseline}’s: ${said.join(', ')}.`]
}

function comparisonText(
  row: DeliveryRow,
  { ratio, standing }: Comparison,
  control: Control,
): readonly string[] {
  if (ratio === null || standing === 'unranked') return []
  if (standing === 'unresolved') return [`${row.subject} no difference (${share(control.resolution)})`]
  return [`${row.subject} ${ratioText(ratio).replace(' [', '× [')}`]
}
