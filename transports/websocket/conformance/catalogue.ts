// All groups of cases, by the numbers that Autobahn|Testsuite gives them; those from 20 on are our own.
import type { Case, Role } from './case.ts'
import { closing } from './groups/closing.ts'
import { compression, compressionParameters } from './groups/compression.ts'
import { deflateMessages } from './groups/deflate-messages.ts'
import { deflateOffers } from './groups/deflate-offers.ts'
import { endings } from './groups/endings.ts'
import { fragments } from './groups/fragments.ts'
import { framing } from './groups/framing.ts'
import { autoFragments, limits } from './groups/limits.ts'
import { opening } from './groups/opening.ts'
import { pings } from './groups/pings.ts'
import { reservedBits, reservedOpcodes } from './groups/reserved.ts'
import { texts } from './groups/utf8.ts'
import { textRanges } from './groups/utf8-ranges.ts'

export interface Group {
  readonly number: string
  readonly title: string
  readonly cases: readonly Case[]
}

const unsorted: readonly Group[] = [
  { number: '1', title: 'framing', cases: framing },
  { number: '2', title: 'pings and pongs', cases: pings },
  { number: '3', title: 'reserved bits', cases: reservedBits },
  { number: '4', title: 'reserved opcodes', cases: reservedOpcodes },
  { number: '5', title: 'fragments', cases: fragments },
  { number: '6', title: 'UTF-8', cases: [...texts, ...textRanges] },
  { number: '7', title: 'closing', cases: closing },
  { number: '9', title: 'limits', cases: limits },
  { number: '10', title: 'auto-fragments', cases: autoFragments },
  { number: '12', title: 'compression, kinds of data', cases: compression },
  { number: '13', title: 'compression, parameters', cases: compressionParameters },
  { number: '20', title: 'opening handshake', cases: opening },
  { number: '21', title: 'compression, rules', cases: [...deflateOffers, ...deflateMessages] },
  { number: '22', title: 'ends under load', cases: endings },
]

export const groups: readonly Group[] = unsorted.map((group) => ({
  ...group,
  cases: [...group.cases].sort((one, other) => order(one.number, other.number)),
}))

/** 6.4 before 6.12. */
function order(one: string, other: string): number {
  const [ours, theirs] = [one, other].map((number) => number.split('.').map(Number))
  const place = ours?.findIndex((part, index) => part !== theirs?.[index]) ?? -1
  return place < 0 ? 0 : (ours?.[place] ?? 0) - (theirs?.[place] ?? 0)
}

/**
 * The groups with the cases for a kind of peer that patterns name.
 *
 * @param patterns numbers, or their beginnings with a star: `6.4`, `6.4.*` and `6.4.1` name the same or a part of it
 */
export function select(role: Role, patterns: readonly string[]): readonly Group[] {
  return groups
    .map((group) => ({
      ...group,
      cases: group.cases.filter(
        (each) => (each.role ?? role) === role && patterns.some((pattern) => matches(each.number, pattern)),
      ),
    }))
    .filter(({ cases }) => cases.length > 0)
}

function matches(number: string, pattern: string): boolean {
  const start = pattern.replace(/\.?\*$/, '')
  return start === '' || number === start || number.startsWith(`${start}.`)
}
