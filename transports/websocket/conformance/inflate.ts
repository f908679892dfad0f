// DEFLATE (RFC 1951) taken apart slowly, to see how far back it refers: zlib doesn't tell, and looks at the window only loosely.

/** What is in a message, and the longest distance of its references, in bytes. */
export interface Inflated {
  readonly bytes: Uint8Array
  readonly farthestBytes: number
}

const lengthBase = [
  3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195,
  227, 258,
]
const lengthExtraBits = [
  0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0,
]
const distanceBase = [
  1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097,
  6145, 8193, 12289, 16385, 24577,
]
const distanceExtraBits = [
  0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13,
]
/** §3.2.7: the order in which the lengths of the code length codes come. */
const codeLengthOrder = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]
const longestCodeBits = 15
const endOfBlock = 256

/** A Huffman code: how many codes of each length there are, and their symbols in order. */
interface Code {
  readonly counts: readonly number[]
  readonly symbols: readonly number[]
}

const fixedLiterals = makeCode([
  ...Array<number>(144).fill(8),
  ...Array<number>(112).fill(9),
  ...Array<number>(24).fill(7),
  ...Array<number>(8).fill(8),
])
const fixedDistances = makeCode(Array<number>(30).fill(5))

/**
 * Inflates a whole message, its four last bytes put back.
 *
 * @param history what came before it, as far as it may refer back
 * @returns the message, or in words what is wrong with it
 */
export function inflateSlowly(data: Uint8Array, history: Uint8Array): Inflated | string {
  const inflater = new Inflater(data, history)
  const fault = inflater.run()
  return fault ?? { bytes: inflater.output(), farthestBytes: inflater.farthestBytes }
}

class Inflater {
  readonly #data: Uint8Array
  readonly #out: number[]
  readonly #historyBytes: number
  #at = 0
  #bits = 0
  #bitCount = 0
  farthestBytes = 0

  constructor(data: Uint8Array, history: Uint8Array) {
    this.#data = data
    this.#out = Array.from(history)
    this.#historyBytes = history.length
  }

  output(): Uint8Array {
    return Uint8Array.from(this.#out.slice(this.#historyBytes))
  }

  /** @returns what is wrong, or null */
  run(): string | null {
    while (this.#at < this.#data.length) {
      const isLast = this.#take(1) === 1
      const type = this.#take(2)
      const fault =
        type === 0 ? this.#stored() : type === 3 ? 'a block of type 3' : this.#compressed(type === 2)
      if (fault !== null) return fault
      // RFC 7692 §7.2.3.4: a block that says that it is the last ends at a byte, and more of the message may follow.
      if (isLast) this.#toByte()
    }
    return null
  }

  #take(count: number): number {
    while (this.#bitCount < count) {
      this.#bits |= (this.#data[this.#at++] ?? 0) << this.#bitCount
      this.#bitCount += 8
    }
    const taken = this.#bits & ((1 << count) - 1)
    this.#bits >>>= count
    this.#bitCount -= count
    return taken
  }

  #toByte(): void {
    this.#bits = 0
    this.#bitCount = 0
  }

  #stored(): string | null {
    this.#toByte()
    const length = this.#take(16)
    this.#toByte()
    if ((this.#take(16) ^ 0xffff) !== length) return 'a stored block with a wrong length'
    this.#toByte()
    if (this.#at + length > this.#data.length) return 'a stored block that ends too early'
    for (const end = this.#at + length; this.#at < end; this.#at++) this.#out.push(this.#data[this.#at] ?? 0)
    return null
  }

  #compressed(dynamic: boolean): string | null {
    const codes = dynamic ? this.#readCodes() : { literals: fixedLiterals, distances: fixedDistances }
    if (typeof codes === 'string') return codes
    for (;;) {
      if (this.#at > this.#data.length + 4) return 'a block without an end'
      const symbol = this.#symbol(codes.literals)
      if (symbol === null) return 'a wrong code'
      if (symbol === endOfBlock) return null
      if (symbol < endOfBlock) {
        this.#out.push(symbol)
        continue
      }
      const length = (lengthBase[symbol - 257] ?? 0) + this.#take(lengthExtraBits[symbol - 257] ?? 0)
      const far = this.#symbol(codes.distances)
      if (far === null || far > 29 || length === 0) return 'a wrong length or distance'
      const distance = (distanceBase[far] ?? 0) + this.#take(distanceExtraBits[far] ?? 0)
      if (distance > this.#out.length) return `a distance of ${distance} bytes, beyond the window`
      this.farthestBytes = Math.max(this.farthestBytes, distance)
      for (let count = 0; count < length; count++) this.#out.push(this.#out[this.#out.length - distance] ?? 0)
    }
  }

  /** §3.2.7 */
  #readCodes(): { readonly literals: Code; readonly distances: Code } | string {
    const literalCount = this.#take(5) + 257
    const distanceCount = this.#take(5) + 1
    const lengthCount = this.#take(4) + 4
    const lengths = Array<number>(19).fill(0)
    for (const place of codeLengthOrder.slice(0, lengthCount)) lengths[place] = this.#take(3)
    const code = makeCode(lengths)
    const all: number[] = []
    while (all.length < literalCount + distanceCount) {
      const symbol = this.#symbol(code)
      if (symbol === null) return 'a wrong code length'
      if (symbol < 16) all.push(symbol)
      else if (symbol === 16) all.push(...Array<number>(3 + this.#take(2)).fill(all.at(-1) ?? 0))
      else all.push(...Array<number>(symbol === 17 ? 3 + this.#take(3) : 11 + this.#take(7)).fill(0))
    }
    return { literals: makeCode(all.slice(0, literalCount)), distances: makeCode(all.slice(literalCount)) }
  }

  /** Bit by bit: the codes of each length are consecutive numbers, and longer ones come behind (§3.2.2). */
  #symbol({ counts, symbols }: Code): number | null {
    let code = 0
    let first = 0
    let index = 0
    for (let bits = 1; bits <= longestCodeBits; bits++) {
      code |= this.#take(1)
      const count = counts[bits] ?? 0
      if (code - first < count) return symbols[index + code - first] ?? null
      index += count
      first = (first + count) << 1
      code <<= 1
    }
    return null
  }
}

function makeCode(lengths: readonly number[]): Code {
  const counts = Array<number>(longestCodeBits + 1).fill(0)
  for (const length of lengths) counts[length] = (counts[length] ?? 0) + 1
  counts[0] = 0
  const symbols = lengths
    .map((length, symbol) => ({ length, symbol }))
    .filter(({ length }) => length > 0)
    .sort((one, other) => one.length - other.length || one.symbol - other.symbol)
    .map(({ symbol }) => symbol)
  return { counts, symbols }
}
