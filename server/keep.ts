// How long messages are kept: by age, by number in a room, by both, or for ever.
import { UsageError } from '../transports/errors.ts'

/** What trimming leaves. Null: no bound of that kind. */
export interface Keep {
  /** The newest N messages of each room. */
  readonly messages: number | null
  /** Messages that are younger than this. */
  readonly ageMs: number | null
}

export const keepForever: Keep = { messages: null, ageMs: null }

const unitMs: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }
const agePattern = /^([1-9][0-9]{0,8})([smhd])$/
const numberPattern = /^[1-9][0-9]{0,11}$/

/** Reads `forever`, `30d`, `24h`, `10000`, or an age and a number with a comma between. Throws a `UsageError`. */
export function parseKeep(text: string): Keep {
  if (text === 'forever') return keepForever
  let keep = keepForever
  for (const part of text.split(',')) {
    const age = agePattern.exec(part.trim())
    if (age !== null && keep.ageMs === null) {
      const [, count = '', unit = ''] = age
      keep = { ...keep, ageMs: Number(count) * (unitMs[unit] ?? 0) }
    } else if (numberPattern.test(part.trim()) && keep.messages === null) {
      keep = { ...keep, messages: Number(part) }
    } else {
      throw new UsageError(
        `"${text}" is not a time to keep messages for. Say forever, an age (90s, 15m, 24h, 30d), a number of messages a room (10000), or both (30d,10000).`,
      )
    }
  }
  return keep
}
