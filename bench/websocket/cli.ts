// `npm run bench:websocket`: reads the options, measures, sums up, prints.

import { writeFileSync } from 'node:fs'
import { UsageError } from '../../transports/errors.ts'
import { checkWritable } from '../arguments.ts'
import { ProgressReporter } from '../report/progress.ts'
import { compare } from './measure.ts'
import { type Options, parseOptions, usage } from './options.ts'
import { comparisonJson, renderComparison } from './report.ts'
import { summarizeComparison } from './summary.ts'

const exitCodes = { fine: 0, goalNotMet: 1, usage: 2, invalid: 3, interrupted: 130 } as const

async function run(options: Options): Promise<number> {
  const interrupt = new AbortController()
  const onInterrupt = (): void => interrupt.abort()
  process.on('SIGINT', onInterrupt).on('SIGTERM', onInterrupt)
  const reporter = new ProgressReporter({
    isTTY: process.stderr.isTTY === true,
    columns: process.stderr.columns ?? 80,
    write: (text) => process.stderr.write(text),
  })
  const comparison = await compare(options, (now) => reporter.show(now), interrupt.signal)
  reporter.end()
  process.off('SIGINT', onInterrupt).off('SIGTERM', onInterrupt)
  const summaries = summarizeComparison(comparison.cells, options.seed)
  if (options.jsonFile !== null)
    writeFileSync(options.jsonFile, comparisonJson(comparison, summaries, options))
  process.stdout.write(renderComparison(comparison, summaries, options))
  if (comparison.interrupted) return exitCodes.interrupted
  if (summaries.some(({ problems }) => problems.length > 0)) return exitCodes.invalid
  const missed = summaries.some(({ ratios }) => ratios.some(({ met }) => !met))
  return missed ? exitCodes.goalNotMet : exitCodes.fine
}

async function main(): Promise<number> {
  const options = parseOptions(process.argv.slice(2))
  if (options === null) {
    process.stdout.write(usage)
    return exitCodes.fine
  }
  // Before minutes of measuring, not after them.
  if (options.jsonFile !== null) checkWritable(options.jsonFile)
  return run(options)
}

try {
  process.exitCode = await main()
} catch (error) {
  if (!(error instanceof UsageError)) throw error
  process.stderr.write(`${error.message}\n`)
  process.exitCode = exitCodes.usage
}
