// The search for a capacity, against servers whose capacity is known.
import { describe, expect, it } from 'vitest'
import { beginSearch, nextSearch, type Search, type SearchPlan, type Verdict } from './capacity-search.ts'

const plan: SearchPlan = { start: 50, least: 1, resolution: 1.05, confirmations: 3, mostSteps: 60 }

/** Searches to the end; gives all the loads that were tried. */
function run(
  verdictOf: (search: Search) => Verdict,
  own: SearchPlan = plan,
): { readonly search: Search; readonly tried: readonly number[] } {
  let search = beginSearch(own)
  const tried: number[] = []
  while (search.phase !== 'done') {
    tried.push(search.offered)
    search = nextSearch(search, verdictOf(search))
  }
  return { search, tried }
}

const upTo =
  (capacity: number) =>
  ({ offered }: Search): Verdict =>
    offered <= capacity ? 'holds' : 'fails'

describe('the search for a capacity', () => {
  it.each([1, 3, 49, 50, 51, 99, 100, 1000, 12_345])('finds %d to the resolution, from below', (capacity) => {
    const { search } = run(upTo(capacity))
    expect(search.end).toBe('found')
    const found = search.capacity ?? Number.NaN
    expect(found).toBeLessThanOrEqual(capacity)
    // In whole messages, where 5 % are less than one.
    expect(Math.max(found * plan.resolution, found + 1)).toBeGreaterThanOrEqual(capacity)
  })

  it('doubles, halves what is left, and looks three times again', () => {
    const { tried } = run(upTo(430), { ...plan, resolution: 1.2 })
    expect(tried).toEqual([50, 100, 200, 400, 800, 600, 500, 450, 400, 400, 400])
  })

  it('does not believe a load that fails in a fresh window', () => {
    let fresh = 0
    const { search } = run((now) => {
      if (now.phase === 'confirm' && now.offered > 300) {
        fresh += 1
        // The second fresh window of whatever is too much fails.
        return fresh % 2 === 0 ? 'fails' : 'holds'
      }
      return now.offered <= 430 ? 'holds' : 'fails'
    })
    expect(search.capacity).toBeLessThanOrEqual(300)
    expect(search.confirmed).toBe(3)
  })

  it('ends with what held where the generator is the limit, and says so', () => {
    const { search, tried } = run(({ offered }) => (offered <= 700 ? 'holds' : 'generator'))
    expect(tried).toEqual([50, 100, 200, 400, 800, 800, 400, 400, 400])
    expect(search).toMatchObject({ end: 'generator', capacity: 400 })
  })

  it('has no capacity where the generator is the limit from the beginning', () => {
    const { search, tried } = run(() => 'generator')
    expect(tried).toEqual([50, 50])
    expect(search).toMatchObject({ end: 'generator', capacity: null })
  })

  it('tries a load again before it takes the generator for the limit', () => {
    const { search, tried } = run((now) =>
      now.offered === 100 && !now.isSecondTry ? 'generator' : upTo(150)(now),
    )
    expect(tried.slice(0, 4)).toEqual([50, 100, 100, 200])
    expect(search.end).toBe('found')
  })

  it('has no capacity where not even the least load holds', () => {
    const { search, tried } = run(() => 'fails')
    expect(tried).toEqual([50, 25, 12, 6, 3, 1])
    expect(search).toMatchObject({ end: 'nothing', capacity: null })
  })

  it('ends after so many steps, without a result that was not confirmed', () => {
    const { search, tried } = run(() => 'holds', { ...plan, mostSteps: 4 })
    expect(tried).toEqual([50, 100, 200, 400])
    expect(search).toMatchObject({ end: 'steps', capacity: null })
    expect(() => nextSearch(search, 'holds')).toThrow(RangeError)
  })
})
