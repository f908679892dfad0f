// The pure parts of chaos: plan, recovery, tally, minimums and verdict, options, report.
import { describe, expect, test } from 'vitest'
import { serverTransports } from '../../server/transports.ts'
import { ladder } from '../../transports/catalogue.ts'
import { auto } from '../../transports/contract.ts'
import { UsageError } from '../../transports/errors.ts'
import { randomStream } from '../random.ts'
import { expectedMs, faultKinds, linkFaults, livenessMs } from './faults.ts'
import { chaosTransports, helpText, parseOptions } from './options.ts'
import { type Card, Deck, hasLadder, heartbeatSecondsAt, rungsOf, serverActs, waitSecondsOf } from './plan.ts'
import { Publications, percentiles, RecoveryClock } from './recovery.ts'
import { progressText, renderJson, renderScreen } from './report.ts'
import type { Outcome, Progress } from './settings.ts'
import { Tally } from './tally.ts'
import { Trace } from './trace.ts'
import { exitCodeOf, judgementOf, minimumsOf } from './verdict.ts'

const all = (): boolean => true

function deal(seed: number, count: number): Card[] {
  const deck = new Deck(randomStream(seed, 'deck'), chaosTransports)
  return Array.from({ length: count }, () => deck.next(all)).filter((card) => card !== null)
}

describe('the plan', () => {
  const pairs = chaosTransports.length * linkFaults.length

  test('every fault on every transport once, before any comes again', () => {
    const names = deal(1, 2 * pairs).map(({ kind, transport }) => `${kind} ${transport}`)
    expect(new Set(names.slice(0, pairs)).size).toBe(pairs)
    expect(new Set(names.slice(pairs)).size).toBe(pairs)
  })

  test('the same seed, the same order; another seed, another', () => {
    expect(deal(5, 100)).toEqual(deal(5, 100))
    expect(deal(5, 100)).not.toEqual(deal(6, 100))
  })

  test('has everything that the server offers, and auto, for whoever has a ladder', () => {
    expect(chaosTransports).toEqual([...serverTransports.map(({ name }) => name), auto])
    expect(rungsOf(chaosTransports)).toEqual(ladder)
    expect(rungsOf(['polling', 'websocket', auto])).toEqual(['websocket', 'polling'])
    const climbers = chaosTransports.map((transport, index) => hasLadder(index, transport))
    expect(climbers.at(-1)).toBe(true)
    expect(climbers.slice(0, 2)).toEqual([false, true])
    expect(() => parseOptions(['--transports', 'auto,websocket-h2'], () => 1)).toThrow(UsageError)
    const { settings } = parseOptions([], () => 1) as { readonly settings: Outcome['settings'] }
    expect(settings.clients).toBe(Math.max(12, 3 * chaosTransports.length))
  })

  test('what fits is taken, what failed comes again first, and nothing is made up', () => {
    const deck = new Deck(randomStream(1, 'deck'), ['polling'])
    const card = deck.next(({ kind }) => kind === 'joined')
    expect(card).toEqual({ transport: 'polling', kind: 'joined' })
    if (card !== null) deck.again(card)
    expect(deck.next(all)).toBe(card)
    expect(deck.next(() => false)).toBeNull()
    expect(deck.next(({ transport }) => transport === 'websocket')).toBeNull()
  })

  test('one transport alone is never switched, which could not be done', () => {
    const deck = new Deck(randomStream(1, 'deck'), ['polling'])
    const kinds = Array.from({ length: 2 * linkFaults.length }, () => deck.next(all)?.kind)
    expect(kinds).not.toContain('switch')
    expect(new Set(kinds).size).toBe(linkFaults.length - 1)
  })

  test('the server is killed and restarted about four times a minute each', () => {
    const acts = serverActs(randomStream(2, 'server'))
    let ms = 0
    const counts = { kill: 0, restart: 0 }
    while (ms < 600_000) {
      const { kind, afterMs, downMs } = acts.next().value
      // A start takes about a second.
      ms += afterMs + downMs + 1000
      counts[kind] += 1
    }
    for (const count of Object.values(counts)) {
      expect(count).toBeGreaterThan(35)
      expect(count).toBeLessThan(55)
    }
  })

  test('heartbeats are short, but as usual in the last third of a long run', () => {
    expect([heartbeatSecondsAt(0, 60), heartbeatSecondsAt(59, 60), heartbeatSecondsAt(599, 1800)]).toEqual([
      2, 2, 2,
    ])
    expect([heartbeatSecondsAt(401, 600), heartbeatSecondsAt(1201, 1800)]).toEqual([10, 10])
  })

  test('a fault that is to be found lasts longer than finding it takes', () => {
    for (const transport of chaosTransports) {
      const liveMs = livenessMs(transport, 2000, 2000)
      expect(expectedMs('black-hole', liveMs)).toBeGreaterThan(liveMs)
    }
    expect(livenessMs('websocket', 10_000, 2000)).toBe(20_000)
    expect(livenessMs('server-sent-events', 2000, 2000)).toBe(4000)
    expect([livenessMs('polling', 2000, 2000), livenessMs('long-polling', 2000, 2000)]).toEqual([
      10_000, 12_000,
    ])
    expect([waitSecondsOf(30), waitSecondsOf(1800)]).toEqual([2, 10])
  })
})

describe('recovery', () => {
  test('runs from the break to the first message that was published after it', () => {
    const publications = new Publications()
    publications.add('before', 90)
    publications.add('after', 110)
    const clock = new RecoveryClock()
    clock.broken('websocket', 100)
    clock.handed(publications.atMs('before'), 150)
    expect(clock.isRunning).toBe(true)
    clock.handed(publications.atMs('after'), 170)
    expect([clock.isRunning, clock.samples]).toEqual([false, [{ transport: 'websocket', ms: 70 }]])
    clock.handed(publications.atMs('after'), 180)
    expect(clock.samples).toHaveLength(1)
  })

  test('a second break before the first is over counts from the first', () => {
    const clock = new RecoveryClock()
    clock.broken('polling', 100)
    clock.broken('websocket', 200)
    clock.handed(250, 300)
    expect(clock.samples).toEqual([{ transport: 'polling', ms: 200 }])
  })

  test('a message that nobody remembers is an old one', () => {
    expect(new Publications().atMs('unknown')).toBe(Number.NEGATIVE_INFINITY)
  })

  test('percentiles are by nearest rank', () => {
    const samples = Array.from({ length: 100 }, (_, index) => 100 - index)
    expect(percentiles(samples)).toEqual({ count: 100, p50: 50, p99: 99, max: 100 })
    expect(percentiles([7])).toEqual({ count: 1, p50: 7, p99: 7, max: 7 })
    expect(percentiles([])).toEqual({ count: 0, p50: 0, p99: 0, max: 0 })
  })
})

test('the trace keeps the last events, and of a row of alike ones the first and the last', () => {
  const trace = new Trace(performance.now())
  trace.add('fault', 'cut')
  for (let offset = 1; offset <= 500; offset++) trace.add('delivered', `to ${offset}`)
  trace.add('healed', 'cut')
  expect(trace.lines.map((line) => line.slice(13))).toEqual([
    'fault      cut',
    'delivered  to 1',
    'delivered  to 500',
    'healed     cut',
  ])
  for (let count = 0; count < 300; count++) trace.add(count % 2 === 0 ? 'even' : 'odd', '')
  expect(trace.lines.length).toBeLessThanOrEqual(120)
})

const fine = {
  acknowledged: 2000,
  delivered: 24_000,
  stored: 2000,
  lost: 0,
  duplicated: 0,
  reordered: 0,
  gaps: 0,
  resets: 0,
  refused: 0,
  unknownFate: 0,
  unacknowledgedStored: 0,
  acknowledgedLater: 3,
  foreign: 0,
  violations: [],
} as const

function outcomeWith(changes: Partial<Outcome> = {}): Outcome {
  const tally = new Tally(chaosTransports)
  for (const transport of chaosTransports)
    for (const kind of faultKinds) for (let count = 0; count < 3; count++) tally.count(transport, kind)
  const times = percentiles([1000, 2000])
  return {
    settings: {
      seconds: 60,
      seed: 42,
      transports: chaosTransports,
      clients: 12,
      messagesPerSecond: 40,
      keepFolder: null,
    },
    seconds: 60,
    interrupted: false,
    findings: fine,
    faults: tally.table(),
    kills: 3,
    restarts: 3,
    switches: 20,
    failedSwitches: 0,
    serverNoticed: 3,
    serverMissed: 0,
    recovery: times,
    recoveryOf: Object.fromEntries(chaosTransports.map((transport) => [transport, times])),
    recoverySamplesMs: Object.fromEntries(chaosTransports.map((transport) => [transport, [times.p50]])),
    slowest: [],
    stuck: [],
    failures: [],
    traces: { 'client-1': ['    1.000 s  fault      cut-rst on polling'] },
    ...changes,
  }
}

describe('the verdict', () => {
  test('zeros and enough of everything pass', () => {
    const judgement = judgementOf(outcomeWith())
    expect(judgement).toMatchObject({ passed: true, wrong: [], short: [] })
    expect(exitCodeOf(outcomeWith(), judgement)).toBe(0)
    expect(renderScreen(outcomeWith(), judgement)).toContain('Passed')
  })

  test.each(['lost', 'duplicated', 'reordered', 'gaps', 'resets', 'refused', 'unknownFate', 'foreign'])(
    'one %s fails',
    (field) => {
      const outcome = outcomeWith({ findings: { ...fine, [field]: 1 } })
      const judgement = judgementOf(outcome)
      expect([judgement.passed, judgement.wrong.length, exitCodeOf(outcome, judgement)]).toEqual([
        false,
        1,
        1,
      ])
    },
  )

  test('each minimum that is missed is a sentence', () => {
    const faults = { ...outcomeWith().faults }
    const polling = faults.polling
    if (polling === undefined) throw new Error('no polling')
    faults.polling = { ...polling, bytewise: 1 }
    const outcome = outcomeWith({
      faults,
      kills: 2,
      switches: 19,
      findings: { ...fine, acknowledged: 1199 },
    })
    const judgement = judgementOf(outcome)
    expect(judgement.short).toEqual([
      'polling saw bytewise once; it takes 3.',
      'The server was killed 2 times; it takes 3.',
      'Sessions switched 19 times; it takes 20.',
      '20.0 messages a second were acknowledged; it takes 20.',
    ])
    expect(exitCodeOf(outcome, judgement)).toBe(1)
    expect(renderScreen(outcome, judgement)).toContain(
      'Too little: The server was killed 2 times; it takes 3.',
    )
  })

  test('a shorter run needs its share, a longer one more kills and switches', () => {
    expect(minimumsOf(30, 4)).toMatchObject({ faults: 1, kills: 1, switches: 10 })
    expect(minimumsOf(5, 4)).toMatchObject({ faults: 1, kills: 1, switches: 1 })
    expect(minimumsOf(1800, 4)).toMatchObject({
      faults: 3,
      kills: 90,
      switches: 600,
      acknowledgedPerSecond: 20,
    })
    expect(minimumsOf(60, 1).switches).toBe(0)
  })

  test('somebody who got stuck fails it; a harness that failed is no proof; an interrupt is said', () => {
    const stuck = outcomeWith({ stuck: ['client-1 got nothing new for 45 s after cut-rst on polling.'] })
    expect(exitCodeOf(stuck, judgementOf(stuck))).toBe(1)
    expect(renderScreen(stuck, judgementOf(stuck))).toContain('The last events of client-1')
    const broken = outcomeWith({ failures: ['The server was not ready.'] })
    expect([judgementOf(broken).passed, exitCodeOf(broken, judgementOf(broken))]).toEqual([false, 3])
    const interrupted = outcomeWith({ interrupted: true })
    expect([judgementOf(interrupted).passed, exitCodeOf(interrupted, judgementOf(interrupted))]).toEqual([
      false,
      130,
    ])
  })

  test('the seed to repeat it stands in whatever did not pass, and the JSON has what was asked for', () => {
    const violations = [{ verdict: 'lost', client: 'client-1', detail: 'was never handed offset 7' }] as const
    const outcome = outcomeWith({ findings: { ...fine, lost: 1, violations } })
    const screen = renderScreen(outcome, judgementOf(outcome))
    expect(screen).toContain('--seed 42')
    expect(screen).toContain('lost: client-1 was never handed offset 7')
    const own = chaosTransports.length - 1
    const document = JSON.parse(renderJson(outcome, judgementOf(outcome), { commit: 'c', node: 'n' }))
    expect(document).toMatchObject({
      schema: 'parley-chaos/1',
      seed: 42,
      acknowledged: 2000,
      delivered: 24_000,
      lost: 1,
      duplicated: 0,
      reordered: 0,
      kills: 3,
      restarts: 3,
      // The ladder's are those of the transports.
      cuts: 2 * 3 * own,
      stalls: 2 * 3 * own,
      blackHoles: 3 * own,
      switches: 20,
      unacknowledgedStored: 0,
      recoveryMillis: { p50: 1000, p99: 2000, max: 2000 },
      passed: false,
      commit: 'c',
      node: 'n',
    })
    expect(document.perTransport.websocket).toMatchObject({
      faults: { kill: 3 },
      recoveryMillis: { p50: 1000 },
    })
    expect(document.minimums).toMatchObject({ faults: 3, kills: 3, switches: 20 })
    expect(document.violations).toHaveLength(1)
    expect(document.traces['client-1']).toHaveLength(1)
  })
})

describe('the options', () => {
  test('without any: a minute of all transports, and a seed that is drawn', () => {
    expect(parseOptions([], () => 9)).toEqual({
      kind: 'run',
      jsonFile: null,
      settings: {
        seconds: 60,
        seed: 9,
        transports: chaosTransports,
        clients: Math.max(12, 3 * chaosTransports.length),
        messagesPerSecond: 40,
        keepFolder: null,
      },
    })
    expect(
      parseOptions(
        ['--seconds=5', '--seed=0', '--transports=polling,websocket,polling', '--json=f'],
        () => 9,
      ),
    ).toMatchObject({
      jsonFile: 'f',
      settings: { seconds: 5, seed: 0, transports: ['polling', 'websocket'] },
    })
  })

  test.each([
    [['--seconds', '4'], '--seconds is a whole number from 5'],
    [['--seed', '-1'], 'seed'],
    [['--transports', 'carrier-pigeon'], 'There is no transport "carrier-pigeon"'],
    [['--transports', ','], '--transports names one at least'],
    [['--clients', '0'], '--clients is'],
    [['--rate', '1.5'], '--rate is'],
    [['--fast'], "Unknown option '--fast'. See --help."],
  ])('%j gets one line', (args, said) => {
    expect(() => parseOptions(args, () => 0)).toThrow(UsageError)
    expect(() => parseOptions(args, () => 0)).toThrow(said)
  })

  test('the help names every fault', () => {
    for (const kind of faultKinds) expect(helpText()).toContain(`  ${kind} `)
  })
})

test('progress says how far it is and how long it takes', () => {
  const now: Progress = {
    elapsedMs: 12_300,
    totalMs: 60_000,
    phase: 'faults',
    acknowledged: 480,
    kills: 1,
    restarts: 2,
    switches: 30,
    linkFaults: 25,
  }
  expect(progressText(now)).toMatch(/^12 s of 60 · 480 acknowledged · 1 kills.* · 48 s left$/)
  for (const phase of ['starting', 'settling', 'checking'] as const)
    expect(progressText({ ...now, phase })).not.toContain('left')
})
