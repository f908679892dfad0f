// Sessions that begin: rows by subject and network, round trips beside them, and a first message that came too soon.
import { describe, expect, it } from 'vitest'
import type { OpeningCell, Run } from '../measurement.ts'
import { ladderMs, openingMs } from '../model/opening.ts'
import { summarize } from './aggregate.ts'
import { createHistogram, encodeHistogram, recordMs } from './histogram.ts'
import { openingTable, theoryMs, tooSoon } from './opening.ts'

function cell(subject: string, network: OpeningCell['network'], times: readonly number[]): OpeningCell {
  const latency = createHistogram()
  for (const ms of times) recordMs(latency, ms)
  const links = { 'h2, TLS': times.length }
  return {
    kind: 'opening',
    scenario: 'opening',
    load: 'RTT 20 ms',
    subject,
    block: 1,
    startedMs: 0,
    epoch: 1,
    network,
    roundTripMs: 20,
    opens: times.length,
    latency: encodeHistogram(latency),
    links,
    protocol: 'h2, TLS',
    problems: [],
  }
}

describe('round trips', () => {
  it('are three for everyone, and one more where the server’s settings are waited for', () => {
    expect(openingMs('poll', 20)).toBe(60)
    expect(openingMs('websocket', 100)).toBe(300)
    expect(openingMs('websocket-h2', 20)).toBe(80)
    expect(openingMs('socket-io', 20)).toBe(120)
    expect(openingMs('lines', 20)).toBeNull()
  })

  it('of the ladder: the refusal and the next step, or the race and the next step', () => {
    expect(ladderMs('open', 'websocket', 'http2-stream', 20)).toBe(60)
    expect(ladderMs('refused', 'websocket', 'http2-stream', 20)).toBe(120)
    // The race begins before a refusal that takes its time.
    expect(ladderMs('refused', 'websocket', 'http2-stream', 200)).toBe(300 + 600)
    expect(ladderMs('swallowed', 'websocket', 'http2-stream', 20)).toBe(360)
    expect(ladderMs('swallowed', 'websocket', null, 20)).toBeNull()
  })
})

describe('openingTable', () => {
  it('has a row for each subject, the soonest first, with how often which link brought the message', () => {
    const many = Array.from({ length: 20 }, (_, index) => 65 + index / 10)
    const table = openingTable([
      cell('auto (swallowed)', 'swallowed', [370, 380]),
      cell('polling', 'open', many),
      { ...cell('polling', 'open', many), block: 2, links: { 'h2, TLS': 19, 'http/1.1, TLS': 1 } },
    ])
    expect(table?.rows.map(({ subject }) => subject)).toEqual(['polling', 'auto (swallowed)'])
    expect(table?.rows[0]).toMatchObject({
      transport: 'polling',
      opens: 40,
      links: { 'h2, TLS': 39, 'http/1.1, TLS': 1 },
      theory: { value: 60_000, flagged: false },
    })
    expect(table?.rows[1]).toMatchObject({
      transport: 'auto',
      network: 'swallowed',
      theory: { value: 360_000, flagged: false },
    })
  })

  it('flags what took far longer than its round trips', () => {
    const table = openingTable([cell('websocket', 'open', [90, 95])])
    expect(table?.rows[0]?.theory).toMatchObject({ value: 60_000, flagged: true })
  })
})

describe('a cell', () => {
  it('is too soon below its round trips, less what relays round', () => {
    expect(theoryMs({ subject: 'auto (refused)', network: 'refused', roundTripMs: 20 })).toBe(120)
    expect(tooSoon(cell('polling', 'open', [55]), 55_000)).toEqual([])
    expect(tooSoon(cell('polling', 'open', [40]), 40_000)).toEqual([
      'A first message came after 40.0 ms, where 54 ms are the path’s.'.replace('’', "'"),
    ])
  })

  it('that is too soon, or has a problem of its own, makes the run invalid', () => {
    const run = {
      measurements: [cell('polling', 'open', [40])],
      discarded: [],
      interrupted: false,
    } as unknown as Run
    const environment = { pinned: null, commit: 'abc', platform: 'linux', cores: 4, clockStepNs: 50 }
    const sound = { ...run, environment, durationMs: 1 } as unknown as Run
    expect(summarize(sound, 1).problems).toHaveLength(1)
    const failed = { ...cell('polling', 'open', [70]), problems: ['Nothing came within 15 s.'] }
    expect(summarize({ ...sound, measurements: [failed] }, 1).problems).toEqual([
      'opening, polling, block 1: Nothing came within 15 s.',
    ])
    expect(summarize({ ...sound, measurements: [cell('polling', 'open', [70])] }, 1).problems).toEqual([])
  })
})
