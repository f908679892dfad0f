// What the command lines of the bench share: one-line complaints, whole numbers, files that can be written.
import { writeFileSync } from 'node:fs'
import { messageOf, UsageError } from '../transports/errors.ts'

/** Runs Node's `parseArgs`, which explains at length, and lets its first sentence stand as a `UsageError`. */
export function understood<Parsed>(parse: () => Parsed): Parsed {
  try {
    return parse()
  } catch (error) {
    const [line = ''] = messageOf(error).split(/\. |\n/)
    throw new UsageError(`${line.replace(/\.$/, '')}. See --help.`, { cause: error })
  }
}

/** Reads a whole number between two bounds. Throws a `UsageError` that names the option. */
export function whole(option: string, text: string, least: number, most: number): number {
  const value = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN
  if (value >= least && value <= most) return value
  throw new UsageError(`${option} is a whole number from ${least} to ${most}, not "${text}".`)
}

/** An option as the help shows it. `value`: what stands behind it, as in `--seed N`. */
export interface OptionHelp {
  readonly value?: string
  readonly help: string
}

/** One line an option, the texts in one column. */
export function optionLines(
  table: Readonly<Record<string, OptionHelp>>,
  columnCharacters: number,
): readonly string[] {
  return Object.entries(table).map(([name, { value, help }]) => {
    const option = value === undefined ? `--${name}` : `--${name} ${value}`
    return `  ${option.padEnd(columnCharacters)} ${help}`
  })
}

/** Throws a `UsageError` when a file can't be written: before minutes of work, not after them. */
export function checkWritable(file: string): void {
  try {
    writeFileSync(file, '', { flag: 'a' })
  } catch (error) {
    throw new UsageError(`${file} can't be written: ${messageOf(error)}`, { cause: error })
  }
}
