// Group 6.5–6.23: what is UTF-8 (RFC 3629) and what isn't, after Markus Kuhn's list of what decoders stumble over.
import { answered, type Case, failed, send, wrongPayload } from '../case.ts'
import { hex, join, text, utf8 } from '../frames.ts'

/** A group's number, what it is about, whether all in it is right, and its cases' payloads from number 1 on, in hexadecimal. */
type Row = readonly [string, string, 'valid' | 'invalid', readonly string[]]

const greekHex = 'cebae1bdb9cf83cebcceb5'

/** The bytes from `first` to `last`, each behind the last one and a blank. */
function loneBytes(first: number, last: number): string {
  return Array.from({ length: last - first + 1 }, (_, index) => `${(first + index).toString(16)}20`).join('')
}

function hexOf(characters: string): string {
  return Array.from(utf8(characters), (byte) => byte.toString(16).padStart(2, '0')).join('')
}

const allContinuations = Array.from({ length: 64 }, (_, index) => (0x80 + index).toString(16)).join('')
const unfinished = [
  'c0',
  'e080',
  'f08080',
  'f8808080',
  'fc80808080',
  'df',
  'efbf',
  'f7bfbf',
  'fbbfbfbf',
  'fdbfbfbfbf',
]
/** U+nFFFE and U+nFFFF of all planes: no characters, but valid (Unicode Corrigendum 9). */
const noncharacters = Array.from({ length: 17 }, (_, plane) => [
  plane * 0x10000 + 0xfffe,
  plane * 0x10000 + 0xffff,
]).flat()

const rows: readonly Row[] = [
  [
    '6.5',
    'characters of each length',
    'valid',
    ['hello$world', 'hello¢world', 'hello€world', 'hello𤭢world', 'κόσμε'].map(hexOf),
  ],
  ['6.7', 'the first of each length', 'valid', ['00', 'c280', 'e0a080', 'f0908080']],
  ['6.8', 'the first of lengths that there are not', 'invalid', ['f888808080', 'fc8480808080']],
  ['6.9', 'the last of each length', 'valid', ['7f', 'dfbf', 'efbfbf', 'f48fbfbf']],
  ['6.10', 'beyond the last of lengths 4 to 6', 'invalid', ['f7bfbfbf', 'fbbfbfbfbf', 'fdbfbfbfbfbf']],
  ['6.11', 'at other borders', 'valid', ['ed9fbf', 'ee8080', 'efbfbd', 'f48fbfbf', '!f4908080']],
  [
    '6.12',
    'continuation bytes alone',
    'invalid',
    ['80', 'bf', '80bf', '80bf80', '80bf80bf', '80bf80bf80', '80bf80bf80bf', allContinuations],
  ],
  [
    '6.13',
    'first bytes alone',
    'invalid',
    [
      loneBytes(0xc0, 0xdf),
      loneBytes(0xe0, 0xef),
      loneBytes(0xf0, 0xf7),
      loneBytes(0xf8, 0xfb),
      loneBytes(0xfc, 0xfd),
    ],
  ],
  ['6.14', 'the last byte is missing', 'invalid', unfinished],
  ['6.15', 'all of 6.14 one behind the other', 'invalid', [unfinished.join('')]],
  ['6.16', 'bytes that there are not', 'invalid', ['fe', 'ff', 'fefeffff']],
  [
    '6.17',
    'a slash that is too long',
    'invalid',
    ['c0af', 'e080af', 'f08080af', 'f8808080af', 'fc80808080af'],
  ],
  [
    '6.18',
    'the last that is too long',
    'invalid',
    ['c1bf', 'e09fbf', 'f08fbfbf', 'f887bfbfbf', 'fc83bfbfbfbf'],
  ],
  [
    '6.19',
    'a zero that is too long',
    'invalid',
    ['c080', 'e08080', 'f0808080', 'f880808080', 'fc8080808080'],
  ],
  ['6.20', 'a surrogate', 'invalid', ['eda080', 'edadbf', 'edae80', 'edafbf', 'edb080', 'edbe80', 'edbfbf']],
  [
    '6.21',
    'a pair of surrogates',
    'invalid',
    [
      'eda080edb080',
      'eda080edbfbf',
      'edadbfedb080',
      'edadbfedbfbf',
      'edae80edb080',
      'edae80edbfbf',
      'edafbfedb080',
      'edafbfedbfbf',
    ],
  ],
  ['6.22', 'a noncharacter', 'valid', noncharacters.map((point) => hexOf(String.fromCodePoint(point)))],
  [
    '6.23',
    'specials',
    'valid',
    ['\ufff9', '\ufffa', '\ufffb', '\ufffc', '\ufffd', '\ufffe', '\uffff'].map(hexOf),
  ],
]

/** Where 6.6's prefixes end at a character of the Greek word. */
const wholePrefixes = [2, 5, 7, 9, 11]

function toCase(number: string, title: string, payload: Uint8Array, isValid: boolean): Case {
  return {
    number,
    title: `${title}: ${isValid ? 'valid' : 'invalid'}, ${payload.length} bytes`,
    script: () => {
      const sent = send([{ opcode: text, payload }])
      return isValid ? answered([sent], [{ kind: 'text', payload }]) : failed([sent], wrongPayload)
    },
  }
}

function prefixCases(): readonly Case[] {
  const greek = hex(greekHex)
  return Array.from({ length: greek.length }, (_, index) =>
    toCase(
      `6.6.${index + 1}`,
      'the beginning of κόσμε',
      greek.slice(0, index + 1),
      wholePrefixes.includes(index + 1),
    ),
  )
}

function rowCases([group, title, validity, payloads]: Row): readonly Case[] {
  return payloads.map((digits, index) => {
    const isException = digits.startsWith('!')
    const payload = join(hex(isException ? digits.slice(1) : digits))
    return toCase(`${group}.${index + 1}`, title, payload, (validity === 'valid') !== isException)
  })
}

export const textRanges: readonly Case[] = rows.flatMap((row) =>
  row[0] === '6.7' ? [...prefixCases(), ...rowCases(row)] : rowCases(row),
)
