// The command line of `npm run chaos`, and its help. Pure.

import { parseArgs } from 'node:util'
import { serverTransports } from '../../server/transports.ts'
import { ladder } from '../../transports/catalogue.ts'
import { auto } from '../../transports/contract.ts'
import { UsageError } from '../../transports/errors.ts'
import { optionLines, understood, whole } from '../arguments.ts'
import { faultKinds, faultTexts } from './faults.ts'
import { rungsOf } from './plan.ts'
import type { Settings } from './settings.ts'

export type Command =
  | { readonly kind: 'run'; readonly settings: Settings; readonly jsonFile: string | null }
  | { readonly kind: 'help'; readonly text: string }

/** Whatever the server offers, and the ladder over it. */
export const chaosTransports: readonly string[] = [...serverTransports.map(({ name }) => name), auto]

/** Enough that a short run gets through every fault on each of them. */
const clientsOfEach = 3
const leastClients = 12

const optionTable = {
  seconds: {
    type: 'string',
    value: 'N',
    help: 'How long faults are committed: 5 to 86400; default 60.',
  },
  seed: { type: 'string', value: 'N', help: 'Of every fault and every text; drawn and printed without it.' },
  transports: {
    type: 'string',
    value: 'A,B',
    help: `Of ${chaosTransports.join(', ')}; all without it.`,
  },
  clients: {
    type: 'string',
    value: 'N',
    help: 'Each with relays of its own: 1 to 100; three for each transport without it, 12 at least.',
  },
  rate: {
    type: 'string',
    value: 'N',
    help: 'Messages a second of all clients together: 1 to 1000; default 40.',
  },
  json: { type: 'string', value: 'FILE', help: 'The result as JSON; the schema is in bench/README.md.' },
  'keep-data': {
    type: 'string',
    value: 'DIR',
    help: "Keeps the database, the histories and the server's complaints in this new folder.",
  },
  help: { type: 'boolean', help: 'This text.' },
} as const

/** Reads the arguments. Throws a `UsageError` with one line. `drawSeed`: where no seed is given. */
export function parseOptions(args: readonly string[], drawSeed: () => number): Command {
  const values = parsed(args)
  if (values.help === true) return { kind: 'help', text: helpText() }
  const transports = transportsOf(values.transports)
  return {
    kind: 'run',
    settings: {
      seconds: whole('--seconds', values.seconds ?? '60', 5, 86_400),
      seed: values.seed === undefined ? drawSeed() : whole('--seed', values.seed, 0, 2 ** 32 - 1),
      transports,
      clients:
        values.clients === undefined
          ? Math.max(leastClients, clientsOfEach * transports.length)
          : whole('--clients', values.clients, 1, 100),
      messagesPerSecond: whole('--rate', values.rate ?? '40', 1, 1000),
      keepFolder: values['keep-data'] ?? null,
    },
    jsonFile: values.json ?? null,
  }
}

function parsed(args: readonly string[]) {
  return understood(
    () => parseArgs({ args: [...args], options: optionTable, strict: true, allowPositionals: false }).values,
  )
}

function transportsOf(text: string | undefined): readonly string[] {
  if (text === undefined) return chaosTransports
  const names = [...new Set(text.split(',').filter((name) => name !== ''))]
  for (const name of names) {
    if (!chaosTransports.some((known) => known === name))
      throw new UsageError(`There is no transport "${name}". Known: ${chaosTransports.join(', ')}.`)
  }
  if (names.length === 0) throw new UsageError('--transports names one at least.')
  if (names.includes(auto) && rungsOf(names).length === 0)
    throw new UsageError(`"${auto}" needs one of ${ladder.join(', ')} beside it.`)
  return names
}

export function helpText(): string {
  const options = optionLines(optionTable, 20)
  return [
    'npm run chaos [-- OPTIONS]',
    'Clients on every transport post and read through relays that break, while the server is killed and started again.',
    'A checker then compares what each was told with the log on disk: nothing may be lost, doubled or out of order.',
    '',
    ...options,
    '',
    'Faults, each on each transport, three times at least (a run under a minute: its share, once at least):',
    ...faultKinds.map((kind) => `  ${kind.padEnd(20)} ${faultTexts[kind]}`),
    '',
    'Exit: 0 passed, 1 something was lost, doubled, out of order or stuck, or there were too few faults or messages,',
    '2 usage, 3 the harness could not do its work, 130 interrupted (what was found is printed and kept).',
    '',
  ].join('\n')
}
