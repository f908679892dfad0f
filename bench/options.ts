// The bench's command line, and its help. Pure: nothing is started here.

import { parseArgs } from 'node:util'
import { UsageError } from '../transports/errors.ts'
import { optionLines, understood, whole } from './arguments.ts'
import { benchLimits, type Profile, profiles } from './limits.ts'
import { deliveryFields, goalFields, serviceFields } from './report/columns.ts'
import { slowFields } from './report/slow.ts'
import { scenarioGroups, scenarios } from './scenarios/all.ts'
import { parseFault } from './servers/faults.ts'
import type { Settings } from './settings.ts'
import { transportNames, transportOf } from './subjects.ts'

export type Command =
  | { readonly kind: 'run'; readonly settings: Settings; readonly jsonFile: string | null }
  | { readonly kind: 'text'; readonly text: string }

const optionTable = {
  quick: { type: 'boolean', help: 'Under 90 s in all: few blocks, not citable.' },
  scenario: {
    type: 'string',
    multiple: true,
    value: 'NAME,…',
    help: 'Which scenarios; also without the flag: `npm run bench -- goals`.',
  },
  transports: {
    type: 'string',
    multiple: true,
    value: 'NAME,…',
    help: 'Which transports take part in trickle and fanout.',
  },
  json: {
    type: 'string',
    value: 'FILE',
    help: 'Everything measured, as JSON; the schema is in bench/README.md.',
  },
  seed: {
    type: 'string',
    value: 'N',
    help: 'Of schedules, orders and intervals; drawn and printed without it.',
  },
  blocks: { type: 'string', value: 'N', help: 'Passes over all subjects, or rounds of a goal.' },
  'window-ms': { type: 'string', value: 'MS', help: 'How long each cell is measured.' },
  subscribers: {
    type: 'string',
    multiple: true,
    value: 'N,…',
    help: 'Sizes of the room in fanout; the first also in trickle.',
  },
  rate: { type: 'string', value: 'N', help: 'Messages a second in trickle and fanout.' },
  'no-tls': { type: 'boolean', help: 'Plain sockets for everyone, without HTTP/2 push.' },
  'no-pin': { type: 'boolean', help: 'Leave the processes to the scheduler.' },
  cores: { type: 'string', value: 'S,G', help: 'Cores of server and generator; the last two without it.' },
  fault: {
    type: 'string',
    value: 'drop=N',
    help: 'Makes tcp and ws drop (or double=N) every Nth delivery: a test of the bench.',
  },
  list: { type: 'boolean', help: 'The scenarios and the transports, and no run.' },
  help: { type: 'boolean', help: 'This text.' },
} as const

/** Reads the arguments. Throws a `UsageError` with one line. `drawSeed`: where no seed is given. */
export function parseOptions(args: readonly string[], drawSeed: () => number): Command {
  const { values, positionals } = parsed(args)
  if (values.help === true) return { kind: 'text', text: helpText() }
  if (values.list === true) return { kind: 'text', text: listText() }
  const profileName = values.quick === true ? 'quick' : 'standard'
  const settings: Settings = {
    profileName,
    profile: adjusted(profiles[profileName], values),
    scenarios: scenarioNames([...items(values.scenario), ...positionals]),
    transports: transportsFrom(items(values.transports)),
    seed: values.seed === undefined ? drawSeed() : whole('--seed', values.seed, 0, 2 ** 32 - 1),
    secure: values['no-tls'] !== true,
    pin: values['no-pin'] !== true,
    cores: values.cores === undefined ? null : coresFrom(values.cores),
    fault: values.fault === undefined ? null : faultFrom(values.fault),
  }
  if (!settings.secure && settings.transports.every((name) => transportOf(name).plain === null)) {
    throw new UsageError('None of these transports runs without TLS.')
  }
  return { kind: 'run', settings, jsonFile: values.json ?? null }
}

function parsed(args: readonly string[]) {
  return understood(() => parseArgs({ args: [...args], options: optionTable, allowPositionals: true }))
}

type Values = ReturnType<typeof parsed>['values']

function items(lists: readonly string[] | undefined): readonly string[] {
  return (lists ?? []).flatMap((list) => list.split(',')).filter((item) => item !== '')
}

function scenarioNames(asked: readonly string[]): readonly string[] {
  if (asked.length === 0)
    return scenarios.filter((scenario) => scenario.usual).map((scenario) => scenario.name)
  const known = [...scenarios.map((scenario) => scenario.name), ...Object.keys(scenarioGroups)]
  const names = asked.flatMap((name) => scenarioGroups[name] ?? [oneOf('scenario', name, known)])
  return [...new Set(names)]
}

function transportsFrom(asked: readonly string[]): readonly string[] {
  if (asked.length === 0) return transportNames
  return [...new Set(asked.map((name) => oneOf('transport', name, transportNames)))]
}

function oneOf(what: string, name: string, known: readonly string[]): string {
  if (known.includes(name)) return name
  throw new UsageError(`There is no ${what} "${name}". Known: ${known.join(', ')}.`)
}

function coresFrom(text: string): readonly [number, number] {
  const [server, generator, ...rest] = text.split(',').map((core) => whole('--cores', core, 0, 4095))
  if (server !== undefined && generator !== undefined && rest.length === 0) return [server, generator]
  throw new UsageError(`--cores is the server's core and the generator's, as in 2,3, not "${text}".`)
}

function faultFrom(text: string): string {
  try {
    parseFault(text)
    return text
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error))
  }
}

/** The profile with what the options change. */
function adjusted(profile: Profile, values: Values): Profile {
  const sizes = items(values.subscribers).map((size) =>
    whole('--subscribers', size, 1, benchLimits.subscribers),
  )
  const blocks = values.blocks === undefined ? null : whole('--blocks', values.blocks, 1, 1000)
  const windowMs =
    values['window-ms'] === undefined ? null : whole('--window-ms', values['window-ms'], 100, 600_000)
  const ratePerSecond = values.rate === undefined ? null : whole('--rate', values.rate, 1, 10_000)
  const { trickle, fanout, saturate, goals, slow } = profile
  return {
    trickle: {
      ...trickle,
      blocks: blocks ?? trickle.blocks,
      windowMs: windowMs ?? trickle.windowMs,
      ratePerSecond: ratePerSecond ?? trickle.ratePerSecond,
      subscribers: sizes[0] ?? trickle.subscribers,
    },
    fanout: {
      ...fanout,
      blocks: blocks ?? fanout.blocks,
      windowMs: windowMs ?? fanout.windowMs,
      ratePerSecond: ratePerSecond ?? fanout.ratePerSecond,
      subscribers: sizes.length > 0 ? sizes : fanout.subscribers,
    },
    saturate: { ...saturate, blocks: blocks ?? saturate.blocks, windowMs: windowMs ?? saturate.windowMs },
    goals: { ...goals, rounds: blocks ?? goals.rounds, windowMs: windowMs ?? goals.windowMs },
    slow: { ...slow, blocks: blocks ?? slow.blocks, windowMs: windowMs ?? slow.windowMs },
  }
}

function listText(): string {
  const names = scenarios.map(
    ({ name, summary, usual }) => `  ${name.padEnd(12)} ${summary}${usual ? '' : ' (on request)'}`,
  )
  const groups = Object.entries(scenarioGroups).map(([name, of]) => `  ${name.padEnd(12)} ${of.join(', ')}.`)
  const transports = transportNames.map((name) => `  ${name.padEnd(12)} ${transportOf(name).summary}`)
  return ['Scenarios:', ...names, ...groups, '', 'Transports:', ...transports, ''].join('\n')
}

export function helpText(): string {
  const options = optionLines(optionTable, 22)
  const columns = (fields: readonly { readonly title: string; readonly help: string }[]): readonly string[] =>
    fields.map(({ title, help }) => `  ${title.padEnd(13)} ${help}`)
  return [
    'npm run bench [-- SCENARIO… OPTIONS]',
    'What each transport costs: every delivery timed from its intended time, by an open loop.',
    '',
    ...options,
    '',
    'Columns of trickle and fanout:',
    ...columns(deliveryFields),
    '',
    'Columns of saturate:',
    ...columns(serviceFields),
    '',
    'Columns of the goals:',
    ...columns(goalFields),
    '',
    'Columns of slow:',
    ...columns(slowFields),
    '',
    'Exit: 0 fine, 1 a goal is not met, 2 usage, 3 invalid (lost, doubled or reordered deliveries, a wrong protocol,',
    'a cell that failed), 130 interrupted (what was measured is kept).',
    '',
  ].join('\n')
}
