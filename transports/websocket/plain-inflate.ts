// DEFLATE read bit by bit after RFC 1951, without a thought of speed: what the fuzzer and the conformance suite believe of a stream,
// as zlib doesn't tell how far back it refers, and looks at the window only loosely.

/** What is in a stream of blocks, as far as it goes. */
export interface PlainInflation {
  readonly output: Uint8Array
  /** What stands behind the output is no DEFLATE. */
  readonly corrupt: boolean
  /** How far back the farthest reference goes, in bytes. */
  readonly farthestBytes: number
  /** Offsets in the input behind each block that says that it is the last (BFINAL); each starts from nothing again. */
  readonly finalEnds: readonly number[]
}

const lengthBases = [
  3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195,
  227, 258,
]
const lengthExtraBits = [
  0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0,
]
const distanceBases = [
  1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097,
  6145, 8193, 12_289, 16_385, 24_577,
]
const distanceExtraBits = [
  0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13,
]
const codeLengthOrder = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]
const maxCodeBits = 15
const endOfBlock = 256

/** Why the reading ends. */
class Stop extends Error {
  readonly corrupt: boolean

  constructor(corrupt: boolean) {
    super(corrupt ? 'corrupt' : 'there is no more')
    this.corrupt = corrupt
  }
}

/**
 * @param maxOutputBytes stops soon after so many
 * @param history what came before, as far as it may be referred to
 */
export function inflatePlainly(
  input: Uint8Array,
  maxOutputBytes: number,
  history: Uint8Array = new Uint8Array(0),
): PlainInflation {
  const reader = new BlockReader(input, maxOutputBytes, history)
  const finalEnds: number[] = []
  let corrupt = false
  try {
    for (;;) if (reader.block()) finalEnds.push(reader.startOver())
  } catch (error) {
    if (!(error instanceof Stop)) throw error
    corrupt = error.corrupt
  }
  const { farthestBytes } = reader
  return { output: reader.output(), corrupt, farthestBytes, finalEnds }
}

/** A canonical code (RFC 1951 §3.2.2): how many codes have each length, and the symbols in their order. */
interface Code {
  readonly counts: readonly number[]
  readonly symbols: readonly number[]
}

class BlockReader {
  readonly #input: Uint8Array
  readonly #maxOutputBytes: number
  #bit = 0
  /** Behind what came before. */
  #output: Uint8Array<ArrayBuffer>
  #length: number
  readonly #historyBytes: number
  /** Where the window begins at the earliest. */
  #start = 0
  farthestBytes = 0

  constructor(input: Uint8Array, maxOutputBytes: number, history: Uint8Array) {
    this.#input = input
    this.#maxOutputBytes = maxOutputBytes
    this.#historyBytes = history.length
    this.#length = history.length
    this.#output = new Uint8Array(history.length + 1024)
    this.#output.set(history)
  }

  output(): Uint8Array {
    return this.#output.slice(this.#historyBytes, this.#length)
  }

  /** Behind a last block: the next byte, and an empty window. @returns the offset */
  startOver(): number {
    this.#bit = (this.#bit + 7) & ~7
    this.#start = this.#length
    return this.#bit / 8
  }

  /** RFC 1951 §3.2.3. @returns whether it says that it is the last one */
  block(): boolean {
    const final = this.#bits(1) === 1
    const kind = this.#bits(2)
    if (kind === 0) this.#stored()
    else if (kind === 1) this.#compressed(fixedLiterals, fixedDistances)
    else if (kind === 2) this.#dynamic()
    else throw new Stop(true)
    return final
  }

  #bits(count: number): number {
    let value = 0
    for (let index = 0; index < count; index++) {
      const byte = this.#input[this.#bit >> 3]
      if (byte === undefined) throw new Stop(false)
      value |= ((byte >> (this.#bit & 7)) & 1) << index
      this.#bit++
    }
    return value
  }

  #put(byte: number): void {
    if (this.#length - this.#historyBytes > this.#maxOutputBytes) throw new Stop(false)
    if (this.#length === this.#output.length) {
      const grown = new Uint8Array(this.#length * 2)
      grown.set(this.#output)
      this.#output = grown
    }
    this.#output[this.#length++] = byte
  }

  #stored(): void {
    this.#bit = (this.#bit + 7) & ~7
    const length = this.#bits(16)
    if (length !== (this.#bits(16) ^ 0xffff)) throw new Stop(true)
    for (let left = length; left > 0; left--) this.#put(this.#bits(8))
  }

  /** RFC 1951 §3.2.7 */
  #dynamic(): void {
    const literals = this.#bits(5) + 257
    const distances = this.#bits(5) + 1
    const lengths = new Array<number>(19).fill(0)
    const codeLengths = this.#bits(4) + 4
    if (literals > 286 || distances > 30) throw new Stop(true)
    for (const symbol of codeLengthOrder.slice(0, codeLengths)) lengths[symbol] = this.#bits(3)
    const code = makeCode(lengths, false)
    const all: number[] = []
    while (all.length < literals + distances) {
      const symbol = this.#symbol(code)
      if (symbol < 16) all.push(symbol)
      else {
        const repeated = symbol === 16 ? all.at(-1) : 0
        const times =
          symbol === 16 ? 3 + this.#bits(2) : symbol === 17 ? 3 + this.#bits(3) : 11 + this.#bits(7)
        if (repeated === undefined || all.length + times > literals + distances) throw new Stop(true)
        for (let left = times; left > 0; left--) all.push(repeated)
      }
    }
    if (all[endOfBlock] === 0) throw new Stop(true)
    this.#compressed(makeCode(all.slice(0, literals), true), makeCode(all.slice(literals), true))
  }

  #compressed(literals: Code, distances: Code): void {
    for (;;) {
      const symbol = this.#symbol(literals)
      if (symbol === endOfBlock) return
      if (symbol < endOfBlock) this.#put(symbol)
      else this.#copy(symbol - 257, distances)
    }
  }

  #copy(lengthSymbol: number, distances: Code): void {
    const lengthBase = lengthBases[lengthSymbol]
    if (lengthBase === undefined) throw new Stop(true)
    const length = lengthBase + this.#bits(lengthExtraBits[lengthSymbol] ?? 0)
    const symbol = this.#symbol(distances)
    const distanceBase = distanceBases[symbol]
    if (distanceBase === undefined) throw new Stop(true)
    const distance = distanceBase + this.#bits(distanceExtraBits[symbol] ?? 0)
    if (distance > this.#length - this.#start) throw new Stop(true)
    this.farthestBytes = Math.max(this.farthestBytes, distance)
    for (let left = length; left > 0; left--) this.#put(this.#output[this.#length - distance] ?? 0)
  }

  #symbol({ counts, symbols }: Code): number {
    let code = 0
    let first = 0
    let index = 0
    for (let bits = 1; bits <= maxCodeBits; bits++) {
      code |= this.#bits(1)
      const count = counts[bits] ?? 0
      if (code - count < first) return symbols[index + (code - first)] ?? 0
      index += count
      first = (first + count) << 1
      code <<= 1
    }
    throw new Stop(true)
  }
}

/** @param mayBeSingle a code of one symbol leaves half of its space unused, and only that may (RFC 1951 §3.2.7) */
function makeCode(lengths: readonly number[], mayBeSingle: boolean): Code {
  const counts = new Array<number>(maxCodeBits + 1).fill(0)
  for (const length of lengths) counts[length] = (counts[length] ?? 0) + 1
  counts[0] = 0
  let left = 1
  for (let bits = 1; bits <= maxCodeBits; bits++) {
    left = left * 2 - (counts[bits] ?? 0)
    if (left < 0) throw new Stop(true)
  }
  const used = lengths.length - lengths.filter((length) => length === 0).length
  const isSingle = mayBeSingle && (used === 0 || (used === 1 && counts[1] === 1))
  if (left > 0 && !isSingle) throw new Stop(true)
  const symbols = lengths
    .map((length, symbol) => ({ length, symbol }))
    .filter(({ length }) => length > 0)
    .sort((one, another) => one.length - another.length || one.symbol - another.symbol)
    .map(({ symbol }) => symbol)
  return { counts, symbols }
}

/** RFC 1951 §3.2.6. Two of each are never used, and are no symbols. */
const fixedLiterals = makeCode(
  Array.from({ length: 288 }, (_, symbol) => (symbol < 144 ? 8 : symbol < 256 ? 9 : symbol < 280 ? 7 : 8)),
  false,
)
const fixedDistances = makeCode(new Array<number>(32).fill(5), false)
