// The command line of `npm run mutants`. Pure.

import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { UsageError } from '../../transports/errors.ts'
import { understood, whole } from '../arguments.ts'
import { mutants } from './catalogue/all.ts'
import { checks } from './checks.ts'
import type { Mutant } from './mutant.ts'

export type Command =
  | { readonly kind: 'text'; readonly text: string }
  | {
      readonly kind: 'run'
      readonly mutants: readonly Mutant[]
      readonly jobs: number
      readonly jsonFile: string | null
    }

const usage = `npm run mutants [-- NAME… OPTIONS]
Breaks Parley on purpose, one way at a time, in a copy of the working tree, and shows which check notices.

  NAME        some mutants, or all whose names begin so (default: all ${mutants.length})
  --jobs N    how many at a time (default: a third of the cores)
  --json FILE every verdict, with the test that failed
  --list      the mutants, what they break, and what should catch them
  --help      this text

First each check runs as it is: when one fails then, nothing is said of mutants. A check that hangs counts as having
caught a mutant only when it takes four times as long as without it.

Exit: 0 all are caught, 1 one survived, 2 usage, 3 a check fails without a mutant, or a mutant is stale or can't be
loaded, 130 interrupted.
`

/** Reads the arguments. Throws a `UsageError` with one line. */
export function parseOptions(args: readonly string[], cores = availableParallelism()): Command {
  const { values, positionals } = parsed(args)
  if (values.help === true) return { kind: 'text', text: usage }
  const chosen = chosenMutants(positionals)
  if (values.list === true) return { kind: 'text', text: listText(chosen) }
  const jobs =
    values.jobs === undefined ? Math.max(1, Math.floor(cores / 3)) : whole('--jobs', values.jobs, 1, 999)
  return { kind: 'run', mutants: chosen, jobs, jsonFile: values.json ?? null }
}

function parsed(args: readonly string[]) {
  return understood(() =>
    parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        jobs: { type: 'string' },
        json: { type: 'string' },
        list: { type: 'boolean' },
        help: { type: 'boolean' },
      },
    }),
  )
}

function chosenMutants(names: readonly string[]): readonly Mutant[] {
  if (names.length === 0) return mutants
  for (const name of names) {
    if (!mutants.some((mutant) => mutant.name.startsWith(name)))
      throw new UsageError(`There is no mutant "${name}". See --list.`)
  }
  return mutants.filter((mutant) => names.some((name) => mutant.name.startsWith(name)))
}

function listText(chosen: readonly Mutant[]): string {
  const lines = chosen.flatMap(({ name, breaks, caughtBy, only, file }) => [
    name,
    `  ${breaks}`,
    `  ${file}; should be caught by ${caughtBy}${only === undefined ? '' : `, tests with "${only}"`}`,
  ])
  const about = Object.values(checks).map(({ name, what }) => `  ${name.padEnd(12)} ${what}`)
  return `${[...lines, '', 'Checks:', ...about].join('\n')}\n`
}
