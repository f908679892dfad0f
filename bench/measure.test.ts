// Whether there is time to run a disturbed block again.
import { describe, expect, it } from 'vitest'
import { fitsBudget } from './measure.ts'

describe('the budget of a run', () => {
  const times = { plannedMs: 80_000, elapsedMs: 50_000, remainingMs: 30_000, againMs: 8000 }

  it('lets a block be run again while the rest still fits', () => {
    expect(fitsBudget(times, 90_000)).toBe(true)
    expect(fitsBudget({ ...times, elapsedMs: 55_000 }, 90_000)).toBe(false)
  })

  it('does not hold a run to it that was asked to be longer', () => {
    expect(fitsBudget({ ...times, plannedMs: 100_000, remainingMs: 70_000 }, 90_000)).toBe(true)
  })
})
