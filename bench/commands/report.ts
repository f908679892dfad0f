// `npm run bench -- report FILE`: the screen, the HTML report and Markdown of a run that was kept.
import { parseArgs } from 'node:util'
import { UsageError } from '../../transports/errors.ts'
import { optionLines, understood } from '../arguments.ts'
import { readDocument } from '../document.ts'
import type { Files } from '../options.ts'
import { renderScreen } from '../report/screen.ts'
import { exitCodeOf } from './exit-codes.ts'
import { checkFiles, writeFiles } from './outputs.ts'

const optionTable = {
  html: { type: 'string', value: 'FILE', help: 'Write the report, one file that needs no network.' },
  markdown: { type: 'string', value: 'FILE', help: 'Write the tables, for a pull request.' },
  help: { type: 'boolean', help: 'This text.' },
} as const

const help = [
  'npm run bench -- report FILE.json [OPTIONS]',
  'Shows a run that was kept. Its figures are those of the file; nothing is measured. The columns are explained by `run --help`.',
  '',
  ...optionLines(optionTable, 22),
  '',
  'Exit: as the run itself would have: 0 fine, 1 a goal is not met, 2 usage, 3 invalid, 130 interrupted.',
  '',
  'Examples:',
  '  npm run bench -- report bench/results/latest.json',
  '  npm run bench -- report run.json --html run.html --markdown run.md',
  '',
].join('\n')

/** Gives the exit code. Throws a `UsageError` with one line. */
export function reportCommand(args: readonly string[]): number {
  const { values, positionals } = understood(() =>
    parseArgs({ args: [...args], options: optionTable, allowPositionals: true }),
  )
  if (values.help === true) {
    process.stdout.write(help)
    return 0
  }
  const [file, ...rest] = positionals
  if (file === undefined || rest.length > 0) throw new UsageError('report takes one file. See report --help.')
  const files: Files = { json: null, html: values.html ?? null, markdown: values.markdown ?? null }
  checkFiles(files)
  const document = readDocument(file)
  const places = writeFiles(document, files)
  process.stdout.write(renderScreen(document, document.settings))
  for (const place of places) process.stdout.write(`Written: ${place}\n`)
  return exitCodeOf(document, [])
}
