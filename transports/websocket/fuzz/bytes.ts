// Mutations that know nothing of what the bytes mean.
import { concat } from '../protocol/testing.ts'
import type { Random } from './random.ts'

const interesting = [0x00, 0x01, 0x0a, 0x0d, 0x20, 0x7d, 0x7e, 0x7f, 0x80, 0x88, 0xfe, 0xff]

/** One to three of: flip a bit, set a byte, insert, cut out, double a part, cut off the end. */
export function mutateBytes(bytes: Uint8Array, random: Random): Uint8Array {
  let mutated: Uint8Array = bytes.slice()
  for (let count = 1 + random.below(3); count > 0; count--) mutated = mutateOnce(mutated, random)
  return mutated
}

function mutateOnce(bytes: Uint8Array, random: Random): Uint8Array {
  const at = random.below(bytes.length + 1)
  const end = Math.min(bytes.length, at + 1 + random.below(8))
  switch (random.below(6)) {
    case 0:
      if (at < bytes.length) bytes[at] = (bytes[at] as number) ^ (1 << random.below(8))
      return bytes
    case 1:
      if (at < bytes.length) bytes[at] = random.pick(interesting)
      return bytes
    case 2:
      return concat(bytes.subarray(0, at), random.bytes(1 + random.below(6)), bytes.subarray(at))
    case 3:
      return concat(bytes.subarray(0, at), bytes.subarray(end))
    case 4:
      return concat(bytes.subarray(0, end), bytes.subarray(at))
    default:
      return bytes.slice(0, at)
  }
}

export function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}

/** Reads what `toHex` writes, with or without white space; null for anything else. */
export function fromHex(text: string): Uint8Array | null {
  const digits = text.replace(/\s+/g, '')
  if (digits.length % 2 !== 0 || !/^[0-9a-fA-F]*$/.test(digits)) return null
  return Uint8Array.from(digits.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16))
}
