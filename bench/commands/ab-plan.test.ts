// The plan of two builds: everything of Parley's twice, nothing else, and in an order of its own in each block.
import { describe, expect, it } from 'vitest'
import type { Lab } from '../lab.ts'
import type { FailedCell } from '../measurement.ts'
import type { Step } from '../scenarios/scenario.ts'
import { checkComparable } from './ab.ts'
import { abPlan } from './ab-plan.ts'

function step(subject: string, block: number, renews = false): Step {
  const place = { scenario: 'fanout', load: 'some', subject, block }
  return {
    ...place,
    estimateMs: 1,
    renews,
    run: async (lab): Promise<FailedCell> => ({ kind: 'failed', ...place, problems: [String(lab)] }),
  }
}

const subjects = ['websocket', 'polling 0.5 s', 'websocket (A/A)', 'tcp']
const steps = [1, 2, 3, 4].flatMap((block) =>
  subjects.map((one, place) => step(one, block, place === 0 && block === 1)),
)

describe('checkComparable', () => {
  it('takes scenarios in which two builds can take turns, and names them where one can’t be', () => {
    expect(() => checkComparable(['fanout', 'trickle'])).not.toThrow()
    expect(() => checkComparable(['fanout', 'saturate'])).toThrow(/by saturate, only by trickle, fanout/)
  })
})

describe('abPlan', () => {
  const plan = abPlan(steps, '/old', 5)

  it('has the old server for each of Parley’s transports, in the same block, and not for twins and controls', () => {
    for (const block of [1, 2, 3, 4]) {
      const names = plan.filter((one) => one.block === block).map(({ subject }) => subject)
      expect(names.toSorted()).toEqual([...subjects, 'websocket (old)', 'polling 0.5 s (old)'].toSorted())
    }
    expect(plan.map(({ block }) => block)).toEqual(plan.map(({ block }) => block).toSorted())
  })

  it('alternates in an order of its own in each block, the same for the same seed', () => {
    const orders = [1, 2, 3, 4].map((block) =>
      plan
        .filter((one) => one.block === block)
        .map(({ subject }) => subject)
        .join(),
    )
    expect(new Set(orders).size).toBeGreaterThan(1)
    expect(abPlan(steps, '/old', 5).map(({ subject }) => subject)).toEqual(plan.map(({ subject }) => subject))
  })

  it('starts servers anew where the run does, once', () => {
    expect(plan.map(({ renews }) => renews).filter(Boolean)).toHaveLength(1)
    expect(plan[0]?.renews).toBe(true)
  })

  it('measures the old one in the lab of the other folder, under its own name', async () => {
    const lab = { toString: () => 'new', withServerOf: (folder: string) => folder } as unknown as Lab
    const ran = async (subject: string): Promise<unknown> =>
      plan.find((one) => one.subject === subject)?.run(lab)
    expect(await ran('websocket (old)')).toMatchObject({ subject: 'websocket (old)', problems: ['/old'] })
    expect(await ran('websocket')).toMatchObject({ subject: 'websocket', problems: ['new'] })
  })
})
