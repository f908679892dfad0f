// Seeded randomness for the fuzzer: the same seed gives the same traces on every machine.

export class Random {
  #state: number

  constructor(seed: number) {
    this.#state = seed >>> 0
  }

  /** 32 bits (mulberry32). */
  bits(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let mixed = this.#state
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return (mixed ^ (mixed >>> 14)) >>> 0
  }

  /** A whole number from 0 to `count` − 1. */
  below(count: number): number {
    return Math.floor((this.bits() / 0x1_0000_0000) * count)
  }

  /** True in `share` of all calls. */
  chance(share: number): boolean {
    return this.bits() < share * 0x1_0000_0000
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)] as T
  }

  bytes(count: number): Uint8Array {
    const bytes = new Uint8Array(count)
    for (let index = 0; index < count; index++) bytes[index] = this.bits()
    return bytes
  }
}

/** A seed of its own for the item `index` of a stream: any trace can be made again without those before it. */
export function seedOf(seed: number, stream: string, index: number): number {
  let value = (0x811c9dc5 ^ seed) >>> 0
  for (let at = 0; at < stream.length; at++) value = Math.imul(value ^ stream.charCodeAt(at), 0x01000193)
  value = Math.imul(value ^ (index & 0xffff), 0x01000193)
  value = Math.imul(value ^ (index >>> 16), 0x01000193)
  return new Random(value).bits()
}

/** A number for these bytes (FNV-1a): what is drawn from it comes out the same whenever the bytes come again. */
export function fingerprint(bytes: Uint8Array): number {
  let value = 0x811c9dc5
  for (const byte of bytes) value = Math.imul(value ^ byte, 0x01000193)
  return value >>> 0
}
