// `npm run bench`: measures, sums up, prints, and keeps the results.
import { documentOf } from '../document.ts'
import { measure } from '../measure.ts'
import type { RunCommand } from '../options.ts'
import { chooseCores } from '../processes.ts'
import { ProgressReporter } from '../report/progress.ts'
import { renderScreen } from '../report/screen.ts'
import { parseFault } from '../servers/faults.ts'
import type { Settings } from '../settings.ts'
import { summarize } from '../statistics/aggregate.ts'
import { brokenThresholds } from '../threshold.ts'
import { exitCodeOf } from './exit-codes.ts'
import { listenForInterrupt } from './interrupt.ts'
import { checkFiles, writeFiles, writeResults } from './outputs.ts'

/** Progress on standard error: one line on a terminal, a line now and then elsewhere. */
export function newReporter(): ProgressReporter {
  return new ProgressReporter({
    isTTY: process.stderr.isTTY === true,
    columns: process.stderr.columns ?? 80,
    write: (text) => process.stderr.write(text),
  })
}

/** Carries a run out; resolves with its exit code. */
export async function runCommand(command: RunCommand): Promise<number> {
  const { files, thresholds } = command
  checkFiles(files)
  const settings = withSharedCore(command.settings)
  const interrupt = listenForInterrupt()
  const reporter = newReporter()
  try {
    const measured = await measure(settings, (now) => reporter.show(now), interrupt.signal)
    reporter.end()
    const summary = summarize(measured, settings.seed, settings)
    const document = documentOf(measured, settings, summary)
    const broken = brokenThresholds(summary, thresholds)
    const places = [...writeFiles(document, files), ...(command.results ? writeResults(document) : [])]
    process.stdout.write(renderScreen(document, settings))
    for (const sentence of broken) process.stdout.write(`${sentence}\n`)
    for (const place of places) process.stdout.write(`Written: ${place}\n`)
    return exitCodeOf(summary, broken)
  } finally {
    interrupt.release()
  }
}

/** The fault `shared-core` needs to know which cores there are. */
function withSharedCore(settings: Settings): Settings {
  if (settings.fault === null || parseFault(settings.fault).kind !== 'shared-core') return settings
  const cores = chooseCores(settings.cores)
  return cores === null ? settings : { ...settings, pin: true, cores: [cores.server, cores.server] }
}
