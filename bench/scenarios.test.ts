// Each further scenario end to end on loopback, tiny: real servers, and every kind of cell that it makes.
import { describe, expect, it } from 'vitest'
import { Lab } from './lab.ts'
import { type Profile, profiles } from './limits.ts'
import type { Measurement } from './measurement.ts'
import { scenarios, scenariosOf } from './scenarios/all.ts'
import type { Settings } from './settings.ts'
import { decodeHistogram } from './statistics/histogram.ts'
import { twinSuffix } from './subjects.ts'

const { quick } = profiles
const short = { windowMs: 250, pollIntervalsMs: [100] }
const tiny: Profile = {
  ...quick,
  blocks: 1,
  burst: { ...quick.burst, ...short, subscribers: [3], ratePerSecond: 800 },
  rooms: { ...quick.rooms, ...short, subscribers: [6], rooms: 3 },
  duplex: { ...quick.duplex, ...short, subscribers: [3] },
  size: { ...quick.size, ...short, subscribers: [3], textBytes: [8192] },
  idle: { blocks: 1, windowMs: 200, connections: [3], pollIntervalsMs: [100] },
  network: { ...quick.network, ...short, subscribers: [2] },
  cut: { ...quick.cut, clients: 2, spreadMs: 50, pollIntervalMs: 100 },
  storm: { ...quick.storm, clients: 4, ratePerSecond: 20, pollIntervalMs: 100 },
  ramp: {
    ...quick.ramp,
    subscribers: 2,
    searchWindowMs: 200,
    confirmWindowMs: 200,
    confirmations: 1,
    mostSteps: 3,
  },
}

/** Carries out one scenario's steps with one transport, its twin left out, one after the other; on a busy machine too. */
async function play(scenario: string, transport: string, load = ''): Promise<readonly Measurement[]> {
  const settings: Settings = {
    profileName: 'quick',
    profile: tiny,
    scenarios: [scenario],
    transports: [transport],
    seed: 17,
    secure: true,
    pin: false,
    cores: null,
    fault: null,
  }
  const steps = scenarios.find(({ name }) => name === scenario)?.plan(settings) ?? []
  const lab = await Lab.open(settings, null)
  try {
    const cells: Measurement[] = []
    for (const step of steps) {
      if (step.subject.endsWith(twinSuffix) || !step.load.includes(load)) continue
      const cell = await step.run(lab)
      if (cell !== null) cells.push(cell)
    }
    return cells
  } finally {
    await lab.close()
  }
}

const nothingWrong = { lost: 0, duplicated: 0, reordered: 0, foreign: 0 }

describe.concurrent('a scenario', { timeout: 60_000 }, () => {
  it.each([
    ['burst', 'tcp', { burst: 200 }],
    ['rooms', 'websocket', { rooms: 3, subscribers: 6 }],
    ['duplex', 'polling', { upLink: 'native' }],
    ['size', 'ws', { textBytes: 8192 }],
  ])('%s delivers everything once', async (scenario, transport, load) => {
    const cells = await play(scenario, transport)
    expect(cells.length).toBe(scenario === 'size' ? 2 : 1)
    for (const cell of cells)
      expect(cell).toMatchObject({ kind: 'delivery', ...load, problems: [], tally: nothingWrong })
    const secure = cells.map((cell) => cell.kind === 'delivery' && cell.secure)
    if (scenario === 'size') expect(new Set(secure)).toEqual(new Set([true, false]))
  })

  it('idle counts what silent links cost', async () => {
    const [cell, ...others] = await play('idle', 'polling')
    expect(others).toEqual([])
    expect(cell).toMatchObject({ kind: 'idle', connections: 3, intervalMs: 100, problems: [] })
    if (cell?.kind !== 'idle') throw new Error('There is no cell of idle.')
    expect(cell.bytesUp).toBeGreaterThan(0)
    expect(cell.rssBytes).toBeGreaterThan(10_000_000)
    expect(decodeHistogram(cell.connect).totalCount).toBe(3)
  })

  it.each(['websocket-h2', 'polling'])('network holds what is read over %s up', async (transport) => {
    const cells = await play('network', transport, 'RTT 100 ms')
    // With jitter and without.
    expect(cells.length).toBe(2)
    for (const cell of cells) {
      expect(cell).toMatchObject({ kind: 'delivery', problems: [], tally: nothingWrong })
      if (cell.kind !== 'delivery') continue
      expect(cell.relay?.count, cell.load).toBeGreaterThan(0)
      // The relay and the generator read the same clock, in steps of a histogram's three digits.
      const leastMs = decodeHistogram(cell.latency).minNonZeroValue / 1000
      expect(leastMs, cell.load).toBeGreaterThanOrEqual(cell.delayDownMs * 0.98 - 1)
    }
  })

  it.each([
    ['cut', 'websocket', 2],
    ['cut', 'polling', 2],
    ['storm', 'http2-push', 4],
  ])('%s brings everybody back over %s', async (scenario, transport, clients) => {
    const [cell, ...others] = await play(scenario, transport)
    expect(others).toEqual([])
    expect(cell).toMatchObject({ kind: 'recovery', clients, problems: [], tally: nothingWrong })
    if (cell?.kind !== 'recovery') throw new Error('There is no cell of a recovery.')
    for (const times of [cell.reconnected, cell.firstMessage, cell.caughtUp])
      expect(decodeHistogram(times).totalCount).toBe(clients)
  })

  it('ramp makes a cell of each load, and stops when it must', async () => {
    const cells = await play('ramp', 'tcp')
    expect(cells.length).toBeGreaterThan(0)
    expect(cells.length).toBeLessThanOrEqual(3)
    expect(cells[0]).toMatchObject({ kind: 'capacity', phase: 'search', offered: quick.ramp.startRate })
    for (const cell of cells) expect(cell).toMatchObject({ kind: 'capacity', problems: [] })
  })
})

it('charges a burst to every poller that gets it, not to those alone who ask early', {
  timeout: 60_000,
}, async () => {
  const cells = await play('burst', 'polling')
  expect(cells).not.toHaveLength(0)
  for (const cell of cells) {
    if (cell.kind !== 'delivery') throw new Error('A burst is a delivery.')
    expect(cell.deliveries).toBe(cell.tally.expected)
  }
})

describe('the profiles', () => {
  it('have everything in full, and the usual ones elsewhere', () => {
    expect(scenariosOf('full')).toEqual(scenarios.map(({ name }) => name))
    expect(scenariosOf('quick')).toEqual(['trickle', 'fanout', 'burst', 'opening'])
    expect(scenariosOf('standard')).toEqual(['trickle', 'fanout', 'burst', 'idle', 'cut', 'opening'])
  })
})
