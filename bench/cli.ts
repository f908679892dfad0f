// `npm run bench`: finds the command, runs it. The exit code says how it went.
import { messageOf, UsageError } from '../transports/errors.ts'
import { abCommand } from './commands/ab.ts'
import { calibrateCommand } from './commands/calibrate.ts'
import { compareCommand } from './commands/compare.ts'
import { exitCodes } from './commands/exit-codes.ts'
import { listText } from './commands/list.ts'
import { reportCommand } from './commands/report.ts'
import { runCommand } from './commands/run.ts'
import { type Command, parseOptions, scenarioWords } from './options.ts'
import { unknownText } from './suggest.ts'

const drawSeed = (): number => Math.floor(Math.random() * 1_000_000)

const commands = new Map<string, (args: readonly string[]) => number | Promise<number>>([
  ['run', (args) => runOrTell(parseOptions(args, drawSeed))],
  ['compare', compareCommand],
  ['ab', (args) => abCommand(args, drawSeed)],
  ['report', reportCommand],
  ['calibrate', (args) => calibrateCommand(args, drawSeed)],
  ['list', (args) => runOrTell(listText(args))],
])

function runOrTell(command: Command): number | Promise<number> {
  if (command.kind === 'run') return runCommand(command)
  process.stdout.write(command.text)
  return exitCodes.fine
}

/** One line, and the stack for whoever asks. */
function crashText(error: unknown): string {
  const stack =
    process.env.PARLEY_BENCH_STACK === undefined || !(error instanceof Error) ? '' : `${error.stack}\n`
  return `The bench itself failed: ${messageOf(error)} Set PARLEY_BENCH_STACK=1 for the stack.\n${stack}`
}

/** A first word that is no command is the name of a scenario. */
function main(args: readonly string[]): number | Promise<number> {
  const [first = '', ...rest] = args
  const command = commands.get(first)
  if (command !== undefined) return command(rest)
  if (args.includes('--list')) return runOrTell(listText([]))
  const [name = ''] = first.split(',')
  if (name !== '' && !name.startsWith('-') && !scenarioWords.includes(name)) {
    throw new UsageError(unknownText('command or scenario', name, [...commands.keys(), ...scenarioWords]))
  }
  return runOrTell(parseOptions(args, drawSeed))
}

try {
  process.exitCode = await main(process.argv.slice(2))
} catch (error) {
  // A crash is no regression: nothing valid was measured.
  const usage = error instanceof UsageError
  process.stderr.write(usage ? `${error.message}\n` : crashText(error))
  process.exitCode = usage ? exitCodes.usage : exitCodes.invalid
}
