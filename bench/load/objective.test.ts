// The objective, against results that are made by hand.
import { describe, expect, it } from 'vitest'
import { createHistogram, encodeHistogram } from '../statistics/histogram.ts'
import { judge } from './objective.ts'

const histogram = (us: number): string => {
  const made = createHistogram()
  for (let sample = 0; sample < 100; sample++) made.recordValue(us)
  return encodeHistogram(made)
}

const fine = {
  latency: histogram(5000),
  sendLag: histogram(100),
  tally: { expected: 100, delivered: 100, lost: 0, duplicated: 0, reordered: 0, foreign: 0 },
  mediansUs: [5000, 4900, 5100, 5000, 4950, 5050, 5000, 4900, 5000, 5100],
  problems: [],
  serverLoopUtilisation: 0.5,
  generatorUtilisation: 0.5,
  generatorDelayP99Us: 500,
}
const late = { ...fine, latency: histogram(150_000) }

describe('the objective', () => {
  it('holds where everything came in time, even with a busy generator', () => {
    expect(judge(fine)).toEqual({ verdict: 'holds', reason: '' })
    expect(judge({ ...fine, generatorUtilisation: 0.95 }).verdict).toBe('holds')
  })

  it('fails by p99, by a loss, by a trend and by a problem', () => {
    expect(judge(late)).toEqual({ verdict: 'fails', reason: 'p99 was 150 ms, above 100 ms.' })
    expect(judge({ ...fine, tally: { ...fine.tally, lost: 1 } }).reason).toContain('1 were lost')
    const mediansUs = Array.from({ length: 10 }, (_, place) => 5000 * (1 + place / 2))
    expect(judge({ ...fine, mediansUs })).toEqual({
      verdict: 'fails',
      reason: 'The median grew to the end of the window.',
    })
    expect(judge({ ...fine, problems: ['A link ended.'] }).reason).toBe('A link ended.')
  })

  it('blames the generator only where the server had time left', () => {
    expect(judge({ ...late, generatorUtilisation: 0.8 }).verdict).toBe('generator')
    expect(judge({ ...late, generatorDelayP99Us: 6000 }).verdict).toBe('generator')
    expect(judge({ ...late, sendLag: histogram(60_000) }).verdict).toBe('generator')
    expect(judge({ ...late, generatorUtilisation: 0.8, serverLoopUtilisation: 0.95 }).verdict).toBe('fails')
  })
})
