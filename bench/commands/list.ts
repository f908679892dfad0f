// `npm run bench -- list`: scenarios, transports, faults and profiles, with about how long they take.
import { parseArgs } from 'node:util'
import { ladder } from '../../transports/catalogue.ts'
import { auto } from '../../transports/contract.ts'
import { understood } from '../arguments.ts'
import { profiles } from '../limits.ts'
import { type Command, profileNames } from '../options.ts'
import { planRun } from '../plan.ts'
import { durationText } from '../report/progress.ts'
import { renderTable } from '../report/table.ts'
import { scenarioGroups, scenarios, scenariosOf, transportsOf } from '../scenarios/all.ts'
import { faultForm, faultHelp, faultKinds } from '../servers/faults.ts'
import type { Settings } from '../settings.ts'
import { transportNames, transportOf } from '../subjects.ts'

const help = [
  'npm run bench -- list',
  'What can be run: scenarios, profiles, transports, faults, each in a line.',
  '',
  'Columns of the scenarios:',
  `  ${'scenario'.padEnd(13)} Its name: \`npm run bench -- NAME\`.`,
  ...profileNames.map(
    (name) =>
      `  ${name.padEnd(13)} About how long it takes alone in that profile; * where a run without names has it.`,
  ),
  `  ${'what it is'.padEnd(13)} In a sentence.`,
  '',
  'Exit: 0 fine, 2 usage.',
  '',
  'Examples:',
  '  npm run bench -- list',
  '  npm run bench -- list | grep fanout',
  '',
].join('\n')

/** Throws a `UsageError` of one line. */
export function listText(args: readonly string[]): Command {
  const options = { help: { type: 'boolean' } } as const
  const { values } = understood(() => parseArgs({ args: [...args], options }))
  return { kind: 'text', text: values.help === true ? help : listing() }
}

function listing(): string {
  const rows = scenarios.map(({ name, summary }) => [
    name,
    ...profileNames.map((profile) => {
      const star = scenariosOf(profile).includes(name) ? ' *' : '  '
      return `${durationText(estimateMs(profile, [name]))}${star}`
    }),
    summary,
  ])
  const columns = [
    { title: 'scenario', align: 'left' as const },
    ...profileNames.map((title) => ({ title: `${title}  `, align: 'right' as const })),
    { title: 'what it is', align: 'left' as const },
  ]
  const groups = Object.entries(scenarioGroups).map(([name, of]) => `  ${name.padEnd(14)} ${of.join(', ')}`)
  const nameWidth = Math.max(...transportNames.map((name) => name.length))
  const totals = profileNames.map((name) => {
    const usual = scenariosOf(name)
    return `  ${name.padEnd(14)} about ${durationText(estimateMs(name, usual))}: ${usual.join(', ')}`
  })
  return [
    'Scenarios, and about how long each takes (*: part of a run that names none):',
    ...renderTable(columns, rows),
    ...(groups.length > 0 ? ['', 'Names for several:', ...groups] : []),
    '',
    'Profiles (--profile NAME):',
    ...totals,
    '',
    'Transports (--transports NAME,…):',
    ...transportNames.map((name) => `  ${name.padEnd(nameWidth)} ${transportOf(name).summary}`),
    `  ${auto.padEnd(nameWidth)} the steps of its ladder: ${ladder.join(', ')}`,
    '',
    'Faults (--fault FAULT), to see that the bench notices:',
    ...faultKinds.map((kind) => `  ${faultForm(kind).padEnd(14)} ${faultHelp(kind)}`),
    '',
  ].join('\n')
}

function estimateMs(profileName: Settings['profileName'], names: readonly string[]): number {
  const steps = planRun({
    profileName,
    profile: profiles[profileName],
    scenarios: names,
    transports: transportsOf(profileName),
    seed: 1,
    secure: true,
    pin: true,
    cores: null,
    fault: null,
  })
  return steps.reduce((sum, step) => sum + step.estimateMs, 0)
}
