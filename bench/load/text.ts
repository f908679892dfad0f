// What a measured message says: its own index, so that whoever gets it knows which one it is, filled up to the size that is asked for.
import { benchLimits } from '../limits.ts'

/** The shortest text that an index fits into. */
export const shortestTextBytes = 8

const filling = 'a'.repeat(65_536)

/** `17aaaa…`, `textBytes` long in ASCII. Throws a RangeError where the index doesn't fit. */
export function textOf(index: number, textBytes: number = benchLimits.textBytes): string {
  const digits = String(index)
  if (digits.length > textBytes) throw new RangeError(`${textBytes} bytes hold no index of ${digits}.`)
  return digits + filling.slice(0, textBytes - digits.length)
}

/** The index in a text; not a number where it isn't one of ours. */
export function indexIn(text: string): number {
  return Number.parseInt(text, 10)
}
