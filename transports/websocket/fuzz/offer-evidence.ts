// Sec-WebSocket-Extensions read with regular expressions, and what RFC 7692 §7.1 says of it: evidence, no code of ours.

export interface ReadExtension {
  readonly name: string
  readonly parameters: readonly (readonly [name: string, value: string | null])[]
}

export interface ReadHeader {
  /** Null when it breaks the grammar, which allows empty elements and white space around everything. */
  readonly extensions: readonly ReadExtension[] | null
  readonly hasEmptyElements: boolean
  readonly hasSpaceAroundEquals: boolean
  /** Extensions and parameters. */
  readonly parts: number
}

const token = "[!#$%&'*+\\-.^_`|~0-9A-Za-z]"
const space = /[ \t]*/y
const comma = /,/y
const name = new RegExp(`${token}+`, 'y')
const parameter = new RegExp(
  `[ \\t]*;[ \\t]*(${token}+)(?:([ \\t]*)=([ \\t]*)(?:(${token}+)|"((?:\\\\?${token})+)"))?`,
  'y',
)

export function readHeader(header: string): ReadHeader {
  let index = 0
  const take = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = index
    const match = pattern.exec(header)
    if (match !== null) index = pattern.lastIndex
    return match
  }
  const extensions: ReadExtension[] = []
  let hasEmptyElements = false
  let hasSpaceAroundEquals = false
  let parts = 0
  do {
    take(space)
    const named = take(name)
    if (named === null) {
      hasEmptyElements = true
    } else {
      const parameters: (readonly [string, string | null])[] = []
      for (let found = take(parameter); found !== null; found = take(parameter)) {
        const [, key = '', before = '', after = '', plain, quoted] = found
        if (before !== '' || after !== '') hasSpaceAroundEquals = true
        parameters.push([key, plain ?? quoted?.replace(/\\(.)/g, '$1') ?? null])
      }
      extensions.push({ name: named[0], parameters })
      parts += 1 + parameters.length
    }
    take(space)
  } while (take(comma) !== null)
  return {
    extensions: index === header.length ? extensions : null,
    hasEmptyElements,
    hasSpaceAroundEquals,
    parts,
  }
}

/** What one element for permessage-deflate says; a window without a value is `any`, and one that isn't there undefined. */
export interface ReadParameters {
  readonly serverNoContextTakeover: boolean
  readonly clientNoContextTakeover: boolean
  readonly serverMaxWindowBits: number | undefined
  readonly clientMaxWindowBits: number | 'any' | undefined
}

/** Null for what MUST be declined in an offer, or failed in an answer (RFC 7692 §7.1). */
export function readParameters({ parameters }: ReadExtension, inAnswer: boolean): ReadParameters | null {
  const values = new Map(parameters)
  if (values.size !== parameters.length) return null
  for (const [key, value] of parameters) {
    if (
      /^(?:server|client)_no_context_takeover$/.test(key) ? value !== null : !isWindow(key, value, inAnswer)
    )
      return null
  }
  const server = values.get('server_max_window_bits')
  const client = values.get('client_max_window_bits')
  return {
    serverNoContextTakeover: values.has('server_no_context_takeover'),
    clientNoContextTakeover: values.has('client_no_context_takeover'),
    serverMaxWindowBits: typeof server === 'string' ? Number(server) : undefined,
    clientMaxWindowBits: typeof client === 'string' ? Number(client) : client === null ? 'any' : undefined,
  }
}

/** §7.1.2: a decimal integer without leading zeros between 8 and 15; a client's own may stand without one in an offer. */
function isWindow(key: string, value: string | null, inAnswer: boolean): boolean {
  if (key === 'client_max_window_bits' && value === null) return !inAnswer
  return /^(?:server|client)_max_window_bits$/.test(key) && value !== null && /^([89]|1[0-5])$/.test(value)
}

/** Whether a number is written as no window is, though it may be one: `010`, `9.0`, `0xA`. */
export function hasOddNumber({ parameters }: ReadExtension): boolean {
  return parameters.some(
    ([key, value]) =>
      key.endsWith('_max_window_bits') &&
      value !== null &&
      Number(value) >= 8 &&
      Number(value) <= 15 &&
      !isWindow(key, value, false),
  )
}

/** Whether a server may answer this offer so (RFC 7692 §7.1.1, §7.1.2). */
export function isAnswerTo(offer: ReadParameters, answer: ReadParameters): boolean {
  if (offer.serverNoContextTakeover && !answer.serverNoContextTakeover) return false
  if ((answer.serverMaxWindowBits ?? 15) > (offer.serverMaxWindowBits ?? 15)) return false
  if (answer.clientMaxWindowBits === undefined) return true
  if (answer.clientMaxWindowBits === 'any' || offer.clientMaxWindowBits === undefined) return false
  return offer.clientMaxWindowBits === 'any' || answer.clientMaxWindowBits <= offer.clientMaxWindowBits
}
