// The A/A of a calibration on cells that are made up: noise must not help it to pass, and a planted bias must be found.
import { describe, expect, it } from 'vitest'
import { randomStream } from '../random.ts'
import { summarize } from '../statistics/aggregate.ts'
import { deliveryCell, runOf } from '../statistics/cells.harness.ts'
import { twinSuffix } from '../subjects.ts'
import { biasedCells, findingOf } from './same.ts'

function findingWith(noise: number, planted: number) {
  const random = randomStream(7, 'noise')
  const cells = Array.from({ length: 12 }, (_, block) =>
    ['websocket', `websocket${twinSuffix}`].map((subject) =>
      deliveryCell(subject, block + 1, { serverCpuUs: 2000 * Math.exp(noise * (random() - 0.5)) }),
    ),
  ).flat()
  const controlsOf = (all: Parameters<typeof runOf>[0]) => {
    const table = summarize(runOf(all), 3).tables[0]
    if (table?.kind !== 'delivery' || table.controls === null) throw new Error('There is no control.')
    return table.controls
  }
  return findingOf(controlsOf(cells), controlsOf(biasedCells(cells, planted)), 'full')
}

describe('the A/A of a calibration', () => {
  it('passes where the two are the same and a bias of 1.3 is found', () => {
    expect(findingWith(0.1, 1.3)).toMatchObject({ passed: true, values: { biasesFound: 2 } })
  })

  it('fails where the intervals are so wide that they contain everything', () => {
    expect(findingWith(4, 1.3).passed).toBe(false)
  })

  it('fails where the planted bias is not found', () => {
    expect(findingWith(0.1, 1)).toMatchObject({ passed: false, values: { biasesFound: 0 } })
  })
})
