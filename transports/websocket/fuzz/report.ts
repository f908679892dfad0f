// What the fuzzer prints: how far it is, what came of it, and what is wrong.
import type { Finding, Summary } from './campaign.node.ts'
import { offerRules } from './offer-rules.ts'
import type { FuzzOptions } from './options.node.ts'
import { type Rule, rules } from './rules.ts'
import { targetNames } from './target.ts'

const lineColumns = 110

/** Of frames, of compressed messages and of offers to compress. */
export const allRules: readonly Pick<Rule, 'name' | 'clause' | 'why'>[] = [...rules, ...offerRules]

/** `12 s of 20 s · 31,402 traces · 2,616/s · nothing wrong`. */
export function progressText(summary: Summary, options: FuzzOptions): string {
  const { seconds, traces } = summary
  const whole = options.seconds === null ? `${number(options.traces ?? 0)} traces` : `${options.seconds} s`
  return `${Math.round(seconds)} s of ${whole} · ${number(traces)} traces · ${number(traces / Math.max(seconds, 0.001))}/s · nothing wrong so far`
}

export function summaryText(summary: Summary, options: FuzzOptions): string {
  const { seconds, traces, bytes } = summary
  const rate = number(traces / Math.max(seconds, 0.001))
  const differing = Object.values(summary.rules).reduce((sum, count) => sum + count, 0)
  const lines = [
    `seed ${options.seed} · ${seconds.toFixed(1)} s · ${number(traces)} traces · ${number(bytes)} bytes · ${rate} traces/s · digest ${summary.digest}`,
    `targets: ${Object.entries(summary.targets)
      .map(([name, count]) => `${name} ${number(count)}`)
      .join(', ')}`,
    `memory: ${number(summary.growthBytes / 1024)} KiB more than at the start; a connection keeps at most ${number(summary.retainedBytes)} bytes beside twice what has arrived of a message`,
    `differences to ws on purpose: ${number(differing)} traces`,
    ...allRules.flatMap((rule) => [
      `  ${rule.name.padEnd(26)} ${number(summary.rules[rule.name] ?? 0).padStart(9)}  ${rule.clause}`,
      ...wrapped(rule.why, '      '),
    ]),
  ]
  const end = summary.finding === null ? 'Nothing is wrong.' : findingText(summary.finding, options)
  return `${lines.join('\n')}\n${end}\n`
}

function findingText(finding: Finding, options: FuzzOptions): string {
  const only = options.targets.length === targetNames.length ? '' : ` --target ${options.targets.join(',')}`
  const fault = options.fault === null ? '' : ` --fault ${options.fault}`
  const lines = [
    `WRONG: ${finding.what}`,
    `  target ${finding.target}, case ${finding.index} of seed ${options.seed}`,
  ]
  if (finding.outcome !== '') lines.push(`  ours: ${finding.outcome}`)
  if (finding.trace !== '') {
    lines.push(`  trace (${finding.trace.length / 2} bytes): ${finding.trace}`)
    lines.push(`  again: npm run fuzz -- --target ${finding.target}${fault} --replay ${finding.trace}`)
  }
  lines.push(
    `  from the start: npm run fuzz --${only}${fault} --seed ${options.seed} --traces ${finding.index + 1}`,
  )
  return lines.join('\n')
}

function number(value: number): string {
  return Math.round(value).toLocaleString('en')
}

function wrapped(text: string, indent: string): string[] {
  const lines: string[] = []
  let line = indent
  for (const word of text.split(' ')) {
    if (line.length + word.length + 1 > lineColumns && line !== indent) {
      lines.push(line)
      line = indent
    }
    line += line === indent ? word : ` ${word}`
  }
  return [...lines, line]
}
