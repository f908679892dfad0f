// Changes between two runs or two builds, as lines: what `compare` and `ab` print. Pure.
import { renderTable } from '../report/table.ts'
import type { Change, ChangeVerdict } from '../statistics/compare.ts'

/** Its columns, for the help. */
export const changeColumns: readonly { readonly title: string; readonly help: string }[] = [
  { title: 'scenario', help: 'And its load.' },
  { title: 'subject', help: "Who is measured; Parley's own, as the others have not changed." },
  { title: 'metric', help: 'p50, p99, completion (the last subscriber), CPU and bytes per delivery.' },
  { title: 'new ÷ old', help: 'The ratio with its 95 % interval; smaller is better.' },
  {
    title: 'margin',
    help: 'What had to be exceeded: the least change that matters, and what the controls changed by.',
  },
  {
    title: 'verdict',
    help: 'better, worse (surely beyond the margin), same (a narrow interval that contains 1 or lies within the least change), or not resolvable.',
  },
]

const words: Readonly<Record<ChangeVerdict, string>> = {
  better: 'better',
  worse: 'WORSE',
  same: 'same',
  unresolvable: 'not resolvable',
}

const left = 'left' as const

/** A table of all changes, and a closing line. */
export function changeLines(changes: readonly Change[]): readonly string[] {
  const rows = changes.map(({ scenario, load, subject, metric, ratio, margin, verdict }) => [
    `${scenario}, ${load}`,
    subject,
    metric,
    ratio === null ? '–' : `${ratio.ratio.toFixed(3)} [${ratio.low.toFixed(3)}–${ratio.high.toFixed(3)}]`,
    `± ${(margin * 100).toFixed(1)} %`,
    words[verdict],
  ])
  const columns = changeColumns.map(({ title }) => ({ title, align: left }))
  return [...renderTable(columns, rows), '', closingLine(changes)]
}

function closingLine(changes: readonly Change[]): string {
  if (changes.length === 0) return 'There is nothing that both have.'
  const count = (verdict: ChangeVerdict): number =>
    changes.filter((change) => change.verdict === verdict).length
  const worse = count('worse')
  const better = count('better')
  const [same, open] = [count('same'), count('unresolvable')]
  const rest = `${same} the same, ${open} not resolvable`
  if (worse + better > 0) return `Changed: ${worse} worse, ${better} better, ${rest}.`
  if (open === 0) return `No difference: all ${same} the same.`
  return same === 0
    ? `Nothing could be resolved: ${open} not resolvable. More blocks or a quieter machine may tell.`
    : `Nothing changed that could be resolved: ${rest}.`
}

export function isRegression(changes: readonly Change[]): boolean {
  return changes.some(({ verdict }) => verdict === 'worse')
}
