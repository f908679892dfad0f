// The words for a comparison: what is known, within how much, and what isn't.
import { describe, expect, it } from 'vitest'
import type { Comparison, Control } from '../statistics/summary.ts'
import { standingText } from './words.ts'

const control: Control = {
  subject: 'websocket',
  estimate: { ratio: 1, low: 0.96, high: 1.04, pairs: 12 },
  resolution: 0.04,
  limit: 0.15,
  containsOne: true,
  rankable: true,
}

function unresolved(low: number, high: number): Comparison {
  return { ratio: { ratio: Math.sqrt(low * high), low, high, pairs: 12 }, standing: 'unresolved', tier: null }
}

describe('standingText', () => {
  it('says no difference within the larger of the control’s error and the row’s own', () => {
    expect(standingText('cpu', unresolved(0.98, 1.02), control)).toBe(
      'no difference that this run can resolve (± 4.0 %)',
    )
    expect(standingText('cpu', unresolved(0.9, 1.1), control)).toMatch(/\(± 10 %\)$/)
  })

  it('does not take what is hardly known for no difference', () => {
    expect(standingText('bytes', unresolved(0.005, 102), control)).toBe('not resolved')
    expect(standingText('p50', unresolved(0.8, 1.2), control)).toBe('not resolved')
  })

  it('does not take a difference that Holm’s correction alone holds back for none', () => {
    expect(standingText('cpu', unresolved(1.03, 1.2), control)).toBe('not resolved')
    // Half a percent is nothing.
    expect(standingText('bytes', unresolved(1.001, 1.002), control)).toContain('no difference')
  })

  it('has the metric’s own words', () => {
    expect(standingText('cpu', { ratio: null, standing: 'less', tier: 1 }, control)).toBe('cheaper')
    expect(standingText('p50', { ratio: null, standing: 'more', tier: 2 }, control)).toBe('slower')
    expect(standingText('p50', { ratio: null, standing: 'unranked', tier: null }, null)).toBe('not ranked')
  })
})
