// `npm run equivalence`: plays the matrix, prints it, and writes its page.

import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { UsageError } from '../../transports/errors.ts'
import { checkWritable } from '../arguments.ts'
import { durationText } from '../report/progress.ts'
import { runMatrix } from './matrix.ts'
import { type EquivalenceOptions, parseOptions, usage } from './options.ts'
import { type Matrix, matrixJson, renderPage, renderScreen } from './report.ts'

const exitCodes = { fine: 0, broken: 1, usage: 2, interrupted: 130 } as const
const page = fileURLToPath(new URL('../../docs/equivalence.md', import.meta.url))

async function run(options: EquivalenceOptions): Promise<number> {
  const { transports, faults, seed, verbose, jsonFile, write } = options
  // Before a minute of playing, not after it.
  if (jsonFile !== null) checkWritable(jsonFile)
  const interrupt = new AbortController()
  const onInterrupt = (): void => interrupt.abort()
  process.on('SIGINT', onInterrupt).on('SIGTERM', onInterrupt)
  const startMs = performance.now()
  const progress = (done: number, all: number): void => {
    if (!process.stderr.isTTY) return
    const leftMs = ((performance.now() - startMs) / done) * (all - done)
    process.stderr.write(`\r\u001b[2K${done}/${all} · ${durationText(leftMs)} left`)
  }
  const cells = await runMatrix({ ...options, progress, signal: interrupt.signal })
  if (process.stderr.isTTY) process.stderr.write('\r\u001b[2K')
  process.off('SIGINT', onInterrupt).off('SIGTERM', onInterrupt)
  const durationMs = performance.now() - startMs
  const matrix: Matrix = { transports, faults, cells }
  if (jsonFile !== null) writeFileSync(jsonFile, matrixJson(matrix, { seed, durationMs }))
  if (write && !interrupt.signal.aborted) writeFileSync(page, renderPage(matrix))
  process.stdout.write(renderScreen(matrix, { verbose, seed, seconds: Math.round(durationMs / 1000) }))
  if (interrupt.signal.aborted) return exitCodes.interrupted
  const isBroken = cells.some(({ verdicts }) => verdicts.some(({ result }) => result === 'broken'))
  return isBroken ? exitCodes.broken : exitCodes.fine
}

try {
  const options = parseOptions(process.argv.slice(2))
  if (options === null) process.stdout.write(usage)
  else process.exitCode = await run(options)
} catch (error) {
  if (!(error instanceof UsageError)) throw error
  process.stderr.write(`${error.message}\n`)
  process.exitCode = exitCodes.usage
}
