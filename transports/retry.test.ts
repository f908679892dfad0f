// The wait before the next try.
import { describe, expect, test } from 'vitest'
import { seededRandom } from './clock.harness.ts'
import { delayBeforeRetryMs, firstRetrySpreadMs, longestRetryAfterMs, longestRetrySpreadMs } from './retry.ts'

const almostOne = () => 1 - Number.EPSILON

test('the first is drawn from 0 to 2 s, and the spread doubles up to its bound', () => {
  expect(delayBeforeRetryMs(0, undefined, () => 0)).toBe(0)
  const longest = [0, 1, 2, 3, 4, 5, 10, 100, 5000].map((failures) =>
    delayBeforeRetryMs(failures, undefined, almostOne),
  )
  expect(longest.map(Math.round)).toEqual([2000, 4000, 8000, 10_000, 10_000, 10_000, 10_000, 10_000, 10_000])
  expect(longest[0]).toBeLessThan(firstRetrySpreadMs)
  expect(longest[8]).toBeLessThan(longestRetrySpreadMs)
})

test('a thousand clients that were cut at once: no 100 ms see 8 % of them or more (R33)', () => {
  const seed = 20_260_101
  const random = seededRandom(seed)
  const delays = Array.from({ length: 1000 }, () => delayBeforeRetryMs(0, undefined, random))
  for (let from = 0; from < firstRetrySpreadMs; from += 10) {
    const within = delays.filter((delay) => delay >= from && delay < from + 100)
    expect(within.length, `seed ${seed}, from ${from} ms`).toBeLessThan(80)
  }
})

describe('what the server asks for', () => {
  test('comes first, and the jitter on top of it', () => {
    expect(delayBeforeRetryMs(0, 5000, () => 0)).toBe(5000)
    expect(delayBeforeRetryMs(0, 5000, () => 0.5)).toBe(6000)
  })

  test('is obeyed within reason', () => {
    for (const retryAfterMs of [longestRetryAfterMs + 1, 1e12, Number.POSITIVE_INFINITY]) {
      expect(delayBeforeRetryMs(0, retryAfterMs, () => 0)).toBe(longestRetryAfterMs)
    }
    expect(delayBeforeRetryMs(0, -5, () => 0)).toBe(0)
    expect(delayBeforeRetryMs(0, 0, () => 0.25)).toBe(500)
  })
})
