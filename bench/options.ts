// The command line of a run, and its help. Pure: nothing is started here.
import { parseArgs } from 'node:util'
import { ladder } from '../transports/catalogue.ts'
import { auto } from '../transports/contract.ts'
import { UsageError } from '../transports/errors.ts'
import { optionLines, understood, whole } from './arguments.ts'
import { benchLimits, type Profile, type ProfileName, profiles } from './limits.ts'
import {
  capacityFields,
  deliveryFields,
  goalFields,
  idleFields,
  openingFields,
  recoveryFields,
  serviceFields,
} from './report/columns.ts'
import { slowFields } from './report/slow.ts'
import { scenarioGroups, scenarios, scenariosOf, transportsOf } from './scenarios/all.ts'
import { faultForm, faultHelp, faultKinds, parseFault } from './servers/faults.ts'
import type { Settings } from './settings.ts'
import { transportNames, transportOf } from './subjects.ts'
import { oneOf, unknownText } from './suggest.ts'
import { parseThreshold, type Threshold, thresholdMetrics } from './threshold.ts'

/** Where results go beside the screen; null: nowhere. */
export interface Files {
  readonly json: string | null
  readonly html: string | null
  readonly markdown: string | null
}

export interface RunCommand {
  readonly kind: 'run'
  readonly settings: Settings
  readonly files: Files
  /** Whether a JSON and an HTML file go to `bench/results/`. */
  readonly results: boolean
  readonly thresholds: readonly Threshold[]
}

export type Command = RunCommand | { readonly kind: 'text'; readonly text: string }

export const profileNames = Object.keys(profiles) as readonly ProfileName[]

/** What changes a run, wherever one is made: also in `ab`. */
export const settingsOptions = {
  profile: {
    type: 'string',
    value: 'NAME',
    help: `${profileNames.join(', ')}; standard without it. The list command tells how long each takes.`,
  },
  quick: { type: 'boolean', help: '--profile quick: within a minute and a half, not citable.' },
  full: { type: 'boolean', help: '--profile full: everything, in longer cells.' },
  scenario: {
    type: 'string',
    multiple: true,
    value: 'NAME,…',
    help: 'Which scenarios; also without the flag: `npm run bench -- fanout burst`.',
  },
  transports: {
    type: 'string',
    multiple: true,
    value: 'NAME,…',
    help: 'Which transports take part. auto: the steps of its ladder.',
  },
  seed: {
    type: 'string',
    value: 'N',
    help: 'Of schedules, orders and intervals; drawn and printed without it.',
  },
  blocks: { type: 'string', value: 'N', help: 'Passes over all subjects, or rounds of a goal.' },
  'window-ms': { type: 'string', value: 'MS', help: 'How long each cell is measured.' },
  subscribers: { type: 'string', multiple: true, value: 'N,…', help: 'Sizes of the room, a table each.' },
  rate: { type: 'string', value: 'N', help: 'Messages a second.' },
  'no-tls': { type: 'boolean', help: 'Plain sockets for everyone, without what needs HTTP/2.' },
  'no-pin': { type: 'boolean', help: 'Leave the processes to the scheduler.' },
  cores: { type: 'string', value: 'S,G', help: 'Cores of server and generator; the last two without it.' },
  'keep-disturbed': {
    type: 'boolean',
    help: 'Count blocks that something else disturbed: on a machine that is never quiet. Not citable.',
  },
} as const

const fileOptions = {
  json: {
    type: 'string',
    value: 'FILE',
    help: 'Everything measured; the schema is bench/results.schema.json.',
  },
  html: { type: 'string', value: 'FILE', help: 'The report, one file that needs no network.' },
  markdown: { type: 'string', value: 'FILE', help: 'The tables, for a pull request.' },
  'no-results': { type: 'boolean', help: 'Write nothing to bench/results/.' },
} as const

const optionTable = {
  ...settingsOptions,
  ...fileOptions,
  max: {
    type: 'string',
    multiple: true,
    value: 'BOUND,…',
    help: "Exit with 1 where a ranked row of Parley's is above: [SCENARIO/][TRANSPORT/]METRIC=NUMBER.",
  },
  fault: { type: 'string', value: 'FAULT', help: 'Be wrong on purpose: a test of the bench; see below.' },
  help: { type: 'boolean', help: 'This text.' },
} as const

/** Reads the arguments of `run`. Throws a `UsageError` with one line. `drawSeed`: where no seed is given. */
export function parseOptions(args: readonly string[], drawSeed: () => number): Command {
  const { values, positionals } = understood(() =>
    parseArgs({ args: [...args], options: optionTable, allowPositionals: true }),
  )
  if (values.help === true) return { kind: 'text', text: helpText() }
  const settings = settingsFrom(values, positionals, drawSeed)
  const names = { scenarios: scenarios.map(({ name }) => name), transports: transportNames }
  return {
    kind: 'run',
    settings: values.fault === undefined ? settings : withFault(settings, values.fault),
    files: { json: values.json ?? null, html: values.html ?? null, markdown: values.markdown ?? null },
    results: values['no-results'] !== true,
    thresholds: items(values.max).map((text) => parseThreshold(text, names)),
  }
}

/** What `parseArgs` makes of `settingsOptions`. */
export interface SettingsValues {
  readonly profile?: string
  readonly quick?: boolean
  readonly full?: boolean
  readonly scenario?: readonly string[]
  readonly transports?: readonly string[]
  readonly seed?: string
  readonly blocks?: string
  readonly 'window-ms'?: string
  readonly subscribers?: readonly string[]
  readonly rate?: string
  readonly 'no-tls'?: boolean
  readonly 'no-pin'?: boolean
  readonly cores?: string
  readonly 'keep-disturbed'?: boolean
}

/** The settings that the options ask for. Throws a `UsageError` with one line. */
export function settingsFrom(
  values: SettingsValues,
  positionals: readonly string[],
  drawSeed: () => number,
): Settings {
  const profileName = profileFrom(values)
  const named = items(values.transports)
  const settings: Settings = {
    profileName,
    profile: adjusted(profiles[profileName], values),
    scenarios: scenarioNames([...items(values.scenario), ...positionals], profileName),
    transports: transportsFrom(named, profileName),
    ...(named.length > 0 ? { namesTransports: true } : {}),
    seed: values.seed === undefined ? drawSeed() : whole('--seed', values.seed, 0, 2 ** 32 - 1),
    secure: values['no-tls'] !== true,
    pin: values['no-pin'] !== true,
    cores: values.cores === undefined ? null : coresFrom(values.cores),
    fault: null,
    ...(values['keep-disturbed'] === true ? { keepsDisturbed: true } : {}),
  }
  if (!settings.secure && settings.transports.every((name) => transportOf(name).plain === null)) {
    throw new UsageError('None of these transports runs without TLS.')
  }
  return settings
}

function profileFrom({ profile, quick, full }: SettingsValues): ProfileName {
  const asked = [
    ...(profile === undefined ? [] : [oneOf('profile', profile, profileNames) as ProfileName]),
    ...(quick === true ? (['quick'] as const) : []),
    ...(full === true ? (['full'] as const) : []),
  ]
  if (new Set(asked).size > 1) throw new UsageError(`One profile at a time, not ${asked.join(' and ')}.`)
  return asked[0] ?? 'standard'
}

function items(lists: readonly string[] | undefined): readonly string[] {
  return (lists ?? []).flatMap((list) => list.split(',')).filter((item) => item !== '')
}

/** Every name that a run takes, groups included. */
export const scenarioWords: readonly string[] = [
  ...scenarios.map((scenario) => scenario.name),
  ...Object.keys(scenarioGroups),
]

function scenarioNames(asked: readonly string[], profileName: ProfileName): readonly string[] {
  if (asked.length === 0) return scenariosOf(profileName)
  const names = asked.flatMap((name) => scenarioGroups[name] ?? [oneOf('scenario', name, scenarioWords)])
  return [...new Set(names)]
}

function transportsFrom(asked: readonly string[], profileName: ProfileName): readonly string[] {
  if (asked.length === 0) return transportsOf(profileName)
  const known = [auto, ...transportNames]
  const names = asked.flatMap((name) => (oneOf('transport', name, known) === auto ? ladder : [name]))
  return [...new Set(names)]
}

function coresFrom(text: string): readonly [number, number] {
  const [server, generator, ...rest] = text.split(',').map((core) => whole('--cores', core, 0, 4095))
  if (server !== undefined && generator !== undefined && rest.length === 0) return [server, generator]
  throw new UsageError(`--cores is the server's core and the generator's, as in 2,3, not "${text}".`)
}

function withFault(settings: Settings, text: string): Settings {
  try {
    parseFault(text)
  } catch (error) {
    const [name = ''] = text.split('=')
    const known = faultKinds.some((kind) => kind === name)
    const explained = known ? String((error as Error).message) : unknownText('fault', name, faultKinds)
    throw new UsageError(explained, { cause: error })
  }
  return { ...settings, fault: text }
}

interface Changes {
  readonly blocks: number | null
  readonly windowMs: number | null
  readonly ratePerSecond: number | null
  readonly subscribers: readonly number[]
}

/** The profile with what the options change, in every scenario that has it. */
function adjusted(profile: Profile, values: SettingsValues): Profile {
  const given = (option: string, text: string | undefined, least: number, most: number): number | null =>
    text === undefined ? null : whole(option, text, least, most)
  const changes: Changes = {
    blocks: given('--blocks', values.blocks, 1, 1000),
    windowMs: given('--window-ms', values['window-ms'], 100, 600_000),
    ratePerSecond: given('--rate', values.rate, 1, 10_000),
    subscribers: items(values.subscribers).map((size) =>
      whole('--subscribers', size, 1, benchLimits.subscribers),
    ),
  }
  const sections = Object.entries(profile).map(([name, section]) => [
    name,
    typeof section === 'object' ? adjustedSection(section, changes) : section,
  ])
  return { ...(Object.fromEntries(sections) as Profile), blocks: changes.blocks ?? profile.blocks }
}

/** Only what the section has is changed: a burst has no rate, say. */
function adjustedSection(section: object, changes: Changes): object {
  const { blocks, windowMs, ratePerSecond, subscribers } = changes
  const has = (name: string): boolean => name in section
  return {
    ...section,
    ...(blocks !== null && has('blocks') ? { blocks } : {}),
    ...(blocks !== null && has('rounds') ? { rounds: blocks } : {}),
    ...(windowMs !== null && has('windowMs') ? { windowMs } : {}),
    ...(ratePerSecond !== null && has('ratePerSecond') ? { ratePerSecond } : {}),
    ...(subscribers.length > 0 && has('subscribers') ? { subscribers } : {}),
  }
}

const exitText = [
  'Exit: 0 fine; 1 a goal or a --max is not met; 2 usage; 3 invalid (a gate says why: lost, doubled or reordered deliveries,',
  'another protocol, compression, a saturated generator, …); 130 interrupted (what was measured is kept).',
]

export function helpText(): string {
  const columns = (
    title: string,
    fields: readonly { readonly title: string; readonly help: string }[],
  ): readonly string[] => [
    '',
    `Columns of ${title}:`,
    ...fields.map((field) => `  ${field.title.padEnd(13)} ${field.help}`),
  ]
  return [
    'npm run bench [-- run] [-- SCENARIO… OPTIONS]',
    'What each transport costs: every delivery timed from its intended time, by an open loop.',
    'Other commands, each with its --help: compare, ab, report, calibrate, list.',
    '',
    ...optionLines(optionTable, 22),
    '',
    `Metrics of --max: ${thresholdMetrics.join(', ')} (ms; µs of server CPU and bytes down a delivery).`,
    '',
    'Faults:',
    ...faultKinds.map((kind) => `  ${faultForm(kind).padEnd(22)} ${faultHelp(kind)}`),
    ...columns('trickle, fanout, burst and others of deliveries', deliveryFields),
    ...columns('idle', idleFields),
    ...columns('ramp', capacityFields),
    ...columns('network cuts and storm', recoveryFields),
    ...columns('opening', openingFields),
    ...columns('saturate', serviceFields),
    ...columns('the goals', goalFields),
    ...columns('slow', slowFields),
    '',
    ...exitText,
    '',
    'Examples:',
    '  npm run bench -- --quick                             # all transports, in a minute and a half',
    '  npm run bench -- fanout --max p99=100,cpu=300        # fails where Parley is slower or dearer',
    '',
  ].join('\n')
}
