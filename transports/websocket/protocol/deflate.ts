// Negotiating permessage-deflate (RFC 7692 §5, §7.1): what a server accepts, what a client offers and then checks.
import { UsageError } from './errors.ts'
import { type Extension, type ExtensionParameter, formatExtension, parseExtensions } from './extensions.ts'

export const deflateExtensionName = 'permessage-deflate'

/** The four parameters. As a preference, what one side wants at least; as an agreement, what holds for the connection. */
export interface DeflateParameters {
  /** The server's messages don't refer to earlier ones (RFC 7692 §7.1.1.1). */
  readonly serverNoContextTakeover: boolean
  /** The client's messages don't refer to earlier ones (§7.1.1.2). */
  readonly clientNoContextTakeover: boolean
  /** How far back the server's data refers at most: 2 to the power of 8–15 bytes (§7.1.2.1). */
  readonly serverMaxWindowBits: number
  /** The same of the client's (§7.1.2.2). */
  readonly clientMaxWindowBits: number
}

export const minWindowBits = 8
export const maxWindowBits = 15

/** Nothing is asked for. */
export const noPreferences: DeflateParameters = {
  serverNoContextTakeover: false,
  clientNoContextTakeover: false,
  serverMaxWindowBits: maxWindowBits,
  clientMaxWindowBits: maxWindowBits,
}

/** What a server has accepted. */
export interface DeflateAgreement {
  readonly parameters: DeflateParameters
  /** The extension as it stands in the server's answer. */
  readonly text: string
}

/**
 * Chooses among a client's offers, as its server: the first that can be accepted is (RFC 6455 §9.1: in order of preference).
 *
 * @returns null when none can
 */
export function acceptDeflate(
  offers: readonly Extension[],
  preferences: DeflateParameters,
): DeflateAgreement | null {
  for (const offer of offers) {
    if (offer.name !== deflateExtensionName) continue
    const agreement = acceptOffer(offer, preferences)
    if (agreement !== null) return agreement
  }
  return null
}

function acceptOffer(offer: Extension, preferences: DeflateParameters): DeflateAgreement | null {
  const offered = readParameters(offer.parameters, true)
  // RFC 7692 §7.1: an offer with a parameter that is unknown, double or wrong MUST be declined.
  if (typeof offered === 'string') return null
  const { clientMaxWindowBits } = offered
  // §7.1.2.2: without the client's word that it can, its window MUST NOT be limited in the answer.
  if (clientMaxWindowBits === undefined && preferences.clientMaxWindowBits < maxWindowBits) return null
  const parameters: DeflateParameters = {
    // §7.1.1: a server may ask for either without having been offered it, and must where it has been asked.
    serverNoContextTakeover: offered.serverNoContextTakeover || preferences.serverNoContextTakeover,
    clientNoContextTakeover: offered.clientNoContextTakeover || preferences.clientNoContextTakeover,
    serverMaxWindowBits: Math.min(
      offered.serverMaxWindowBits ?? maxWindowBits,
      preferences.serverMaxWindowBits,
    ),
    clientMaxWindowBits: Math.min(clientMaxWindowBits ?? maxWindowBits, preferences.clientMaxWindowBits),
  }
  return {
    parameters,
    text: formatParameters(parameters, {
      server: parameters.serverMaxWindowBits < maxWindowBits || offered.serverMaxWindowBits !== undefined,
      client: parameters.clientMaxWindowBits < maxWindowBits,
    }),
  }
}

/** A client's offer, as it stands in its request. */
export function offerDeflate(preferences: DeflateParameters): string {
  const limited = preferences.clientMaxWindowBits < maxWindowBits
  const text = formatParameters(preferences, {
    server: preferences.serverMaxWindowBits < maxWindowBits,
    client: limited,
  })
  // §7.1.2.2: without a value, it tells the server that it may limit the client's window.
  return limited ? text : `${text}; client_max_window_bits`
}

/**
 * Checks a server's answer to `offerDeflate(preferences)`.
 *
 * @param header the value of the answer's field, '' if there was none
 * @returns what holds from now on, null without compression, or in words why the connection must fail
 */
export function checkDeflate(
  header: string,
  preferences: DeflateParameters,
): DeflateParameters | null | string {
  const extensions = parseExtensions(header)
  if (extensions === null) return 'Sec-WebSocket-Extensions is malformed'
  const [answer, second] = extensions
  if (answer === undefined) return null
  // RFC 6455 §4.1: an extension that was not offered; RFC 7692 §6: one that was accepted twice.
  if (answer.name !== deflateExtensionName || second !== undefined) {
    return 'the server uses an extension that was not offered'
  }
  const answered = readParameters(answer.parameters, false)
  if (typeof answered === 'string') return `the server's permessage-deflate has ${answered}`
  const { serverMaxWindowBits, clientMaxWindowBits } = answered
  // §7.1.1.1, §7.1.2.1: to accept these two, a server includes them.
  if (preferences.serverNoContextTakeover && !answered.serverNoContextTakeover) {
    return 'the server did not agree to server_no_context_takeover'
  }
  if ((serverMaxWindowBits ?? maxWindowBits) > preferences.serverMaxWindowBits) {
    return 'the server did not agree to server_max_window_bits'
  }
  if ((clientMaxWindowBits ?? minWindowBits) > preferences.clientMaxWindowBits) {
    return 'the server wants a larger client_max_window_bits than was offered'
  }
  return {
    serverNoContextTakeover: answered.serverNoContextTakeover,
    clientNoContextTakeover: answered.clientNoContextTakeover || preferences.clientNoContextTakeover,
    serverMaxWindowBits: serverMaxWindowBits ?? maxWindowBits,
    clientMaxWindowBits: clientMaxWindowBits ?? preferences.clientMaxWindowBits,
  }
}

/** @throws UsageError for preferences that no peer could agree to */
export function requireWindowBits(name: string, bits: number): void {
  if (!Number.isInteger(bits) || bits < minWindowBits || bits > maxWindowBits) {
    throw new UsageError(`${name} is a whole number from ${minWindowBits} to ${maxWindowBits}, not ${bits}`)
  }
}

/** As they stand in a header; a window that isn't mentioned is undefined. */
interface WrittenParameters {
  serverNoContextTakeover: boolean
  clientNoContextTakeover: boolean
  serverMaxWindowBits: number | undefined
  clientMaxWindowBits: number | undefined
}

/** @returns the parameters, or what is wrong with them */
function readParameters(
  parameters: readonly ExtensionParameter[],
  inOffer: boolean,
): WrittenParameters | string {
  const read: WrittenParameters = {
    serverNoContextTakeover: false,
    clientNoContextTakeover: false,
    serverMaxWindowBits: undefined,
    clientMaxWindowBits: undefined,
  }
  const names = new Set<string>()
  for (const { name, value } of parameters) {
    // RFC 7692 §7.1: multiple parameters with the same name.
    if (names.has(name)) return `${name} twice`
    names.add(name)
    const bits = windowBits(value)
    switch (name) {
      case 'server_no_context_takeover':
      case 'client_no_context_takeover':
        // §7.1.1: they have no value.
        if (value !== null) return `a value for ${name}`
        if (name === 'server_no_context_takeover') read.serverNoContextTakeover = true
        else read.clientNoContextTakeover = true
        break
      case 'server_max_window_bits':
        if (bits === null) return `a wrong value for ${name}`
        read.serverMaxWindowBits = bits
        break
      case 'client_max_window_bits':
        // §7.1.2.2: in an offer, it may stand without a value.
        if (bits === null && !(inOffer && value === null)) return `a wrong value for ${name}`
        read.clientMaxWindowBits = bits ?? maxWindowBits
        break
      default:
        return `the unknown parameter ${name}`
    }
  }
  return read
}

/** RFC 7692 §7.1.2: a decimal integer without leading zeros, from 8 to 15. */
function windowBits(value: string | null): number | null {
  return value !== null && /^(?:[89]|1[0-5])$/.test(value) ? Number(value) : null
}

function formatParameters(
  parameters: DeflateParameters,
  windows: { readonly server: boolean; readonly client: boolean },
): string {
  const written: ExtensionParameter[] = []
  if (parameters.serverNoContextTakeover) written.push({ name: 'server_no_context_takeover', value: null })
  if (parameters.clientNoContextTakeover) written.push({ name: 'client_no_context_takeover', value: null })
  if (windows.server) {
    written.push({ name: 'server_max_window_bits', value: String(parameters.serverMaxWindowBits) })
  }
  if (windows.client) {
    written.push({ name: 'client_max_window_bits', value: String(parameters.clientMaxWindowBits) })
  }
  return formatExtension({ name: deflateExtensionName, parameters: written })
}
