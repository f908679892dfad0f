// Drafts for the tests of logs.
import type { Draft } from '../message.ts'

/** A draft whose id is made from a number. */
export function draftOf(number: number, text = `text ${number}`, user = 'ada'): Draft {
  const digits = number.toString(16).padStart(12, '0')
  return { id: `0199aabb-ccdd-7000-8000-${digits}`, user, text }
}

/** Drafts with the numbers from `first`, as many as told. */
export function draftsOf(first: number, count: number): Draft[] {
  return Array.from({ length: count }, (_, index) => draftOf(first + index))
}
