// The fuzzer's command line.
import { parseArgs } from 'node:util'
import { UsageError } from '../protocol/errors.ts'
import { fromHex } from './bytes.ts'
import { faults } from './faults.ts'
import { targetGroups, targetNames } from './target.ts'

export interface FuzzOptions {
  readonly kind: 'run'
  readonly seed: number
  readonly seconds: number | null
  readonly traces: number | null
  readonly targets: readonly string[]
  readonly fault: string | null
  readonly hangMs: number
}

export interface ReplayOptions {
  readonly kind: 'replay'
  readonly target: string
  readonly trace: Uint8Array
  readonly fault: string | null
}

const defaultSeconds = 20
const defaultHangMs = 10_000

export const usage = `Usage: npm run fuzz -- [--seconds N | --traces N] [--seed S] [--target NAME,…]
       npm run fuzz -- --target NAME --replay HEX

Throws mutated and random bytes, cut at random, at both roles and at the handshake, with and without compression, and
compares the decoder and the negotiation with those of the ws library. What our side sends compressed must come through.
What is wrong is shown with the shortest trace that shows it. A trace for server-deflate or client-deflate begins with a
byte that says what was agreed on, one for round-trip is a program for the sender.

  --seconds N    how long (default: ${defaultSeconds})
  --traces N     so many traces instead: then a seed gives the same digest every time
  --seed S       a whole number; drawn and printed without it
  --target NAME  some of ${targetNames.join(', ')}
${Object.entries(targetGroups)
  .map(([name, of]) => `                 ${name}: ${of.join(', ')}`)
  .join('\n')}
                 (default: all)
  --replay HEX   one trace, at many more splits, told in full
  --hang-ms MS   a trace that takes longer hangs (default: ${defaultHangMs})
  --fault NAME   commits a fault on purpose, to test the fuzzer:
                 ${Object.keys(faults).join(', ')}
  --help         print this

Exit: 0 nothing found, 1 something is wrong, 2 usage.
`

/** Reads the options; null for `--help`. Throws a UsageError. `drawSeed`: where none is given. */
export function readOptions(
  args: readonly string[],
  drawSeed: () => number,
): FuzzOptions | ReplayOptions | null {
  const values = parsed(args)
  if (values.help === true) return null
  const targets = targetsFrom(values.target)
  const fault = values.fault ?? null
  if (fault !== null && faults[fault] === undefined) throw new UsageError(`there is no fault ${fault}`)
  if (values.replay !== undefined) {
    const trace = fromHex(values.replay)
    const [target, ...others] = targets
    if (trace === null) throw new UsageError('--replay needs bytes in hex')
    if (target === undefined || others.length > 0) throw new UsageError('--replay needs one --target')
    return { kind: 'replay', target, trace, fault }
  }
  if (values.seconds !== undefined && values.traces !== undefined)
    throw new UsageError('give --seconds or --traces, not both')
  const traces = values.traces === undefined ? null : whole('--traces', values.traces, 2 ** 31 - 1)
  const seconds =
    traces !== null
      ? null
      : values.seconds === undefined
        ? defaultSeconds
        : whole('--seconds', values.seconds, 86_400)
  const seed = values.seed === undefined ? drawSeed() : whole('--seed', values.seed, 2 ** 32 - 1)
  const hangMs =
    values['hang-ms'] === undefined ? defaultHangMs : whole('--hang-ms', values['hang-ms'], 600_000)
  return { kind: 'run', seed, seconds, traces, targets, fault, hangMs }
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        seconds: { type: 'string' },
        traces: { type: 'string' },
        seed: { type: 'string' },
        target: { type: 'string' },
        replay: { type: 'string' },
        'hang-ms': { type: 'string' },
        fault: { type: 'string' },
        help: { type: 'boolean' },
      },
    }).values
  } catch (error) {
    const [line = ''] = (error instanceof Error ? error.message : String(error)).split('\n')
    throw new UsageError(`${line.replace(/\.$/, '')}. See --help.`, { cause: error })
  }
}

function targetsFrom(list: string | undefined): readonly string[] {
  if (list === undefined) return targetNames
  const names = list.split(',').flatMap((name) => targetGroups[name] ?? [name])
  for (const name of names) {
    if (!targetNames.some((known) => known === name))
      throw new UsageError(`there is no target ${name}: see --help`)
  }
  return [...new Set(names)]
}

function whole(option: string, text: string, most: number): number {
  const value = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN
  if (value <= most) return value
  throw new UsageError(`${option} is a whole number up to ${most}, not ${text}`)
}
