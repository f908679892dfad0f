// The order of a run: scenarios alternate block by block, servers are new every five blocks, and each of these begins with an opening.
import { describe, expect, it } from 'vitest'
import { benchLimits, profiles } from './limits.ts'
import { planRun } from './plan.ts'
import { scenariosOf, transportsOf } from './scenarios/all.ts'
import type { Settings } from './settings.ts'
import { transportNames } from './subjects.ts'

function settings(changes: Partial<Settings>): Settings {
  return {
    profileName: 'standard',
    profile: profiles.standard,
    scenarios: ['trickle', 'fanout'],
    transports: transportNames,
    seed: 5,
    secure: true,
    pin: false,
    cores: null,
    fault: null,
    ...changes,
  }
}

describe('planRun', () => {
  it('is the same for the same seed, and another for another', () => {
    const names = (seed: number): readonly string[] =>
      planRun(settings({ seed })).map(({ subject }) => subject)
    expect(names(5)).toEqual(names(5))
    expect(names(5)).not.toEqual(names(6))
  })

  it('plays every block of every scenario before the next block', () => {
    const blocks = planRun(settings({}))
      .filter(({ scenario }) => scenario === 'trickle' || scenario === 'fanout')
      .map(({ block }) => block)
    expect(blocks).toEqual([...blocks].sort((one, other) => one - other))
    expect(blocks.at(-1)).toBe(12)
  })

  it('starts servers anew every five blocks, with a warm-up and one subscriber alone', () => {
    const steps = planRun(settings({}))
    const renewals = steps.flatMap((step, place) => (step.renews === true ? [place] : []))
    expect(renewals).toHaveLength(3)
    for (const [epoch, place] of renewals.entries()) {
      const before = steps[place - 1]
      expect(before?.block ?? 0).toBe(epoch * 5)
      const base = steps.filter((step) => step.scenario === 'base' && step.block === epoch + 1)
      expect(base).toHaveLength(transportNames.length)
    }
  })

  it('gives each block every subject once, the twin included, and rare intervals now and then', () => {
    const trickle = planRun(settings({})).filter(({ scenario }) => scenario === 'trickle')
    for (let block = 1; block <= 12; block++) {
      const subjects = trickle.filter((step) => step.block === block).map(({ subject }) => subject)
      expect(new Set(subjects).size).toBe(subjects.length)
      expect(subjects).toContain('websocket (A/A)')
      expect(subjects.includes('polling 5 s')).toBe(block === 1)
    }
  })

  it('has the rows over HTTP/1.1 where they tell something, and everywhere when they are named', () => {
    const names = (changes: Partial<Settings>): ReadonlySet<string> =>
      new Set(
        planRun(settings({ scenarios: scenariosOf('standard'), ...changes }))
          .filter(({ subject }) => subject.startsWith('polling-http1 '))
          .map(({ scenario }) => scenario),
      )
    expect([...names({})].toSorted()).toEqual(['base', 'idle', 'trickle', 'warm-up'])
    expect(names({ scenarios: ['burst', 'cut'] }).size).toBe(0)
    expect(names({ scenarios: ['burst', 'cut'], namesTransports: true })).toContain('burst')
    expect(names({ profileName: 'full' })).toContain('cut')
    expect(transportsOf('quick')).not.toContain('polling-http1')
  })

  it('takes less than ten minutes for what `standard` measures, and a minute and a half for `quick`, as far as the estimates tell', () => {
    const minutes = (profileName: 'quick' | 'standard'): number => {
      const all = planRun(
        settings({
          profileName,
          profile: profiles[profileName],
          scenarios: scenariosOf(profileName),
          transports: transportsOf(profileName),
        }),
      )
      return all.reduce((sum, step) => sum + step.estimateMs, 0) / 60_000
    }
    expect(minutes('standard')).toBeLessThan(benchLimits.budgetMs.standard / 60_000)
    expect(minutes('standard')).toBeGreaterThan(5)
    expect(minutes('quick')).toBeLessThan(benchLimits.budgetMs.quick / 60_000)
  })
})
