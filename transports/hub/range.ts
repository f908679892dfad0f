// What a range means for a log that holds offsets from its tail to its head. Every log answers reads with it.
import type { Gap, Reset } from '../contract.ts'
import type { Cursor } from '../cursor.ts'
import type { Range } from './log.ts'

/** A range made definite: offsets from `after` (not included) up to `until`, and which end to keep when it is too long. */
export interface Span {
  readonly kind: 'span'
  readonly after: number
  readonly until: number
  readonly keep: 'oldest' | 'newest'
}

/** What a range means for a log that holds `tail` (not included) up to `head`, or the gap or reset that it runs into. */
export function resolveRange(range: Range, head: Cursor, tail: Cursor, messages: number): Span | Gap | Reset {
  if ('last' in range) {
    const count = Math.min(range.last, messages)
    return {
      kind: 'span',
      after: Math.max(tail.offset, head.offset - count),
      until: head.offset,
      keep: 'newest',
    }
  }
  const cursor = 'after' in range ? range.after : range.before
  if (cursor.epoch !== head.epoch || cursor.offset > head.offset) return { kind: 'reset', cursor: tail }
  if ('before' in range) {
    const until = Math.max(tail.offset, cursor.offset)
    return { kind: 'span', after: Math.max(tail.offset, until - messages), until, keep: 'newest' }
  }
  if (cursor.offset < tail.offset) return { kind: 'gap', after: cursor, cursor: tail }
  const until = Math.min(head.offset, cursor.offset + messages)
  return { kind: 'span', after: cursor.offset, until, keep: 'oldest' }
}
