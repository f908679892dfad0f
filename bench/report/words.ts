// What screen, Markdown and HTML say in the same words. Pure: plain sentences, nothing escaped.
import { benchLimits } from '../limits.ts'
import type { Environment } from '../measurement.ts'
import { halfWidth, indifference } from '../statistics/ratio.ts'
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

/**
 * What a comparison says: `faster`, `no difference that this run can resolve (± 4.2 %)`, or, where the row itself is known no better than
 * the metric's limit or Holm's correction alone keeps it from being one, `not resolved`. ± is the larger of the control's and the row's own.
 */
export function standingText(metric: Metric, comparison: Comparison, control: Control | null): string {
  const words = metricWords[metric]
  switch (comparison.standing) {
    case 'baseline':
      return 'baseline'
    case 'less':
      return words.less
    case 'more':
      return words.more
    case 'unresolved': {
      const known = knownWithin(comparison, control)
      return known === null ? 'not resolved' : `no difference that this run can resolve (${share(known)})`
    }
    case 'unranked':
      return 'not ranked'
  }
}

/** How closely a row is known to be alike with the baseline, as a share; null where that is not known. */
function knownWithin({ ratio }: Comparison, control: Control | null): number | null {
  if (ratio === null || control === null) return null
  if (ratio.low > 1 + indifference || ratio.high < 1 - indifference) return null
  const known = Math.max(control.resolution, halfWidth(ratio))
  return known < control.limit ? known : null
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
  if (summary.citable) return 'citable'
  return `not citable: ${decapitalised(summary.notCitable?.[0]) ?? `fewer than ${benchLimits.citableBlocks} blocks somewhere`}`
}

function decapitalised(sentence: string | undefined): string | undefined {
  if (sentence === undefined) return undefined
  return sentence.charAt(0).toLowerCase() + sentence.slice(1).replace(/\.$/, '')
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
  if (!control.containsOne) return `${title} (the A/A control differs from itself)`
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
  const [less, more] = [named('less'), named('more')]
  const open = table.rows.filter((row) => row.comparisons[metric].standing === 'unresolved')
  const alike = open.filter((row) => knownWithin(row.comparisons[metric], control) !== null)
  const unknown = open.filter((row) => !alike.includes(row))
  const parts: string[] = []
  if (less !== '') parts.push(`${less} ${words.less}`)
  if (more !== '') parts.push(`${more} ${words.more}`)
  if (alike.length > 0) {
    const widest = Math.max(...alike.map((row) => knownWithin(row.comparisons[metric], control) ?? 0))
    const subjects = alike.map((row) => row.subject).join(', ')
    parts.push(`no difference that this run can resolve (${share(widest)}): ${subjects}`)
  }
  if (unknown.length > 0)
    parts.push(`not resolved: ${unknown.map((row) => withRatio(row, metric)).join(', ')}`)
  return parts.length === 0 ? null : `${words.title} against ${table.baseline}: ${parts.join('; ')}.`
}

function withRatio(row: DeliveryRow, metric: Metric): string {
  const { ratio } = row.comparisons[metric]
  return ratio === null ? row.subject : `${row.subject} ${ratioText(ratio)}`
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
  if (control?.rankable !== true) return [`${name}: not ranked here, ${unrankedText(metric, control)}.`]
  const size = (row: DeliveryRow): number => row.comparisons[metric].ratio?.ratio ?? 1
  const said = [...table.rows]
    .sort((one, other) => size(one) - size(other))
    .filter((row) => row.subject !== table.baseline)
    .flatMap((row) => comparisonText(row, row.comparisons[metric], control))
  return said.length === 0 ? [] : [`${name}, in multiples of ${table.baseline}’s: ${said.join(', ')}.`]
}

function comparisonText(row: DeliveryRow, comparison: Comparison, control: Control): readonly string[] {
  const { ratio, standing } = comparison
  if (ratio === null || standing === 'unranked') return []
  const measured = `${row.subject} ${ratioText(ratio).replace(' [', '× [')}`
  if (standing !== 'unresolved') return [measured]
  const known = knownWithin(comparison, control)
  return [known === null ? `${measured} (not resolved)` : `${row.subject} no difference (${share(known)})`]
}
