// A transport of the bench is one line in one table: a line that is added takes part in every scenario that it can.
import { globSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { profiles } from './limits.ts'
import { scenarios } from './scenarios/all.ts'
import {
  baselineOf,
  clientOf,
  isOverHttp1,
  reconnects,
  subjectsOf,
  table,
  transportIn,
  transportNames,
  transportOf,
  twinSuffix,
} from './subjects.ts'

const folder = fileURLToPath(new URL('.', import.meta.url))
const added = 'carrier'

beforeEach(() => void Object.assign(table, { [added]: table.websocket }))
afterEach(() => void Reflect.deleteProperty(table, added))

function subjectsIn(scenario: string, secure: boolean): readonly string[] {
  const steps = scenarios
    .find(({ name }) => name === scenario)
    ?.plan({
      profileName: 'full',
      profile: profiles.full,
      scenarios: [scenario],
      transports: [...transportNames, added],
      seed: 3,
      secure,
      pin: false,
      cores: null,
      fault: null,
    })
  return [...new Set((steps ?? []).map(({ subject }) => subject.split(/[ ,]/)[0] ?? ''))]
}

describe('a line in the table of transports', () => {
  // Closed loops over routes, and the goals, are not about a transport.
  const others = ['saturate', 'goal-poll', 'goal-push', 'goal-send']
  const about = scenarios.map(({ name }) => name).filter((name) => !others.includes(name))

  // The relays' scenarios need TLS, see `webSocketClass`.
  const needTls = ['network', 'cut', 'storm', 'opening']

  it.each(about)('takes part in %s, with TLS and without', (scenario) => {
    for (const secure of needTls.includes(scenario) ? [true] : [true, false])
      expect(subjectsIn(scenario, secure), String(secure)).toContain(added)
  })

  it('takes part in cuts and storms with every other of Parley, and without what has no session', () => {
    const own = [...transportNames, added].filter((name) => transportOf(name).server === 'parley')
    for (const scenario of ['cut', 'storm'])
      expect(subjectsIn(scenario, true).toSorted()).toEqual(own.toSorted())
    expect(transportNames.filter((name) => !reconnects(name))).toEqual(['ws', 'tcp'])
    for (const name of own) {
      expect(() => clientOf(name)).not.toThrow()
      expect(transportOf(name).stops, name).not.toEqual([])
    }
  })

  it('is one row over HTTP/1.1 beside the one that a client agrees on, and without TLS there is one alone', () => {
    const transports = ['polling-http1', 'polling', 'websocket', 'websocket-h2']
    const of = (secure: boolean) => subjectsOf({ transports, secure, pollIntervalsMs: [250, 1000] })
    expect(of(true).map(({ name }) => name)).toEqual([
      'polling-http1 0.25 s',
      'polling 0.25 s',
      'polling 1 s',
      'websocket',
      'websocket-h2',
      'websocket (A/A)',
    ])
    expect(of(false).map(({ transport }) => transport)).toEqual([
      'polling',
      'polling',
      'websocket',
      'websocket',
    ])
    for (const { http1Of } of Object.values(table)) {
      if (http1Of === undefined) continue
      const ordinary = transportOf(http1Of)
      expect(ordinary.secure).toBe('h2, TLS')
      expect(ordinary.plain).toBe('http/1.1')
    }
    expect(isOverHttp1('polling-http1')).toBe(true)
    expect(isOverHttp1('websocket')).toBe(false)
  })

  it('is told from those whose names begin alike', () => {
    for (const name of transportNames) {
      for (const subject of [name, `${name} 0.25 s`, `${name}${twinSuffix}`])
        expect(transportIn(subject)).toBe(name)
    }
    expect(transportIn('polling-http3')).toBeNull()
    const names = [
      'polling-http1 0.25 s',
      'polling 1 s',
      'tcp',
      'websocket-h2',
      'websocket',
      'websocket (A/A)',
    ]
    expect(baselineOf(names)).toBe('websocket')
    expect(baselineOf(names.slice(0, 4))).toBe('websocket-h2')
    expect(baselineOf(names.slice(0, 3))).toBe('tcp')
    expect(baselineOf(names.slice(0, 2))).toBe('polling 1 s')
  })

  it('is the only place where loads and scenarios know a transport of ours by name', () => {
    const own = transportNames.filter((name) => transportOf(name).server === 'parley')
    const named = new RegExp(`'(${own.join('|')})'`)
    const files = globSync('{load,scenarios}/*.ts', { cwd: folder }).filter(
      (file) => !file.includes('.test.'),
    )
    expect(files.length).toBeGreaterThan(20)
    for (const file of files) expect(readFileSync(`${folder}${file}`, 'utf8'), file).not.toMatch(named)
  })
})
