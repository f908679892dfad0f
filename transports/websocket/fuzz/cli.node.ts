// `npm run fuzz`: throws bytes at the WebSocket and says what came of it.
import { UsageError } from '../protocol/errors.ts'
import { readAgreement } from './agreement.ts'
import { faults } from './faults.ts'
import { connectOurs } from './listen.ts'
import { type FuzzOptions, type ReplayOptions, readOptions, usage } from './options.node.ts'
import { listenWithLibrary } from './reference.node.ts'
import { progressText, summaryText } from './report.ts'
import { runCampaign } from './run.node.ts'
import { makeTargets } from './targets.node.ts'

const exitCodes = { fine: 0, wrong: 1, usage: 2 } as const
const firstProgressMs = 2000
/** Where there is no terminal to write over a line on. */
const lineEveryMs = 5000

async function run(options: FuzzOptions): Promise<number> {
  const { stderr } = process
  const startMs = performance.now()
  let nextMs = startMs + firstProgressMs
  stderr.write(`seed ${options.seed}\n`)
  const summary = await runCampaign({
    ...options,
    progress(now) {
      if (performance.now() < nextMs) return
      nextMs = performance.now() + (stderr.isTTY ? 0 : lineEveryMs)
      const text = progressText(now, options)
      stderr.write(stderr.isTTY ? `\r\u001b[2K${text}` : `${text}\n`)
    },
  })
  if (stderr.isTTY) stderr.write('\r\u001b[2K')
  process.stdout.write(summaryText(summary, options))
  return summary.finding === null ? exitCodes.fine : exitCodes.wrong
}

/** One trace, told in full. */
async function replay({ target: name, trace, fault }: ReplayOptions): Promise<number> {
  const connect = fault === null ? connectOurs : (faults[fault] ?? connectOurs)
  const [target] = makeTargets([name], connect)
  if (target === undefined) throw new UsageError(`there is no target ${name}`)
  const { outcome, rule, finding } = await target.check({ trace, expected: null }, true)
  target.stop?.()
  const lines = [`${trace.length} bytes to ${name}`, `ours: ${outcome}`]
  const role = name === 'server' || name === 'server-deflate' ? 'server' : 'client'
  if (name === role || name === `${role}-deflate`) {
    const agreement = name === role ? null : readAgreement(trace)
    const events = await listenWithLibrary(role, trace.subarray(target.prefixBytes), agreement)
    lines.push(`ws:   ${events.join(', ') || 'nothing'}`)
    lines.push(
      finding !== null ? 'not explained' : rule === null ? 'they agree' : `explained by the rule ${rule}`,
    )
  }
  lines.push(finding === null ? 'Nothing is wrong.' : `WRONG: ${finding}`)
  process.stdout.write(`${lines.join('\n')}\n`)
  return finding === null ? exitCodes.fine : exitCodes.wrong
}

try {
  const options = readOptions(process.argv.slice(2), () => Math.floor(Math.random() * 2 ** 32))
  if (options === null) process.stdout.write(usage)
  else process.exitCode = await (options.kind === 'run' ? run(options) : replay(options))
} catch (error) {
  if (!(error instanceof UsageError)) throw error
  process.stderr.write(`${error.message}\n`)
  process.exitCode = exitCodes.usage
}
