// Payloads that are the same on every machine: texts of an exact length, and five kinds of data from a seed, to be compressed.
import { binary, text, utf8 } from './frames.ts'

const pattern = 'Parley ☃ naïve 𝄞 coöperation, '
const asterisk = 0x2a
const longestCharacterBytes = 4

/** So many bytes of valid UTF-8, with characters of one to four bytes. */
export function textOf(bytes: number): Uint8Array {
  const once = utf8(pattern)
  const repeated = new Uint8Array(bytes + longestCharacterBytes)
  for (let at = 0; at < repeated.length; at += once.length)
    repeated.set(once.subarray(0, Math.min(once.length, repeated.length - at)), at)
  return cutText(repeated, 0, bytes)
}

/** So many bytes, of all values. */
export function bytesOf(bytes: number): Uint8Array {
  const filled = new Uint8Array(bytes)
  for (let at = 0; at < bytes; at++) filled[at] = (at * 7 + (at >> 8)) & 0xff
  return filled
}

/** `bytes` of a text from `start` on, with asterisks for what is left of characters at either end. */
export function cutText(source: Uint8Array, start: number, bytes: number): Uint8Array {
  const piece = source.slice(start, start + bytes)
  for (let at = 0; continues(piece[at]); at++) piece[at] = asterisk
  let at = bytes
  let isCut = continues(source[start + bytes])
  while (isCut && at > 0) {
    isCut = continues(piece[--at])
    piece[at] = asterisk
  }
  return piece
}

/** Whether a byte goes on with a character of UTF-8 that has begun before it. */
function continues(byte: number | undefined): boolean {
  return byte !== undefined && (byte & 0xc0) === 0x80
}

/** Mulberry32: 32 bits a call. */
export function randomBits(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return (mixed ^ (mixed >>> 14)) >>> 0
  }
}

/** A kind of data: what it is in words, its opcode, and message number `index` of `bytes`. */
export interface Corpus {
  readonly name: string
  readonly opcode: number
  readonly message: (index: number, bytes: number) => Uint8Array
}

const corpusBytes = 512 * 1024

export const corpora: readonly Corpus[] = [
  textCorpus('large JSON', jsonRecord),
  binaryCorpus('a bitmap', bitmap),
  textCorpus('prose', paragraph),
  textCorpus('HTML', element),
  binaryCorpus('random bytes', (bits) => Uint8Array.from({ length: corpusBytes }, bits)),
]

function textCorpus(name: string, piece: (bits: () => number) => string): Corpus {
  const source = once(() => {
    const bits = randomBits(name.length)
    let whole = ''
    // No character has less than a byte.
    while (whole.length < corpusBytes + longestCharacterBytes) whole += piece(bits)
    return utf8(whole)
  })
  const message = (index: number, bytes: number): Uint8Array =>
    cutText(source(), (index * bytes) % (corpusBytes - bytes), bytes)
  return { name, opcode: text, message }
}

function binaryCorpus(name: string, make: (bits: () => number) => Uint8Array): Corpus {
  const source = once(() => make(randomBits(name.length)))
  const message = (index: number, bytes: number): Uint8Array => {
    const start = (index * bytes) % (corpusBytes - bytes)
    return source().subarray(start, start + bytes)
  }
  return { name, opcode: binary, message }
}

function once<Value>(make: () => Value): () => Value {
  let made: Value | null = null
  return () => {
    made ??= make()
    return made
  }
}

const words =
  'the a of and to in was that it he she had with as for on at his her they said not but which from by were all been one when there who would them some out like into what could then time up now about little see down very over door house night river light hand voice long under stone window evening garden letter answered across winter slowly remembered déjà naïve façade Übermut señor smørrebrød'.split(
    ' ',
  )

/** The words at the front come far more often, as in a language. */
function word(bits: () => number): string {
  const share = (bits() % 1000) / 1000
  return words[Math.floor(share * share * words.length)] ?? 'the'
}

function sentence(bits: () => number): string {
  const said = Array.from({ length: 4 + (bits() % 14) }, () => word(bits)).join(' ')
  return `${said.charAt(0).toUpperCase()}${said.slice(1)}${bits() % 5 === 0 ? '?' : '.'}`
}

function paragraph(bits: () => number): string {
  return `${Array.from({ length: 2 + (bits() % 5) }, () => sentence(bits)).join(' ')}\n\n`
}

function jsonRecord(bits: () => number): string {
  const record = {
    id: bits().toString(16).padStart(8, '0'),
    user: `${word(bits)}.${word(bits)}@example.org`,
    active: bits() % 3 > 0,
    score: (bits() % 100_000) / 100,
    tags: Array.from({ length: bits() % 4 }, () => word(bits)),
    position: {
      latitude: (bits() % 1_800_000) / 10_000 - 90,
      longitude: (bits() % 3_600_000) / 10_000 - 180,
    },
    note: sentence(bits),
  }
  return `${JSON.stringify(record)},\n`
}

function element(bits: () => number): string {
  const className = word(bits)
  return `  <div class="card ${className}" id="${className}-${bits() % 1000}">\n    <h2>${word(bits)} &amp; ${word(bits)}</h2>\n    <p>${sentence(bits)}</p>\n    <a href="/articles/${bits() % 10_000}.html" rel="next">${word(bits)} »</a>\n  </div>\n`
}

/** Rows of 256 pixels of three bytes: slow gradients with a little noise. */
function bitmap(bits: () => number): Uint8Array {
  return Uint8Array.from({ length: corpusBytes }, (_, at) => {
    const column = Math.floor(at / 3) % 256
    const row = Math.floor(at / 768)
    return (column >> 2) + (row >> 3) * (at % 3) + (bits() % 16 === 0 ? bits() % 3 : 0)
  })
}
