// The targets `server` and `client`: frames against the bare protocol, in every split, and against the `ws` library.
import { isUtf8 } from 'node:buffer'
import type { Role } from '../protocol/connection.ts'
import { makeTrace } from './conversation.ts'
import { type Connect, type Heard, listen, Violation } from './listen.ts'
import { listenWithLibrary } from './reference.node.ts'
import { explain } from './rules.ts'
import { manySplits, usualSplits } from './splits.ts'
import type { Checked, Target } from './target.ts'

export function frameTarget(role: Role, connect: Connect): Target {
  return {
    name: role,
    summary: `frames to a connection that is a ${role}, and to the ws library's receiver`,
    weight: 8,
    make: (random) => ({ trace: makeTrace(role, random), expected: null }),
    check: ({ trace }, closely) =>
      check(trace, role, connect, closely ? manySplits(trace) : usualSplits(trace)),
  }
}

function check(
  trace: Uint8Array,
  role: Role,
  connect: Connect,
  splits: readonly (readonly Uint8Array[])[],
): Checked {
  let whole: Heard | null = null
  try {
    for (const [index, chunks] of splits.entries()) {
      // By turns with the runtime's check of UTF-8 and our own, and pulling after each chunk and after three.
      const heard = listen(chunks, {
        role,
        isUtf8: index % 2 === 0 ? isUtf8 : null,
        pushes: index % 3 === 2 ? 3 : 1,
        connect,
      })
      whole ??= heard
      const difference = firstDifference(whole, heard)
      if (difference !== null) {
        const lengths = chunks.slice(0, 20).map((chunk) => chunk.length)
        return found(
          `cut into ${lengths.join(' ')}${chunks.length > 20 ? ' …' : ''} bytes it is ${difference}`,
          whole,
        )
      }
    }
    const verdicts = (bytes: Uint8Array) => ({
      ours: listen([bytes], { role, isUtf8, pushes: 1, connect }).events,
      theirs: listenWithLibrary(role, bytes),
    })
    const rule = explain(trace, verdicts)
    if (rule === null)
      return found(`ws says ${sayEvents(listenWithLibrary(role, trace))}, and no rule explains it`, whole)
    return { outcome: outcomeOf(whole), rule: rule === 'agree' ? null : rule.name, finding: null }
  } catch (error) {
    if (error instanceof Violation) return found(error.message, whole)
    return found(
      `it throws: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
      whole,
    )
  }
}

function found(finding: string, whole: Heard | null): Checked {
  return { outcome: outcomeOf(whole), rule: null, finding }
}

function firstDifference(whole: Heard, other: Heard): string | null {
  const length = Math.max(whole.events.length, other.events.length)
  for (let index = 0; index < length; index++) {
    const [one = 'nothing', another = 'nothing'] = [whole.events[index], other.events[index]]
    if (one !== another) return `event ${index + 1}: ${another}, not ${one}`
  }
  return whole.end === other.end ? null : `another end: ${other.end}, not ${whole.end}`
}

function outcomeOf(heard: Heard | null): string {
  return heard === null ? 'nothing' : `${sayEvents(heard.events)}; ${heard.end}`
}

function sayEvents(events: readonly string[]): string {
  return events.length === 0 ? 'nothing' : events.join(', ')
}
