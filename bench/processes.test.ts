// Which cores a run may ask for.
import { describe, expect, it } from 'vitest'
import { UsageError } from '../transports/errors.ts'
import { checkCores, expandCores } from './processes.ts'

describe('checkCores', () => {
  it('takes two that this process may use', () => {
    expect(() => checkCores([0, 3], [0, 1, 2, 3])).not.toThrow()
  })

  it.each([
    [[9, 8], /may use the cores 0, 1, 2, 3, not 9 and 8/],
    [[0, 99], /not 99/],
    [[1, 1], /core 1 twice/],
  ] as const)('refuses %j in one sentence', (cores, words) => {
    expect(() => checkCores(cores, [0, 1, 2, 3])).toThrow(UsageError)
    expect(() => checkCores(cores, [0, 1, 2, 3])).toThrow(words)
  })
})

describe('expandCores', () => {
  it.each([
    ['0-2,5', [0, 1, 2, 5]],
    ['3', [3]],
  ])('reads %s', (list, cores) => expect(expandCores(list)).toEqual(cores))
})
