// `npm run bench -- compare A.json B.json`: what changed from one run to another.
import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { UsageError } from '../../transports/errors.ts'
import { checkWritable, optionLines, understood, whole } from '../arguments.ts'
import { readDocument } from '../document.ts'
import { compareRuns, refusals } from '../statistics/compare.ts'
import { changeColumns, changeLines, isRegression } from './changes.ts'
import { exitCodes } from './exit-codes.ts'

/** Shared with `ab`. */
export const changeOptions = {
  'min-effect': { type: 'string', value: 'PERCENT', help: 'The least change that matters; 5 without it.' },
  json: { type: 'string', value: 'FILE', help: 'The changes, as JSON.' },
  help: { type: 'boolean', help: 'This text.' },
} as const

export const columnHelp: readonly string[] = [
  '',
  'Columns:',
  ...changeColumns.map(({ title, help }) => `  ${title.padEnd(13)} ${help}`),
  '',
]

const help = [
  'npm run bench -- compare OLD.json NEW.json [OPTIONS]',
  'What changed between two runs on one machine with the same settings; it refuses others. Figures are taken relative to the floor.',
  '',
  ...optionLines(changeOptions, 22),
  ...columnHelp,
  'Exit: 0 nothing is worse; 1 something is worse by more than the margin; 2 usage, or runs that cannot be compared, as one was interrupted;',
  '3 one of the runs is invalid.',
  '',
  'Examples:',
  '  npm run bench -- compare bench/results/reference.json bench/results/latest.json',
  '  npm run bench -- compare old.json new.json --min-effect 10',
  '',
].join('\n')

/** Reads `--min-effect` as a share. Throws a `UsageError` of one line. */
export function leastShareFrom(text: string | undefined): number {
  return text === undefined ? 0.05 : whole('--min-effect', text, 1, 100) / 100
}

/** Gives the exit code. Throws a `UsageError` with one line. */
export function compareCommand(args: readonly string[]): number {
  const { values, positionals } = understood(() =>
    parseArgs({ args: [...args], options: changeOptions, allowPositionals: true }),
  )
  if (values.help === true) {
    process.stdout.write(help)
    return exitCodes.fine
  }
  const [oldFile, newFile, ...rest] = positionals
  if (oldFile === undefined || newFile === undefined || rest.length > 0)
    throw new UsageError('compare takes two files, the older one first. See compare --help.')
  const leastShare = leastShareFrom(values['min-effect'])
  if (values.json !== undefined) checkWritable(values.json)
  const [before, after] = [readDocument(oldFile), readDocument(newFile)]
  const reasons = refusals(before, after)
  for (const [file, run] of [
    [oldFile, before],
    [newFile, after],
  ] as const) {
    if (run.interrupted)
      throw new UsageError(`${file} was interrupted, so it can't be compared: run it again.`)
  }
  if (reasons.length > 0) throw new UsageError(`These runs can't be compared. ${reasons.join(' ')}`)
  for (const [file, run] of [
    [oldFile, before],
    [newFile, after],
  ] as const) {
    if (run.problems[0] === undefined) continue
    process.stdout.write(`${file} is invalid, so nothing is compared. ${run.problems[0]}\n`)
    return exitCodes.invalid
  }
  const changes = compareRuns(before, after, { leastShare })
  if (values.json !== undefined) {
    const document = { schema: 'parley-bench-compare/1', old: oldFile, new: newFile, leastShare, changes }
    writeFileSync(values.json, `${JSON.stringify(document, null, 1)}\n`)
  }
  const { commit: oldCommit } = before.environment
  const { commit: newCommit } = after.environment
  process.stdout.write(`${[`${oldCommit} → ${newCommit}`, '', ...changeLines(changes)].join('\n')}\n`)
  return isRegression(changes) ? exitCodes.broken : exitCodes.fine
}
