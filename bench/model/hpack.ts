// How many bytes a header block takes (RFC 7541): static table, dynamic table, Huffman code. It measures; it encodes nothing.
import { huffmanBits } from './huffman.ts'

export type HeaderField = readonly [name: string, value: string]

/** Appendix A, from index 1. */
const staticTable: readonly HeaderField[] = [
  [':authority', ''],
  [':method', 'GET'],
  [':method', 'POST'],
  [':path', '/'],
  [':path', '/index.html'],
  [':scheme', 'http'],
  [':scheme', 'https'],
  ...['200', '204', '206', '304', '400', '404', '500'].map((status): HeaderField => [':status', status]),
  ['accept-charset', ''],
  ['accept-encoding', 'gzip, deflate'],
  ...[
    'accept-language accept-ranges accept access-control-allow-origin age allow authorization cache-control',
    'content-disposition content-encoding content-language content-length content-location content-range',
    'content-type cookie date etag expect expires from host if-match if-modified-since if-none-match if-range',
    'if-unmodified-since last-modified link location max-forwards proxy-authenticate proxy-authorization range',
    'referer refresh retry-after server set-cookie strict-transport-security transfer-encoding user-agent vary',
    'via www-authenticate',
  ]
    .flatMap((line) => line.split(' '))
    .map((name): HeaderField => [name, '']),
]

/** What nghttp2, which Node's HTTP/2 is made of, never puts into the dynamic table: `hd_deflate_decide_indexing` in nghttp2_hd.c. */
export const neverIndexedByNode: ReadonlySet<string> = new Set([
  ':path',
  'age',
  'content-length',
  'etag',
  'if-modified-since',
  'if-none-match',
  'location',
  'set-cookie',
])

/** The size of an integer with a prefix of so many bits, bytes (§5.1). */
export function integerBytes(value: number, prefixBits: number): number {
  const prefix = 2 ** prefixBits - 1
  if (value < prefix) return 1
  let bytes = 2
  for (let rest = value - prefix; rest >= 128; rest = Math.floor(rest / 128)) bytes += 1
  return bytes
}

/** The size of a string literal, bytes (§5.2): its length, and the shorter of Huffman code and the bytes themselves. */
export function stringBytes(text: string, mayBeCoded = true): number {
  const plain = new TextEncoder().encode(text).length
  const coded = Math.ceil(huffmanBits(text) / 8)
  const bytes = mayBeCoded && coded < plain ? coded : plain
  return integerBytes(bytes, 7) + bytes
}

export interface HpackOptions {
  /** Of the dynamic table, as both ends agreed; 4,096 bytes without a word of it. */
  readonly tableBytes?: number
  /** Whether strings may take the Huffman code. */
  readonly huffman?: boolean
  /** Names of fields that are written out each time. */
  readonly neverIndexed?: ReadonlySet<string>
}

/** One direction of a connection: what was sent before makes what follows shorter. */
export class HpackSizer {
  readonly #tableBytes: number
  readonly #huffman: boolean
  readonly #neverIndexed: ReadonlySet<string>
  /** The newest first. */
  readonly #dynamic: HeaderField[] = []
  #usedBytes = 0

  constructor({ tableBytes = 4096, huffman = true, neverIndexed = new Set() }: HpackOptions = {}) {
    this.#tableBytes = tableBytes
    this.#huffman = huffman
    this.#neverIndexed = neverIndexed
  }

  /** The size of the dynamic table as §4.1 counts it, bytes. */
  get usedBytes(): number {
    return this.#usedBytes
  }

  /** The size of a header block, bytes; the tables remember it. */
  block(fields: readonly HeaderField[]): number {
    let bytes = 0
    for (const field of fields) bytes += this.#field(field)
    return bytes
  }

  #field([name, value]: HeaderField): number {
    const whole = this.#find((one) => one[0] === name && one[1] === value)
    if (whole > 0) return integerBytes(whole, 7)
    const known = this.#find((one) => one[0] === name)
    const indexed = !this.#neverIndexed.has(name)
    const nameBytes = known > 0 ? integerBytes(known, indexed ? 6 : 4) : 1 + stringBytes(name, this.#huffman)
    if (indexed) this.#remember([name, value])
    return nameBytes + stringBytes(value, this.#huffman)
  }

  #find(matches: (field: HeaderField) => boolean): number {
    const inStatic = staticTable.findIndex(matches)
    if (inStatic >= 0) return inStatic + 1
    const inDynamic = this.#dynamic.findIndex(matches)
    return inDynamic < 0 ? 0 : staticTable.length + 1 + inDynamic
  }

  #remember(field: HeaderField): void {
    this.#dynamic.unshift(field)
    this.#usedBytes += entryBytes(field)
    while (this.#usedBytes > this.#tableBytes) {
      const oldest = this.#dynamic.pop()
      if (oldest === undefined) break
      this.#usedBytes -= entryBytes(oldest)
    }
  }
}

function entryBytes([name, value]: HeaderField): number {
  return name.length + value.length + 32
}
