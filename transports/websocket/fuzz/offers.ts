// Values of Sec-WebSocket-Extensions for the fuzzer: offers and answers as peers send them, wrong ones, many, long and spoilt ones.
import type { Random } from './random.ts'

export interface MadeOffers {
  readonly text: string
  /** Whether it keeps to the grammar; null where nobody knows beforehand. */
  readonly wellFormed: true | null
}

const names = ['permessage-deflate', 'permessage-deflate', 'permessage-deflate', 'permessage-deflate']
const otherNames = ['permessage-bzip2', 'x-webkit-deflate-frame', 'Permessage-Deflate', 'a', '__proto__']
const windows = ['8', '9', '10', '11', '12', '13', '14', '15']
const wrongValues = [
  '7',
  '16',
  '0',
  '010',
  '+9',
  '9.0',
  '0xA',
  '1e1',
  '-8',
  '8-15',
  'true',
  '999999999999',
  'NaN',
]
const takeovers = ['server_no_context_takeover', 'client_no_context_takeover']
const maxima = ['server_max_window_bits', 'client_max_window_bits']
const otherParameters = ['window', 'Client_Max_Window_Bits', 'constructor', '__proto__', 'x']
const broken = [
  ';',
  ',;',
  '=',
  '"',
  '""',
  '"a',
  'a b',
  '; ;',
  ';=',
  '="a"b',
  '="a b"',
  '="\\',
  '\\',
  '\x7f',
  'é',
  '(',
  ' ',
]

/** @param inAnswer one element as a server gives it, more often than a list */
export function makeOffers(random: Random, inAnswer: boolean): MadeOffers {
  const count = inAnswer && random.chance(0.8) ? 1 : random.chance(0.07) ? 200 : 1 + random.below(4)
  const elements = Array.from({ length: count }, () => (count === 200 ? 'a' : element(random, inAnswer)))
  if (random.chance(0.1)) elements.splice(random.below(elements.length + 1), 0, '')
  const text = elements.join(random.pick([',', ', ', ' ,\t']))
  if (random.chance(0.75)) return { text, wellFormed: count === 200 || text.trim() === '' ? null : true }
  const at = random.below(text.length + 1)
  const end = at + random.below(4)
  return { text: text.slice(0, at) + random.pick(broken) + text.slice(end), wellFormed: null }
}

function element(random: Random, inAnswer: boolean): string {
  const name = random.pick(random.chance(0.9) ? names : otherNames)
  const isGood = random.chance(0.6)
  const parameters: string[] = []
  for (const takeover of takeovers) if (random.chance(0.3)) parameters.push(takeover)
  for (const maximum of maxima) if (random.chance(0.4)) parameters.push(window(maximum, random, inAnswer))
  if (!isGood) parameters.splice(random.below(parameters.length + 1), 0, wrongParameter(random, parameters))
  if (random.chance(0.2)) parameters.reverse()
  return [name, ...parameters].join(random.pick([';', '; ', '; ', '\t ; ']))
}

function window(name: string, random: Random, inAnswer: boolean): string {
  if (name === 'client_max_window_bits' && !inAnswer && random.chance(0.5)) return name
  return assigned(name, random.pick(windows), random)
}

/** In one of the ways that mean the same. */
function assigned(name: string, value: string, random: Random): string {
  const equals = random.chance(0.06) ? random.pick([' = ', '= ', '\t=']) : '='
  if (random.chance(0.8)) return `${name}${equals}${value}`
  const escaped = random.chance(0.3) ? [...value].map((character) => `\\${character}`).join('') : value
  return `${name}${equals}"${escaped}"`
}

function wrongParameter(random: Random, others: readonly string[]): string {
  switch (random.below(6)) {
    case 0:
    case 1:
      return assigned(random.pick(maxima), random.pick(wrongValues), random)
    case 2:
      return assigned(random.pick(takeovers), random.pick([...wrongValues, '1', 'x']), random)
    case 3:
      return random.pick(otherParameters)
    case 4:
      return random.pick(maxima)
    default:
      return others.length === 0 ? random.pick(takeovers) : random.pick(others)
  }
}
