// The comparison's command line. Pure.

import { parseArgs } from 'node:util'
import { UsageError } from '../../transports/errors.ts'
import { understood } from '../arguments.ts'
import { type ServerName, serverNames, workloads } from './workloads.ts'

export interface Options {
  readonly rounds: number
  readonly windowMs: number
  readonly warmUpMs: number
  readonly only: readonly string[]
  readonly servers: readonly ServerName[]
  readonly seed: number
  readonly pin: boolean
  readonly cores: readonly [number, number] | null
  readonly jsonFile: string | null
}

export const usage = `npm run bench:websocket [-- OPTIONS]
Server CPU a message of the hand-built WebSocket, of the ws library and of bare TCP sockets, in interleaved rounds.

  --json FILE       everything measured, and the ratios
  --rounds N        how often each server is measured under each load (default: 12)
  --seconds S       how long, after the warm-up; parts of a second too (default: 2)
  --warm-up S       before that (default: 1)
  --only NAME,…     some of ${workloads.map(({ name }) => name).join(', ')}
  --servers NAME,…  some of ${serverNames.join(', ')}
  --cores S,G       cores of server and generator; the last two without it
  --no-pin          leave the processes to the scheduler
  --seed N          of the intervals (default: 1)
  --help            this text

Exit: 0 all goals are met, 1 one is not, 2 usage, 3 a cell failed, 130 interrupted (what was measured is kept).
`

/** Reads the arguments; null for `--help`. Throws a UsageError with one line. */
export function parseOptions(args: readonly string[]): Options | null {
  const values = parsed(args)
  if (values.help === true) return null
  return {
    rounds: number('--rounds', values.rounds ?? '12', 1, 1000),
    windowMs: 1000 * number('--seconds', values.seconds ?? '2', 0.05, 600),
    warmUpMs: 1000 * number('--warm-up', values['warm-up'] ?? '1', 0, 600),
    only: names(
      'workload',
      values.only,
      workloads.map(({ name }) => name),
    ),
    servers: names('server', values.servers, serverNames) as readonly ServerName[],
    seed: number('--seed', values.seed ?? '1', 0, 2 ** 32 - 1),
    pin: values['no-pin'] !== true,
    cores: values.cores === undefined ? null : coresFrom(values.cores),
    jsonFile: values.json ?? null,
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
          json: string,
          rounds: string,
          seconds: string,
          'warm-up': string,
          only: string,
          servers: string,
          cores: string,
          'no-pin': boolean,
          seed: string,
          help: boolean,
        },
      }).values,
  )
}

function number(option: string, text: string, least: number, most: number): number {
  const whole = Number.isInteger(least)
  const value = (whole && !option.startsWith('--warm') ? /^\d{1,10}$/ : /^\d{1,6}(\.\d{1,3})?$/).test(text)
    ? Number(text)
    : Number.NaN
  if (value >= least && value <= most) return value
  throw new UsageError(`${option} is a number from ${least} to ${most}, not "${text}".`)
}

function names(what: string, list: string | undefined, known: readonly string[]): readonly string[] {
  if (list === undefined) return known
  const asked = list.split(',')
  const stranger = asked.find((name) => !known.includes(name))
  if (stranger !== undefined)
    throw new UsageError(`There is no ${what} "${stranger}". Known: ${known.join(', ')}.`)
  return known.filter((name) => asked.includes(name))
}

function coresFrom(text: string): readonly [number, number] {
  const [, server, generator] = /^(\d{1,4}),(\d{1,4})$/.exec(text) ?? []
  if (server !== undefined && generator !== undefined) return [Number(server), Number(generator)]
  throw new UsageError(`--cores is the server's core and the generator's, as in 2,3, not "${text}".`)
}
