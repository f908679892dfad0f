// Where our negotiation of permessage-deflate and the `ws` library's differ on purpose.
import { type DeflateParameters, deflateExtensionName, maxWindowBits } from '../protocol/deflate.ts'
import { hasOddNumber, type ReadExtension, type ReadHeader, readParameters } from './offer-evidence.ts'

/** What comes of a header: `malformed`, `declined`, or what is in force in words. */
export type Negotiated = string

interface OfferDifference {
  readonly side: 'server' | 'client'
  readonly header: ReadHeader
  readonly preferences: DeflateParameters
  readonly ours: Negotiated
  readonly theirs: Negotiated
}

export interface OfferRule {
  readonly name: string
  readonly clause: string
  readonly why: string
  /** Judged by another reading of the header than either's. */
  explains(difference: OfferDifference): boolean
}

/** As `ws` and ours have it after all; nothing that is agreed on looks like them. */
export const malformed = 'malformed'
export const declined = 'declined'
const maxParts = 128

export const offerRules: readonly OfferRule[] = [
  {
    name: 'offers-are-limited',
    clause: 'RFC 6455 §10.4',
    why: 'an implementation sets limits of its own: more than 128 extensions and parameters are malformed; ws reads any number',
    explains: ({ header, ours }) => ours === malformed && header.parts > maxParts,
  },
  {
    name: 'empty-list-elements',
    clause: 'RFC 9110 §5.6.1.2',
    why: '"a recipient MUST parse and ignore a reasonable number of empty list elements": ours does, ws finds them malformed',
    explains: ({ header, ours, theirs }) =>
      theirs === malformed && ours !== malformed && header.extensions !== null && header.hasEmptyElements,
  },
  {
    name: 'space-around-equals',
    clause: 'RFC 6455 §9.1, RFC 2616 §2.1',
    why: 'the grammar is one of RFC 2616, where white space may stand between any two tokens: ours skips it around “=”, ws finds it malformed',
    explains: ({ header, ours, theirs }) =>
      theirs === malformed && ours !== malformed && header.extensions !== null && header.hasSpaceAroundEquals,
  },
  {
    name: 'window-is-a-decimal',
    clause: 'RFC 7692 §7.1.2',
    why: '"a decimal integer value without leading zeros between 8 to 15": ours declines 010, 9.0 and 0xA, ws takes whatever JavaScript makes such a number of',
    explains: ({ header }) => deflateOffers(header).some(hasOddNumber),
  },
  {
    name: 'only-the-wrong-offer',
    clause: 'RFC 7692 §7.1, §5.1',
    why: 'of several offers a wrong one is declined and the others count; ws fails all',
    explains: ({ side, header, ours, theirs }) => {
      const offers = deflateOffers(header).map((offer) => readParameters(offer, false))
      return (
        side === 'server' &&
        theirs === declined &&
        ours !== malformed &&
        offers.includes(null) &&
        offers.some((offer) => offer !== null)
      )
    },
  },
  {
    name: 'smaller-window-of-both',
    clause: 'RFC 7692 §7.1.2',
    why: 'a server with a window of its own takes an offer of a smaller one, which it is free to use; ws looks for another offer, or has none',
    explains: ({ side, header, preferences, ours }) =>
      side === 'server' &&
      ours !== malformed &&
      deflateOffers(header).some((offer) => {
        const { serverMaxWindowBits = 15, clientMaxWindowBits } = readParameters(offer, false) ?? {}
        return (
          isSmaller(serverMaxWindowBits, preferences.serverMaxWindowBits) ||
          (typeof clientMaxWindowBits === 'number' &&
            isSmaller(clientMaxWindowBits, preferences.clientMaxWindowBits))
        )
      }),
  },
  {
    name: 'accepted-once',
    clause: 'RFC 6455 §4.1, RFC 7692 §5',
    why: 'a client makes one offer: a server that accepts two uses one that was not offered, and the client fails; ws takes the first',
    explains: ({ side, header, ours }) =>
      side === 'client' && ours === declined && deflateOffers(header).length > 1,
  },
  {
    name: 'asked-and-confirmed',
    clause: 'RFC 7692 §7.1.1.1, §7.1.2.1',
    why: 'a server that accepts server_no_context_takeover or server_max_window_bits includes it in its answer: ours fails without that, ws goes on as if it had been promised',
    explains: ({ side, header, preferences, ours }) => {
      const [answer] = deflateOffers(header).map((offer) => readParameters(offer, true))
      return (
        side === 'client' &&
        ours === declined &&
        answer != null &&
        ((preferences.serverNoContextTakeover && !answer.serverNoContextTakeover) ||
          (answer.serverMaxWindowBits ?? 15) > preferences.serverMaxWindowBits)
      )
    },
  },
]

/** Than a window that is asked for. */
function isSmaller(offered: number, own: number): boolean {
  return own < maxWindowBits && offered < own
}

function deflateOffers({ extensions }: ReadHeader): readonly ReadExtension[] {
  return extensions?.filter(({ name }) => name === deflateExtensionName) ?? []
}
