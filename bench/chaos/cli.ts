// `npm run chaos`: reads the options, runs, judges, prints. The exit code says how it went.
import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { messageOf, UsageError } from '../../transports/errors.ts'
import { checkWritable } from '../arguments.ts'
import { describeEnvironment } from '../environment.ts'
import { parseOptions } from './options.ts'
import { progressText, renderJson, renderScreen } from './report.ts'
import { run } from './run.ts'
import type { Progress, Settings } from './settings.ts'
import { exitCodeOf, exitCodes, judgementOf } from './verdict.ts'

/** Between two lines where there is no terminal. */
const lineEveryMs = 5000

class Reporter {
  readonly #isTerminal = process.stderr.isTTY === true
  #lastMs = Number.NEGATIVE_INFINITY
  #lastPhase = ''

  show(now: Progress): void {
    const text = progressText(now)
    if (this.#isTerminal) {
      process.stderr.write(`\r\u001b[2K${text.slice(0, (process.stderr.columns ?? 80) - 1)}`)
    } else if (now.phase !== this.#lastPhase || performance.now() - this.#lastMs >= lineEveryMs) {
      this.#lastPhase = now.phase
      this.#lastMs = performance.now()
      process.stderr.write(`${text}\n`)
    }
  }

  end(): void {
    if (this.#isTerminal) process.stderr.write('\r\u001b[2K')
  }
}

async function chaos(settings: Settings, jsonFile: string | null): Promise<number> {
  const interrupt = new AbortController()
  const onSignal = (): void => {
    // The second one is meant.
    if (interrupt.signal.aborted) process.exit(exitCodes.interrupted)
    interrupt.abort()
  }
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal)
  process.stderr.write(`Seed ${settings.seed}.\n`)
  const reporter = new Reporter()
  try {
    const outcome = await run(settings, (now) => reporter.show(now), interrupt.signal)
    reporter.end()
    const judgement = judgementOf(outcome)
    const { commit, node } = describeEnvironment(null)
    if (jsonFile !== null) writeFileSync(jsonFile, renderJson(outcome, judgement, { commit, node }))
    process.stdout.write(renderScreen(outcome, judgement))
    return exitCodeOf(outcome, judgement)
  } catch (error) {
    reporter.end()
    process.stderr.write(`This is no proof: ${messageOf(error)}\n`)
    return exitCodes.invalid
  } finally {
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal)
  }
}

function checkFiles(settings: Settings, jsonFile: string | null): void {
  const { keepFolder } = settings
  if (keepFolder !== null && existsSync(keepFolder) && readdirSync(keepFolder).length > 0)
    throw new UsageError(`--keep-data takes a folder that is new or empty, and ${keepFolder} is not.`)
  if (jsonFile !== null) checkWritable(jsonFile)
}

async function main(): Promise<number> {
  const command = parseOptions(process.argv.slice(2), () => Math.floor(Math.random() * 1_000_000))
  if (command.kind === 'help') {
    process.stdout.write(command.text)
    return exitCodes.passed
  }
  // Before minutes of chaos, not after them.
  checkFiles(command.settings, command.jsonFile)
  return chaos(command.settings, command.jsonFile)
}

try {
  process.exitCode = await main()
} catch (error) {
  if (!(error instanceof UsageError)) throw error
  process.stderr.write(`${error.message}\n`)
  process.exitCode = exitCodes.usage
}
