// The checker notices what is lost, doubled, out of order and foreign, for each subscriber apart.
import { describe, expect, it } from 'vitest'
import { randomStream, shuffled } from '../random.ts'
import { Checker } from './checker.ts'

function withSent(messages: number, subscribers: number): Checker {
  const checker = new Checker({ capacity: messages, subscribers })
  for (let index = 0; index < messages; index++) expect(checker.send()).toBe(index)
  return checker
}

function deliverAll(checker: Checker, messages: number, subscribers: number): void {
  for (let subscriber = 0; subscriber < subscribers; subscriber++) {
    for (let index = 0; index < messages; index++) checker.deliver(subscriber, index, index + 1)
  }
}

describe('Checker', () => {
  it('finds nothing wrong when everyone gets everything once and in order', () => {
    const checker = withSent(20, 3)
    deliverAll(checker, 20, 3)
    expect(checker.complete).toBe(true)
    expect(checker.tally()).toEqual({
      expected: 60,
      delivered: 60,
      lost: 0,
      duplicated: 0,
      reordered: 0,
      foreign: 0,
    })
  })

  it('counts what never came as lost', () => {
    const checker = withSent(3, 2)
    checker.deliver(0, 0, 1)
    checker.deliver(0, 2, 3)
    expect(checker.complete).toBe(false)
    expect(checker.tally()).toMatchObject({ expected: 6, delivered: 2, lost: 4 })
  })

  it('counts second copies, which do not stand in for what another subscriber lacks', () => {
    const checker = withSent(2, 2)
    deliverAll(checker, 2, 1)
    expect(checker.deliver(0, 1, 2)).toBe(false)
    expect(checker.tally()).toMatchObject({ delivered: 2, lost: 2, duplicated: 1, reordered: 0 })
  })

  it('counts a message as reordered when an offset behind it was there before', () => {
    const checker = withSent(3, 1)
    for (const index of [0, 2, 1]) checker.deliver(0, index, index + 1)
    expect(checker.tally()).toMatchObject({ delivered: 3, lost: 0, reordered: 1 })
  })

  it('goes by the offset, not by the order of sending: two messages may overtake each other on the way in', () => {
    const checker = withSent(2, 1)
    checker.deliver(0, 1, 1)
    checker.deliver(0, 0, 2)
    expect(checker.tally()).toMatchObject({ delivered: 2, reordered: 0 })
  })

  it('counts what was not sent as foreign', () => {
    const checker = new Checker({ capacity: 5, subscribers: 1 })
    checker.send()
    for (const index of [-1, 1, 5, Number.NaN]) expect(checker.deliver(0, index, 1)).toBe(false)
    expect(checker.tally()).toMatchObject({ expected: 1, delivered: 0, foreign: 4 })
  })

  it('has room for what was announced and no more', () => {
    const checker = withSent(2, 1)
    expect(() => checker.send()).toThrow(RangeError)
  })

  it('finds every dropped and every doubled delivery of a random run', () => {
    const seed = 20_251
    const random = randomStream(seed, 'checker')
    const checker = withSent(50, 8)
    let dropped = 0
    let doubled = 0
    for (const subscriber of shuffled(random, [0, 1, 2, 3, 4, 5, 6, 7])) {
      for (let index = 0; index < 50; index++) {
        const luck = random()
        if (luck < 0.1) {
          dropped += 1
          continue
        }
        checker.deliver(subscriber, index, index + 1)
        if (luck > 0.9) {
          doubled += 1
          checker.deliver(subscriber, index, index + 1)
        }
      }
    }
    expect(checker.tally(), `seed ${seed}`).toMatchObject({
      lost: dropped,
      duplicated: doubled,
      reordered: 0,
    })
  })
})

describe('Checker with several rooms', () => {
  it('expects a message from those alone who are in its room', () => {
    const audience = [2, 1]
    const checker = new Checker({ capacity: 2, subscribers: 3, audienceOf: (index) => audience[index] ?? 0 })
    checker.send()
    checker.send()
    checker.deliver(0, 0, 1)
    checker.deliver(1, 0, 1)
    expect(checker.complete).toBe(false)
    checker.deliver(2, 1, 1)
    expect(checker.complete).toBe(true)
    expect(checker.tally()).toMatchObject({ expected: 3, delivered: 3, lost: 0 })
  })
})
