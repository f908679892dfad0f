// The proof: what is lost, doubled or out of order is counted, and what was told is not.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Message } from './message.ts'
import { Proof } from './proof.ts'

function messages(offsets: readonly number[], epoch = 'here') {
  return {
    kind: 'messages' as const,
    messages: offsets.map(
      (offset): Message => ({ id: `${offset}`, user: 'ada', text: 'x', offset, time: 0 }),
    ),
    cursor: { epoch, offset: offsets.at(-1) ?? 0 },
  }
}

function watched(...events: Parameters<Proof['observe']>[0][]) {
  const proof = new Proof()
  for (const event of events) proof.observe(event)
  const { lost, duplicated, reordered, seen } = proof
  return { lost, duplicated, reordered, seen }
}

test('all is well: it may begin anywhere', () => {
  expect(watched(messages([7, 8, 9]), messages([]), messages([10]))).toEqual({
    lost: 0,
    duplicated: 0,
    reordered: 0,
    seen: 4,
  })
})

test('a hole is a loss', () => {
  expect(watched(messages([1, 2]), messages([5]))).toMatchObject({ lost: 2, seen: 3 })
})

test('a hole that is filled later is an order that is wrong, not a loss', () => {
  expect(watched(messages([1, 4]), messages([2]))).toEqual({ lost: 1, duplicated: 0, reordered: 1, seen: 3 })
})

test('the same message again is a duplicate', () => {
  expect(watched(messages([1, 2]), messages([2]), messages([1]))).toMatchObject({ duplicated: 2, seen: 2 })
})

test('another log without a reset is out of place', () => {
  expect(watched(messages([1, 2]), messages([1, 2], 'elsewhere'))).toMatchObject({ reordered: 2, seen: 2 })
})

describe('what was told', () => {
  test('a gap is no loss', () => {
    const gap = { kind: 'gap' as const, cursor: { epoch: 'here', offset: 10 } }
    expect(watched(messages([1, 2]), gap, messages([11]))).toMatchObject({ lost: 0, seen: 3 })
    expect(watched(messages([1, 2]), gap, messages([13]))).toMatchObject({ lost: 2 })
  })

  test('after a reset the count begins at its position', () => {
    const reset = { kind: 'reset' as const, cursor: { epoch: 'new', offset: 3 } }
    expect(watched(messages([50]), reset, messages([4, 5], 'new'))).toMatchObject({
      lost: 0,
      duplicated: 0,
      seen: 3,
    })
    expect(watched(messages([50]), reset, messages([5], 'new'))).toMatchObject({ lost: 1 })
  })

  test('other events mean nothing', () => {
    expect(watched({ kind: 'state' }, messages([1]), { kind: 'draft' })).toMatchObject({ seen: 1, lost: 0 })
  })
})

test('any order of any messages: what is seen and what is lost is everything up to the highest', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1 }), (offsets) => {
      const { lost, duplicated, seen } = watched(
        messages([1]),
        ...offsets.map((offset) => messages([offset])),
      )
      const distinct = new Set([1, ...offsets])
      expect(seen).toBe(distinct.size)
      expect(lost).toBe(Math.max(...distinct) - distinct.size)
      expect(duplicated).toBe(offsets.length + 1 - distinct.size)
    }),
  )
})
