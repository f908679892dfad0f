// `npm run bench`: reads the options, measures, sums up, prints. The exit code says how it went.

import { writeFileSync } from 'node:fs'
import { UsageError } from '../transports/errors.ts'
import { checkWritable } from './arguments.ts'
import { measure } from './measure.ts'
import { parseOptions } from './options.ts'
import { renderJson } from './report/json.ts'
import { ProgressReporter } from './report/progress.ts'
import { renderScreen } from './report/screen.ts'
import type { Settings } from './settings.ts'
import { summarize } from './statistics/aggregate.ts'
import type { Summary } from './statistics/summary.ts'

const exitCodes = { fine: 0, goalNotMet: 1, usage: 2, invalid: 3, interrupted: 130 } as const

async function run(settings: Settings, jsonFile: string | null): Promise<number> {
  const interrupt = new AbortController()
  const onInterrupt = (): void => interrupt.abort()
  process.on('SIGINT', onInterrupt).on('SIGTERM', onInterrupt)
  const reporter = new ProgressReporter({
    isTTY: process.stderr.isTTY === true,
    columns: process.stderr.columns ?? 80,
    write: (text) => process.stderr.write(text),
  })
  const measured = await measure(settings, (now) => reporter.show(now), interrupt.signal)
  reporter.end()
  const summary = summarize(measured, settings.seed)
  if (jsonFile !== null) writeFileSync(jsonFile, renderJson(measured, settings, summary))
  process.stdout.write(renderScreen(summary, settings))
  process.off('SIGINT', onInterrupt).off('SIGTERM', onInterrupt)
  return exitCodeOf(summary)
}

function exitCodeOf(summary: Summary): number {
  if (summary.interrupted) return exitCodes.interrupted
  if (summary.problems.length > 0) return exitCodes.invalid
  const missed = summary.tables.some(
    (table) =>
      (table.kind === 'goal' || table.kind === 'slow') && table.rows.some((row) => row.goal?.met === false),
  )
  return missed ? exitCodes.goalNotMet : exitCodes.fine
}

async function main(): Promise<number> {
  const command = parseOptions(process.argv.slice(2), () => Math.floor(Math.random() * 1_000_000))
  if (command.kind === 'text') {
    process.stdout.write(command.text)
    return exitCodes.fine
  }
  const { jsonFile } = command
  // Before minutes of measuring, not after them.
  if (jsonFile !== null) checkWritable(jsonFile)
  return run(command.settings, jsonFile)
}

try {
  process.exitCode = await main()
} catch (error) {
  if (!(error instanceof UsageError)) throw error
  process.stderr.write(`${error.message}\n`)
  process.exitCode = exitCodes.usage
}
