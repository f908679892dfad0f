// What both our sides make of a Sec-WebSocket-Extensions, checked by another reading of it and against the `ws` library.
import * as library from 'ws'
import {
  acceptDeflate,
  checkDeflate,
  type DeflateParameters,
  deflateExtensionName,
  maxWindowBits,
  noPreferences,
  offerDeflate,
} from '../protocol/deflate.ts'
import { parseExtensions } from '../protocol/extensions.ts'
import { Violation } from './listen.ts'
import { isAnswerTo, type ReadHeader, readHeader, readParameters } from './offer-evidence.ts'
import { declined, malformed, type Negotiated, type OfferRule, offerRules } from './offer-rules.ts'
import type { Random } from './random.ts'
import type { LibraryParameters } from './reference.node.ts'

type LibraryOffers = readonly Readonly<Record<string, readonly (string | true)[]>>[]

interface Library {
  readonly extension: { parse(header: string): Readonly<Record<string, LibraryOffers>> }
  readonly PerMessageDeflate: new (
    options: Partial<DeflateParameters> & { readonly isServer: boolean },
  ) => { accept(configurations: LibraryOffers): LibraryParameters }
}

const { extension, PerMessageDeflate } = library as unknown as Library

/** A header that is longer than any of ours (R18): it must be refused, and at once. */
const hugeCharacters = 64 * 1024
export type Side = 'server' | 'client'

/**
 * Judges an offer to a server, or an answer to a client. Throws a Violation.
 *
 * @returns the rule that explains why `ws` says something else, or null
 */
export function judgeOffer(side: Side, header: string, preferences: DeflateParameters): OfferRule | null {
  const read = readHeader(header)
  if (header !== '' && parseExtensions(header.repeat(Math.ceil(hugeCharacters / header.length))) !== null)
    throw new Violation('a huge Sec-WebSocket-Extensions is read')
  const ours = side === 'server' ? accept(header, read, preferences) : check(header, read, preferences)
  const theirs =
    side === 'server' ? acceptWithLibrary(header, preferences) : checkWithLibrary(header, preferences)
  if (ours === theirs) return null
  const rule = offerRules.find((one) => one.explains({ side, header: read, preferences, ours, theirs }))
  if (rule !== undefined) return rule
  throw new Violation(
    `of ${JSON.stringify(header)} with ${JSON.stringify(preferences)} a ${side} makes: ${ours}, and ws: ${theirs}`,
  )
}

/** What a side asks for. */
export function drawPreferences(random: Random): DeflateParameters {
  if (random.chance(0.3)) return noPreferences
  return {
    serverNoContextTakeover: random.chance(0.3),
    clientNoContextTakeover: random.chance(0.3),
    serverMaxWindowBits: random.chance(0.3) ? maxWindowBits : 8 + random.below(8),
    clientMaxWindowBits: random.chance(0.3) ? maxWindowBits : 8 + random.below(8),
  }
}

/** As our server; what it agrees to must be an answer to one of the offers. */
function accept(header: string, read: ReadHeader, preferences: DeflateParameters): Negotiated {
  const offers = parseExtensions(header)
  if (offers === null) return malformed
  if (read.extensions === null) throw new Violation('a malformed Sec-WebSocket-Extensions is read')
  const agreement = acceptDeflate(offers, preferences)
  if (agreement === null) return declined
  const { parameters, text } = agreement
  const [answer, ...others] = readHeader(text).extensions ?? []
  const answered = answer === undefined ? null : readParameters(answer, true)
  if (answer?.name !== deflateExtensionName || answered === null || others.length > 0)
    throw new Violation(`the answer ${text} is none`)
  const answers = read.extensions.some((one) => {
    const offered = one.name === deflateExtensionName ? readParameters(one, false) : null
    return offered !== null && isAnswerTo(offered, answered)
  })
  if (!answers) throw new Violation(`the answer ${text} is to none of the offers`)
  const { serverMaxWindowBits = maxWindowBits, clientMaxWindowBits = maxWindowBits } = answered
  const { serverNoContextTakeover, clientNoContextTakeover } = answered
  const kept =
    // What the client reads is what this side goes by.
    parameters.serverMaxWindowBits === serverMaxWindowBits &&
    parameters.serverNoContextTakeover === serverNoContextTakeover &&
    parameters.clientNoContextTakeover === clientNoContextTakeover &&
    parameters.clientMaxWindowBits === clientMaxWindowBits &&
    parameters.clientMaxWindowBits <= preferences.clientMaxWindowBits &&
    parameters.serverMaxWindowBits <= preferences.serverMaxWindowBits
  if (!kept) throw new Violation(`the answer ${text} is not what is in force: ${inWords(parameters)}`)
  return inWords(parameters)
}

/** As our client, that has offered what it prefers. */
function check(header: string, read: ReadHeader, preferences: DeflateParameters): Negotiated {
  const checked = checkDeflate(header, preferences)
  if (checked === null) return 'nothing'
  if (typeof checked === 'string') return checked.includes('malformed') ? malformed : declined
  const [offer] = readHeader(offerDeflate(preferences)).extensions ?? []
  const offered = offer === undefined ? null : readParameters(offer, false)
  const [answer, ...others] = read.extensions ?? []
  const answered = answer === undefined ? null : readParameters(answer, true)
  if (offered === null || answered === null || others.length > 0 || !isAnswerTo(offered, answered))
    throw new Violation(`${JSON.stringify(header)} is taken for an answer`)
  return 'accepted'
}

function acceptWithLibrary(header: string, preferences: DeflateParameters): Negotiated {
  const offers = parseWithLibrary(header)
  if (offers === null) return malformed
  const deflateOffers = offers[deflateExtensionName]
  if (deflateOffers === undefined) return declined
  const accepted = acceptOrNull(true, preferences, deflateOffers)
  if (accepted === null) return declined
  const bits = (value: LibraryParameters[string] | undefined): number =>
    typeof value === 'number' ? value : maxWindowBits
  return inWords({
    serverNoContextTakeover: accepted.server_no_context_takeover === true,
    clientNoContextTakeover: accepted.client_no_context_takeover === true,
    serverMaxWindowBits: bits(accepted.server_max_window_bits),
    clientMaxWindowBits: bits(accepted.client_max_window_bits),
  })
}

/** As its client does with an answer (websocket.js). */
function checkWithLibrary(header: string, preferences: DeflateParameters): Negotiated {
  if (header === '') return 'nothing'
  const answers = parseWithLibrary(header)
  if (answers === null) return malformed
  const [name, second] = Object.keys(answers)
  const answer = name === undefined ? undefined : answers[name]
  if (name !== deflateExtensionName || second !== undefined || answer === undefined) return declined
  return acceptOrNull(false, preferences, answer) === null ? declined : 'accepted'
}

function parseWithLibrary(header: string): Readonly<Record<string, LibraryOffers>> | null {
  if (header === '') return {}
  try {
    return extension.parse(header)
  } catch (error) {
    if (error instanceof SyntaxError) return null
    throw error
  }
}

/** What isn't asked for is left out: the library takes a false for a no to the peer. */
function acceptOrNull(
  isServer: boolean,
  preferences: DeflateParameters,
  offers: LibraryOffers,
): LibraryParameters | null {
  const asked = Object.fromEntries(
    Object.entries(preferences).filter(([, value]) => value !== false && value !== maxWindowBits),
  )
  try {
    return new PerMessageDeflate({ ...asked, isServer }).accept(offers)
  } catch (error) {
    if (error instanceof Error) return null
    throw error
  }
}

function inWords(parameters: DeflateParameters): Negotiated {
  const { serverNoContextTakeover, clientNoContextTakeover } = parameters
  const { serverMaxWindowBits, clientMaxWindowBits } = parameters
  const takeover = (isOff: boolean): string => (isOff ? ' anew' : '')
  return `server ${serverMaxWindowBits}${takeover(serverNoContextTakeover)}, client ${clientMaxWindowBits}${takeover(clientNoContextTakeover)}`
}
