// The command line: what it understands, what it refuses, and that the help explains every column.
import { describe, expect, it } from 'vitest'
import { ladder } from '../transports/catalogue.ts'
import { UsageError } from '../transports/errors.ts'
import { listText } from './commands/list.ts'
import { profiles } from './limits.ts'
import { type Command, parseOptions } from './options.ts'
import { deliveryFields } from './report/columns.ts'
import { slowFields } from './report/slow.ts'
import { scenarios } from './scenarios/all.ts'
import type { Settings } from './settings.ts'
import { transportNames } from './subjects.ts'

const parse = (...args: string[]): Command => parseOptions(args, () => 42)

function settingsOf(...args: string[]): Settings {
  const command = parse(...args)
  if (command.kind !== 'run') throw new Error('Not a run.')
  return command.settings
}

describe('parseOptions', () => {
  it('without arguments runs the usual scenarios with everything', () => {
    expect(settingsOf()).toEqual({
      profileName: 'standard',
      profile: profiles.standard,
      scenarios: scenarios.filter(({ usual }) => usual).map(({ name }) => name),
      transports: transportNames.filter((name) => name !== 'ws'),
      seed: 42,
      secure: true,
      pin: true,
      cores: null,
      fault: null,
    })
  })

  it('takes scenarios by flag, by comma and by place, each once', () => {
    expect(settingsOf('--scenario', 'fanout,saturate', '--scenario', 'fanout', 'trickle').scenarios).toEqual([
      'fanout',
      'saturate',
      'trickle',
    ])
  })

  it('knows the goals together and alone', () => {
    expect(settingsOf('goals').scenarios).toEqual(['goal-poll', 'goal-push', 'goal-send'])
    expect(settingsOf('goal-push').scenarios).toEqual(['goal-push'])
  })

  it('changes the profile', () => {
    const { profile, profileName } = settingsOf(
      '--quick',
      '--blocks',
      '4',
      '--window-ms',
      '900',
      '--subscribers',
      '7,70',
      '--rate',
      '9',
    )
    expect(profileName).toBe('quick')
    expect(profile.blocks).toBe(4)
    expect(profile.fanout).toMatchObject({ windowMs: 900, subscribers: [7, 70], ratePerSecond: 9 })
    expect(profile.trickle).toMatchObject({ windowMs: 900, subscribers: [7, 70], ratePerSecond: 9 })
    expect(profile.saturate).toMatchObject({ blocks: 4, windowMs: 900 })
    expect(profile.fanout).not.toHaveProperty('blocks')
    expect(profile.goals).toMatchObject({ rounds: 4, windowMs: 900 })
  })

  it('runs a reader that stops on request alone, and shorter when it is to be quick', () => {
    expect(settingsOf('slow').scenarios).toEqual(['slow'])
    expect(settingsOf('slow').profile.slow.stopMs).toBe(60_000)
    expect(settingsOf('slow', '--quick').profile.slow.stopMs).toBeLessThan(10_000)
    expect(settingsOf('slow', '--blocks', '3').profile.slow.blocks).toBe(3)
  })

  it('takes a seed, cores, transports, plain sockets and a file', () => {
    const command = parse(
      '--seed',
      '7',
      '--cores',
      '0,3',
      '--transports',
      'tcp,ws',
      '--no-tls',
      '--no-pin',
      '--json',
      'out.json',
      '--markdown',
      'out.md',
      '--no-results',
    )
    expect(command).toMatchObject({
      files: { json: 'out.json', html: null, markdown: 'out.md' },
      results: false,
      settings: { seed: 7, cores: [0, 3], transports: ['tcp', 'ws'], secure: false, pin: false },
    })
  })

  it.each([
    ['--scenario', 'nothing'],
    ['--transports', 'pigeon'],
    ['--seed', '-1'],
    ['--seed', '1.5'],
    ['--blocks', '0'],
    ['--blocks', 'many'],
    ['--window-ms', '10'],
    ['--subscribers', '5,0'],
    ['--subscribers', '1000000'],
    ['--cores', '1'],
    ['--fault', 'drop'],
    ['--fault', 'nagle=3'],
    ['--profile', 'slow'],
    ['--quick', '--full'],
    ['--max', 'p99'],
    ['--max', 'p99=-1'],
    ['--max', 'fast=3'],
    ['--max', 'fanout/tcp/p99=3'],
    ['--unknown', 'x'],
    ['--quick=yes', ''],
    ['--json', '--quick'],
  ])('refuses %s %s in one line', (...args) => {
    const refused = (): Command => parse(...args.filter((arg) => arg !== ''))
    expect(refused).toThrow(UsageError)
    expect(refused).toThrow(/^[^\n]+$/)
  })

  it('takes auto for the steps of its ladder, once each', () => {
    expect(settingsOf('opening', '--transports', 'auto,polling').transports).toEqual(ladder)
  })

  it('refuses transports that all need TLS without it', () => {
    expect(() => parse('--transports', 'http2-push', '--no-tls')).toThrow(UsageError)
  })

  it.each([
    ['--quick', 'quick'],
    ['--full', 'full'],
  ])('takes %s for --profile %s', (short, name) => {
    expect(settingsOf(short)).toEqual(settingsOf('--profile', name))
    expect(settingsOf(short).profileName).toBe(name)
  })

  it.each([
    [['--transports', 'websoket'], 'Did you mean websocket?'],
    [['fanuot'], 'Did you mean fanout?'],
    [['--fault', 'dorp=3'], 'Did you mean drop?'],
    [['--profile', 'standart'], 'Did you mean standard?'],
    [['--max', 'p9=3'], 'Did you mean p99?'],
  ])('suggests what %j may have meant', (args, words) => {
    expect(() => parse(...args)).toThrow(words)
  })

  it('reads bounds for a scenario, a transport, both or neither', () => {
    const command = parse('--max', 'p99=100,fanout/websocket/cpu=30.5', '--max', 'polling/bytes=200')
    expect(command).toMatchObject({
      thresholds: [
        { metric: 'p99', atMost: 100, scenario: null, transport: null },
        { metric: 'cpu', atMost: 30.5, scenario: 'fanout', transport: 'websocket' },
        { metric: 'bytes', atMost: 200, scenario: null, transport: 'polling' },
      ],
    })
  })

  it('lists every transport, and explains every column in a line of the help', () => {
    const list = listText([])
    for (const name of transportNames)
      expect(list).toMatchObject({ text: expect.stringContaining(`  ${name}`) })
    const help = parse('--help')
    for (const { title, help: line } of [...deliveryFields, ...slowFields]) {
      expect(line).not.toContain('\n')
      expect(help).toMatchObject({ text: expect.stringMatching(new RegExp(`^  ${title} +\\S`, 'm')) })
    }
  })
})
