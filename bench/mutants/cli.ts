// `npm run mutants`: breaks Parley on purpose and shows that a check notices each way.

import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { UsageError } from '../../transports/errors.ts'
import { checkWritable } from '../arguments.ts'
import { durationText } from '../report/progress.ts'
import { root } from './copy.ts'
import { mutated, StaleMutantError } from './mutant.ts'
import { type Command, parseOptions } from './options.ts'
import { renderRun, runJson } from './report.ts'
import { type MutantsProgress, type MutantsRun, runMutants } from './run.ts'

const exitCodes = { fine: 0, survived: 1, usage: 2, invalid: 3, interrupted: 130 } as const

function showProgress({ done, all, what, remainingMs }: MutantsProgress): void {
  const { stderr } = process
  const text = `${done}/${all} · ${what} · ${done === all ? 'done' : `${durationText(remainingMs)} left`}`
  stderr.write(stderr.isTTY ? `\r\u001b[2K${text.slice(0, (stderr.columns ?? 80) - 1)}` : `${text}\n`)
}

function exitCodeOf(run: MutantsRun): number {
  if (run.interrupted) return exitCodes.interrupted
  const valid = run.controls.every(({ result }) => result.kind === 'passed')
  if (!valid || run.results.some(({ verdict }) => verdict === 'broken')) return exitCodes.invalid
  return run.results.every(({ verdict }) => verdict === 'caught') ? exitCodes.fine : exitCodes.survived
}

async function run({ mutants, jobs, jsonFile }: Extract<Command, { kind: 'run' }>): Promise<number> {
  if (jsonFile !== null) checkWritable(jsonFile)
  // Before minutes of tests, not in the middle of them.
  for (const mutant of mutants) mutated(mutant, readFileSync(join(root, mutant.file), 'utf8'))
  const interrupt = new AbortController()
  const onInterrupt = (): void => interrupt.abort()
  process.on('SIGINT', onInterrupt).on('SIGTERM', onInterrupt)
  const result = await runMutants({ mutants, jobs, progress: showProgress, signal: interrupt.signal })
  if (process.stderr.isTTY) process.stderr.write('\r\u001b[2K')
  if (jsonFile !== null) writeFileSync(jsonFile, runJson(result))
  process.stdout.write(renderRun(result))
  return exitCodeOf(result)
}

try {
  const command = parseOptions(process.argv.slice(2))
  if (command.kind === 'text') process.stdout.write(command.text)
  else process.exitCode = await run(command)
} catch (error) {
  if (error instanceof UsageError) process.exitCode = exitCodes.usage
  else if (error instanceof StaleMutantError) process.exitCode = exitCodes.invalid
  else throw error
  process.stderr.write(`${error.message}\n`)
}
