// The command line of `npm run equivalence`. Pure.

import { parseArgs } from 'node:util'
import type { TransportName } from '../../transports/contract.ts'
import { UsageError } from '../../transports/errors.ts'
import { understood, whole } from '../arguments.ts'
import { type Fault, faults } from './faults.ts'
import { usualJobs } from './matrix.ts'
import { transportNames } from './stage.ts'

export interface EquivalenceOptions {
  readonly transports: readonly TransportName[]
  readonly faults: readonly Fault[]
  readonly seed: number
  readonly jobs: number
  readonly verbose: boolean
  readonly jsonFile: string | null
  /** Whether docs/equivalence.md is written. */
  readonly write: boolean
}

export const usage = `npm run equivalence [-- OPTIONS]
Plays every transport under every fault, over real sockets, and judges order, once, resume, bounded and closed.

  --transports A,B  some of ${transportNames.join(', ')}
  --faults A,B      some of ${faults.map(({ name }) => name).join(', ')}
  --seed N          of delays, retries and the like (default: 1)
  --jobs N          cells at a time (default: ${usualJobs})
  --verbose         what each cell measured
  --json FILE       the same, for programs
  --write           write docs/equivalence.md, when all was played
  --help            this text

Exit: 0 all hold, 1 one does not, 2 usage, 130 interrupted.
`

/** Reads the arguments; null for \`--help\`. Throws a \`UsageError\` with one line. */
export function parseOptions(args: readonly string[]): EquivalenceOptions | null {
  const values = parsed(args)
  if (values.help === true) return null
  const chosen = chosenOf(
    'fault',
    values.faults,
    faults.map(({ name }) => name),
  )
  const transports = chosenOf('transport', values.transports, transportNames)
  const write = values.write === true
  if (write && (chosen.length < faults.length || transports.length < transportNames.length))
    throw new UsageError('--write needs all transports and all faults.')
  return {
    transports,
    faults: faults.filter(({ name }) => chosen.includes(name)),
    seed: whole('--seed', values.seed ?? '1', 0, 2 ** 32 - 1),
    jobs: whole('--jobs', values.jobs ?? String(usualJobs), 1, 100),
    verbose: values.verbose === true,
    jsonFile: values.json ?? null,
    write,
  }
}

function parsed(args: readonly string[]) {
  const string = { type: 'string' } as const
  const boolean = { type: 'boolean' } as const
  return understood(
    () =>
      parseArgs({
        args: [...args],
        options: {
          transports: string,
          faults: string,
          seed: string,
          jobs: string,
          json: string,
          verbose: boolean,
          write: boolean,
          help: boolean,
        },
      }).values,
  )
}

function chosenOf(what: string, list: string | undefined, known: readonly string[]): readonly string[] {
  if (list === undefined) return known
  const asked = list.split(',').map((name) => name.trim())
  const stranger = asked.find((name) => !known.includes(name))
  if (stranger !== undefined)
    throw new UsageError(`There is no ${what} "${stranger}". Known: ${known.join(', ')}.`)
  return known.filter((name) => asked.includes(name))
}
