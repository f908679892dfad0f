// The matrix as tests, in as many files as the runner has workers: each takes every so-manyth transport of the server's table.
import { describe, expect, test } from 'vitest'
import { faults } from './faults.ts'
import { linesAgainst, playAndJudge } from './matrix.ts'
import { transportNames } from './stage.ts'

const seed = Number(process.env.PARLEY_SEED ?? 20_261_122)

export function equivalenceSuite(share: number, shares: number): void {
  const mine = transportNames.filter((_, index) => index % shares === share)
  describe.concurrent.each(mine)('%s', (transport) => {
    for (const fault of faults) {
      const requirements = fault.requirements.length === 0 ? '' : `${fault.requirements.join(', ')}: `
      const name = `${requirements}${transport} × ${fault.name}: order, once, resume, bounded, closed (seed ${seed})`
      test(name, { timeout: 90_000 }, async () => {
        // As one text, so that a report which shows a line of the failure shows what it is.
        expect(linesAgainst(await playAndJudge(transport, fault, seed)).join('\n')).toBe('')
      })
    }
  })
}
