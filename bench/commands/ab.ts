// `npm run bench -- ab --old REF`: two builds of the server in one run, both alive, alternating.
import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { messageOf, UsageError } from '../../transports/errors.ts'
import { checkWritable, optionLines, understood } from '../arguments.ts'
import { documentOf } from '../document.ts'
import { measure } from '../measure.ts'
import { type SettingsValues, settingsFrom, settingsOptions } from '../options.ts'
import { planRun } from '../plan.ts'
import { startParley } from '../processes.ts'
import { hostLine } from '../report/words.ts'
import { scenarios } from '../scenarios/all.ts'
import { makeCertificate } from '../servers/certificate.ts'
import type { Settings } from '../settings.ts'
import { summarize } from '../statistics/aggregate.ts'
import { compareBuilds } from '../statistics/compare.ts'
import { abPlan } from './ab-plan.ts'
import { changeLines, isRegression } from './changes.ts'
import { changeOptions, columnHelp, leastShareFrom } from './compare.ts'
import { exitCodes } from './exit-codes.ts'
import { listenForInterrupt } from './interrupt.ts'
import { checkOut, type OldTree } from './old-tree.ts'
import { newReporter } from './run.ts'

const optionTable = {
  old: { type: 'string', value: 'REF', help: 'The commit to compare with: a hash, a branch, HEAD~3.' },
  install: {
    type: 'boolean',
    help: 'Install its packages (npm ci) where its package-lock.json is another one.',
  },
  ...settingsOptions,
  ...changeOptions,
} as const

const help = [
  'npm run bench -- ab --old REF [-- SCENARIO… OPTIONS]',
  "What a change of the server does: the tree's server and that of an older commit are alive at once and take turns within each block,",
  "in random order. Load generator and clients are this tree's for both. Without more: websocket in fanout.",
  '',
  ...optionLines(optionTable, 22),
  ...columnHelp,
  'Exit: 0 nothing is worse; 1 something is worse by more than the margin; 2 usage, or an old server that does not start;',
  '3 invalid; 130 interrupted (what was measured is kept).',
  '',
  'Examples:',
  '  npm run bench -- ab --old main --quick',
  '  npm run bench -- ab --old HEAD~5 fanout --transports polling,websocket --min-effect 10',
  '',
].join('\n')

/** Resolves with the exit code. Throws a `UsageError` with one line. */
export async function abCommand(args: readonly string[], drawSeed: () => number): Promise<number> {
  const { values, positionals } = understood(() =>
    parseArgs({ args: [...args], options: optionTable, allowPositionals: true }),
  )
  if (values.help === true) {
    process.stdout.write(help)
    return exitCodes.fine
  }
  if (values.old === undefined) throw new UsageError('ab needs --old REF, the commit to compare with.')
  const leastShare = leastShareFrom(values['min-effect'])
  const settings = abSettings(values, positionals, drawSeed)
  if (values.json !== undefined) checkWritable(values.json)
  // Before the checkout: a signal then finds somebody who listens.
  const interrupt = listenForInterrupt()
  let tree: OldTree | null = null
  try {
    tree = checkOut(values.old, values.install === true)
    await checkStarts(tree, values.old)
    return await compareWith(tree, { settings, leastShare, json: values.json ?? null }, interrupt.signal)
  } finally {
    tree?.remove()
    interrupt.release()
  }
}

function abSettings(
  values: SettingsValues,
  positionals: readonly string[],
  drawSeed: () => number,
): Settings {
  const named = [...(values.scenario ?? []), ...positionals]
  const settings = settingsFrom(
    { ...values, transports: values.transports ?? ['websocket'] },
    named.length === 0 ? ['fanout'] : positionals,
    drawSeed,
  )
  checkComparable(settings.scenarios)
  return settings
}

/** Throws a `UsageError` for a scenario whose blocks don't alternate: two builds can't take turns in it. */
export function checkComparable(names: readonly string[]): void {
  const able = scenarios.filter(({ interleaved }) => interleaved === true).map(({ name }) => name)
  const other = names.find((name) => !able.includes(name))
  if (other === undefined) return
  throw new UsageError(`ab can't compare two builds by ${other}, only by ${able.join(', ')}.`)
}

/** Before minutes of measuring. */
async function checkStarts(tree: OldTree, ref: string): Promise<void> {
  const certificate = await makeCertificate()
  try {
    const server = await startParley({ core: null, certificate, root: tree.folder })
    await server.stop()
  } catch (error) {
    const said = messageOf(error).replaceAll('\n', ' ')
    throw new UsageError(`The server of ${ref} does not start as this bench starts it: ${said}`, {
      cause: error,
    })
  } finally {
    certificate.remove()
  }
}

async function compareWith(
  tree: OldTree,
  options: { readonly settings: Settings; readonly leastShare: number; readonly json: string | null },
  signal: AbortSignal,
): Promise<number> {
  const { settings, leastShare, json } = options
  const reporter = newReporter()
  const plan = abPlan(planRun(settings), tree.folder, settings.seed)
  const run = await measure(settings, (now) => reporter.show(now), signal, plan)
  reporter.end()
  const summary = summarize(run, settings.seed, settings)
  const changes = compareBuilds(run.measurements, { leastShare })
  if (json !== null) {
    const document = documentOf(run, settings, summary)
    const content = { schema: 'parley-bench-ab/1', old: tree.commit, leastShare, changes, run: document }
    writeFileSync(json, `${JSON.stringify(content, null, 1)}\n`)
  }
  const { problems } = summary
  const lines = [
    hostLine(run.environment),
    `${run.interrupted ? 'Interrupted: what there is. ' : ''}${tree.commit} (old) → ${run.environment.commit} (new) · seed ${settings.seed} · generator and clients are the new tree's for both`,
    ...(problems.length > 0 ? ['INVALID', ...problems.map((problem) => `  ${problem}`)] : []),
    '',
    ...changeLines(changes),
  ]
  process.stdout.write(`${lines.join('\n')}\n`)
  if (run.interrupted) return exitCodes.interrupted
  if (problems.length > 0) return exitCodes.invalid
  return isRegression(changes) ? exitCodes.broken : exitCodes.fine
}
