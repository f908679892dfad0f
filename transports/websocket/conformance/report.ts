// What the conformance suite prints: how far it is, a table by group, and a line for each case that isn't OK.
import type { Role } from './case.ts'
import type { Group } from './catalogue.ts'
import { isFine, type Result, worst } from './judge.ts'

/** The results of one role. */
export interface Report {
  readonly role: Role
  /** What was tested, in words. */
  readonly of: string
  readonly groups: readonly Group[]
  readonly results: readonly Result[]
  readonly seconds: number
}

/** `server: 312 of 593 · 12.3.9 · 45 s · all fine so far`. */
export function progressText(
  role: Role,
  latest: Result,
  done: number,
  count: number,
  seconds: number,
  notFine: number,
): string {
  const said = notFine === 0 ? 'all fine so far' : `${number(notFine)} not fine`
  return `${role}: ${number(done)} of ${number(count)} · ${latest.number} · ${Math.round(seconds)} s · ${said}`
}

/** Whether nothing but OK and INFORMATIONAL came, and all cases were played. */
export function isAllFine({ groups, results }: Report): boolean {
  const count = groups.reduce((sum, { cases }) => sum + cases.length, 0)
  return results.length === count && results.every(isFine)
}

export function reportText(report: Report): string {
  const { role, of, groups, results, seconds } = report
  const byNumber = new Map(results.map((result) => [result.number, result]))
  const rows = groups.map(({ number: group, title, cases }) =>
    row(
      group,
      title,
      cases.length,
      cases.flatMap((it) => byNumber.get(it.number) ?? []),
    ),
  )
  const count = groups.reduce((sum, { cases }) => sum + cases.length, 0)
  const compressed = results.reduce((sum, { compressedMessages }) => sum + compressedMessages, 0)
  const others = results.filter((result) => worst(result) !== 'OK').map(line)
  return [
    `${role}: ${of} · ${seconds.toFixed(1)} s · ${number(compressed)} messages came back compressed`,
    `  ${'group'.padEnd(6)}${''.padEnd(28)}${'cases'.padStart(6)}${'OK'.padStart(6)}  others`,
    ...rows,
    row('all', '', count, results),
    ...(others.length === 0 ? [] : ['', ...others]),
    '',
  ].join('\n')
}

/** All of it as data. */
export function reportJson(reports: readonly Report[], messages: number): string {
  const data = {
    messages,
    reports: reports.map(({ role, of, seconds, results }) => ({ role, of, seconds, results })),
  }
  return `${JSON.stringify(data, null, 2)}\n`
}

function row(group: string, title: string, count: number, results: readonly Result[]): string {
  const counts = new Map<string, number>()
  for (const result of results) counts.set(worst(result), (counts.get(worst(result)) ?? 0) + 1)
  if (results.length < count) counts.set('not played', count - results.length)
  const okCount = counts.get('OK') ?? 0
  counts.delete('OK')
  const others = [...counts].map(([name, many]) => `${many} ${name}`).join(', ')
  const text = `  ${group.padEnd(6)}${title.padEnd(28)}${String(count).padStart(6)}${String(okCount).padStart(6)}  ${others}`
  return text.trimEnd()
}

function line(result: Result): string {
  const { remark, title } = result
  return `  ${result.number.padEnd(8)}${worst(result).padEnd(15)} ${title}: ${remark}`
}

function number(value: number): string {
  return value.toLocaleString('en')
}
