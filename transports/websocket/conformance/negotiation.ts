// What an offer of permessage-deflate and its answer agree on (RFC 7692 §7.1), and whether the answer may be given at all.

/** What holds on a connection from now on. */
export interface Agreement {
  readonly serverWindowBits: number
  readonly clientWindowBits: number
  /** Whether messages refer to earlier ones. */
  readonly serverKeepsContext: boolean
  readonly clientKeepsContext: boolean
}

interface Extension {
  readonly name: string
  /** Null for a parameter without a value. */
  readonly parameters: ReadonlyMap<string, string | null>
  /** A parameter that isn't in RFC 7692, is there twice, or has a wrong value. */
  readonly fault: string | null
}

const largestWindowBits = 15

/** @returns what is agreed on, null without compression, or in words what is wrong with the answer */
export function agree(offer: string, answer: string): Agreement | null | string {
  if (answer.trim() === '') return null
  const [accepted, ...more] = read(answer, false)
  if (accepted === undefined || more.length > 0) return `two extensions in the answer: ${answer}`
  if (accepted.name !== 'permessage-deflate') return `the extension ${accepted.name}, which wasn't offered`
  if (accepted.fault !== null) return `in the answer, ${accepted.fault}`
  const offers = read(offer, true).filter(
    ({ name, fault }) => name === 'permessage-deflate' && fault === null,
  )
  const fits = offers.find((offered) => mayAnswer(offered, accepted))
  if (fits === undefined) return `an answer to none of the offers: ${answer}`
  return {
    serverWindowBits: bitsOf(accepted, 'server_max_window_bits'),
    clientWindowBits: Math.min(
      bitsOf(accepted, 'client_max_window_bits'),
      bitsOf(fits, 'client_max_window_bits'),
    ),
    serverKeepsContext: !accepted.parameters.has('server_no_context_takeover'),
    clientKeepsContext: !accepted.parameters.has('client_no_context_takeover'),
  }
}

function mayAnswer(offered: Extension, accepted: Extension): boolean {
  // §7.1.1.1: to accept it, a server includes it.
  const takeover = 'server_no_context_takeover'
  if (offered.parameters.has(takeover) && !accepted.parameters.has(takeover)) return false
  // §7.1.2.1: the same or a smaller window.
  const server = 'server_max_window_bits'
  if (offered.parameters.has(server) && !accepted.parameters.has(server)) return false
  if (bitsOf(accepted, server) > bitsOf(offered, server)) return false
  // §7.1.2.2: only if the client has said that it knows it.
  const client = 'client_max_window_bits'
  if (!accepted.parameters.has(client)) return true
  return offered.parameters.has(client) && bitsOf(accepted, client) <= bitsOf(offered, client)
}

function bitsOf({ parameters }: Extension, name: string): number {
  return Number(parameters.get(name) ?? largestWindowBits)
}

function read(field: string, inOffer: boolean): readonly Extension[] {
  return field.split(',').map((element) => {
    const [name = '', ...rest] = element.split(';').map((part) => part.trim())
    const parameters = new Map<string, string | null>()
    let fault: string | null = null
    for (const part of rest) {
      const [, key = part, quoted, token] = /^([^=\s]+)\s*=\s*(?:"([^"]*)"|([^"\s]+))$/.exec(part) ?? []
      const value = quoted ?? token ?? null
      if (parameters.has(key)) fault = `the parameter ${key} is there twice`
      else if (!isRight(key, value, inOffer)) fault = `the parameter ${part} is unknown or wrong`
      parameters.set(key, value)
    }
    return { name, parameters, fault }
  })
}

function isRight(name: string, value: string | null, inOffer: boolean): boolean {
  switch (name) {
    case 'server_no_context_takeover':
    case 'client_no_context_takeover':
      return value === null
    case 'client_max_window_bits':
      if (value === null) return inOffer
      return isBits(value)
    case 'server_max_window_bits':
      return value !== null && isBits(value)
    default:
      return false
  }
}

function isBits(value: string): boolean {
  return ['8', '9', '10', '11', '12', '13', '14', '15'].includes(value)
}
