// `npm run bench -- calibrate`: measures known quantities with the bench's own parts, a line for each with pass or fail.
import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { checkWritable, optionLines, understood } from '../arguments.ts'
import type { CheckResult } from '../calibrate/check.ts'
import { type Calibration, type CalibrationSettings, calibrate } from '../calibrate/run.ts'
import { type SettingsValues, settingsFrom } from '../options.ts'
import { renderTable, wrap } from '../report/table.ts'
import { hostLine } from '../report/words.ts'
import { exitCodes } from './exit-codes.ts'
import { listenForInterrupt } from './interrupt.ts'

const optionTable = {
  short: { type: 'boolean', help: 'Shorter windows, under 15 s in all, as in `npm test`.' },
  json: { type: 'string', value: 'FILE', help: 'Every figure, as JSON.' },
  seed: { type: 'string', value: 'N', help: 'Of the schedules; drawn and printed without it.' },
  'no-pin': { type: 'boolean', help: 'Leave the processes to the scheduler.' },
  cores: { type: 'string', value: 'S,G', help: 'Cores of server and generator; the last two without it.' },
  help: { type: 'boolean', help: 'This text.' },
} as const

const help = [
  'npm run bench -- calibrate [OPTIONS]',
  'Measures what is known beforehand: a delay, a stall, clocks, meters, a transport against itself. About a minute.',
  '',
  ...optionLines(optionTable, 22),
  '',
  'Columns:',
  '  result        PASS or FAIL.',
  '  check         The known quantity; what is done stands below the table.',
  '  figure        What the bench read.',
  '  bound         What it must keep to.',
  '  tries         A check that fails is measured again, twice at most: a busy machine can fail any of them.',
  '',
  'Exit: 0 all pass, 1 one fails, 2 usage, 130 interrupted (what was measured is kept).',
  '',
  'Examples:',
  '  npm run bench -- calibrate',
  '  npm run bench -- calibrate --short --json calibration.json',
  '',
].join('\n')

/** What the A/A of a calibration runs: one table with one transport and its twin. */
export function calibrationSettings(
  values: Pick<SettingsValues, 'seed' | 'no-pin' | 'cores'> & { readonly short?: boolean },
  drawSeed: () => number,
): CalibrationSettings {
  const short = values.short === true
  const { seed, cores } = values
  const same = settingsFrom(
    {
      transports: ['websocket'],
      subscribers: ['10'],
      rate: '100',
      blocks: short ? '4' : '12',
      'window-ms': short ? '250' : '1000',
      'no-pin': values['no-pin'] === true,
      ...(seed === undefined ? {} : { seed }),
      ...(cores === undefined ? {} : { cores }),
    },
    ['fanout'],
    drawSeed,
  )
  return { same, short }
}

/** Resolves with the exit code. Throws a `UsageError` with one line. */
export async function calibrateCommand(args: readonly string[], drawSeed: () => number): Promise<number> {
  const { values } = understood(() => parseArgs({ args: [...args], options: optionTable }))
  if (values.help === true) {
    process.stdout.write(help)
    return exitCodes.fine
  }
  const settings = calibrationSettings(values, drawSeed)
  if (values.json !== undefined) checkWritable(values.json)
  const interrupt = listenForInterrupt()
  try {
    const tell = ({ name, passed }: CheckResult): void =>
      void process.stderr.write(`${passed ? 'PASS' : 'FAIL'} · ${name}\n`)
    const calibration = await calibrate(settings, tell, interrupt.signal)
    if (values.json !== undefined) {
      const document = { schema: 'parley-bench-calibration/1', ...calibration }
      writeFileSync(values.json, `${JSON.stringify(document, null, 1)}\n`)
    }
    process.stdout.write(`${calibrationLines(calibration).join('\n')}\n`)
    if (calibration.interrupted) return exitCodes.interrupted
    return calibration.results.every(({ passed }) => passed) ? exitCodes.fine : exitCodes.broken
  } finally {
    interrupt.release()
  }
}

/** The table, what each check does, and the verdict. */
export function calibrationLines(calibration: Calibration): readonly string[] {
  const { results, environment, seed, short, interrupted, durationMs } = calibration
  const columns = ['result', 'check', 'figure', 'bound', 'tries'].map((title) => ({
    title,
    align: title === 'tries' ? ('right' as const) : ('left' as const),
  }))
  const rows = results.map(({ passed, name, figure, bound, tries }) => [
    passed ? 'PASS' : 'FAIL',
    name,
    figure,
    bound,
    String(tries),
  ])
  const failed = results.filter(({ passed }) => !passed).length
  const verdict =
    failed === 0 ? `All ${results.length} checks pass` : `${failed} of ${results.length} checks FAIL`
  return [
    hostLine(environment),
    `seed ${seed} · ${Math.round(durationMs / 1000)} s${short ? ' · short: shorter windows' : ''}`,
    '',
    ...renderTable(columns, rows),
    '',
    ...results.flatMap(({ name, why }) => wrap(`${name}: ${why}`, 120, 2)),
    '',
    `${verdict}${interrupted ? '; interrupted before the others' : ''}.`,
  ]
}
