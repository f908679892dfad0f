// The rules by which our negotiation may differ from the `ws` library's, each with a header of its own; and nothing else explains.
import { describe, expect, it } from 'vitest'
import { type DeflateParameters, noPreferences } from '../protocol/deflate.ts'
import { judgeOffer, type Side } from './judge-offer.node.ts'
import { isAnswerTo, type ReadParameters, readHeader, readParameters } from './offer-evidence.ts'
import { declined, malformed, offerRules } from './offer-rules.ts'
import { makeOffers } from './offers.ts'
import { Random } from './random.ts'

type Wants = Partial<DeflateParameters>
const judge = (side: Side, header: string, wants: Wants): string =>
  judgeOffer(side, header, { ...noPreferences, ...wants })?.name ?? 'agree'

/** One element's parameters. */
function parametersOf(header: string, inAnswer: boolean): ReadParameters | null {
  const [only] = readHeader(header).extensions ?? []
  return only === undefined ? null : readParameters(only, inAnswer)
}

describe('judgeOffer', () => {
  it.each<[string, Side, string, Wants]>([
    ['offers-are-limited', 'server', Array.from({ length: 129 }, () => 'a').join(), {}],
    ['empty-list-elements', 'server', 'permessage-deflate,', {}],
    ['empty-list-elements', 'client', ', permessage-deflate', {}],
    ['space-around-equals', 'server', 'permessage-deflate; server_max_window_bits = 10', {}],
    ['space-around-equals', 'client', 'permessage-deflate; server_max_window_bits= 10', {}],
    ['window-is-a-decimal', 'server', 'permessage-deflate; server_max_window_bits=010', {}],
    ['window-is-a-decimal', 'client', 'permessage-deflate; server_max_window_bits=9.0', {}],
    ['only-the-wrong-offer', 'server', 'permessage-deflate; x, permessage-deflate', {}],
    [
      'smaller-window-of-both',
      'server',
      'permessage-deflate; server_max_window_bits=9',
      { serverMaxWindowBits: 12 },
    ],
    [
      'smaller-window-of-both',
      'server',
      'permessage-deflate; client_max_window_bits=9',
      { clientMaxWindowBits: 12 },
    ],
    ['accepted-once', 'client', 'permessage-deflate, permessage-deflate', {}],
    ['asked-and-confirmed', 'client', 'permessage-deflate', { serverNoContextTakeover: true }],
    ['asked-and-confirmed', 'client', 'permessage-deflate', { serverMaxWindowBits: 9 }],
  ])('%s: a %s and %j with %j', (name, side, header, wants) => {
    expect(judge(side, header, wants)).toBe(name)
  })

  it.each<[Side, string, Wants]>([
    ['server', 'permessage-deflate; client_max_window_bits', {}],
    ['server', 'permessage-deflate; client_max_window_bits; server_max_window_bits="10"', {}],
    ['server', 'permessage-deflate; server_max_window_bits="1\\0"', { serverNoContextTakeover: true }],
    ['server', 'permessage-deflate', { clientMaxWindowBits: 9 }],
    ['server', 'permessage-deflate; server_max_window_bits=7', {}],
    ['server', 'permessage-deflate; x; x', {}],
    ['server', 'permessage-deflate;', {}],
    ['server', 'mux; max-channels=4', {}],
    ['client', 'permessage-deflate; server_no_context_takeover', { serverNoContextTakeover: true }],
    ['client', 'permessage-deflate; client_max_window_bits=13', { clientMaxWindowBits: 12 }],
    ['client', 'permessage-deflate; client_max_window_bits', {}],
    ['client', 'permessage-foo', {}],
    ['client', '', {}],
  ])('finds that both agree: a %s and %j with %j', (side, header, wants) => {
    expect(judge(side, header, wants)).toBe('agree')
  })

  it('does not explain away what is simply different', () => {
    const header = readHeader('permessage-deflate; client_max_window_bits; server_max_window_bits=10')
    const verdicts = [malformed, declined, 'server 10, client 15', 'server 15, client 15', 'accepted']
    for (const side of ['server', 'client'] as const) {
      for (const ours of verdicts) {
        for (const theirs of verdicts.filter((one) => one !== ours)) {
          const difference = { side, header, preferences: noPreferences, ours, theirs }
          expect(offerRules.filter((rule) => rule.explains(difference))).toEqual([])
        }
      }
    }
  })

  it('has a name, a clause and a reason for each rule', () => {
    expect(new Set(offerRules.map(({ name }) => name)).size).toBe(offerRules.length)
    for (const { clause, why } of offerRules) {
      expect(clause).toMatch(/^RFC \d+ §/)
      expect(why.length).toBeGreaterThan(40)
    }
  })
})

describe('the other reading of a header', () => {
  it('knows the grammar', () => {
    for (const good of ['a', 'a;b', 'a ; b="c" , d', 'a;b="\\c"', ', a', 'a;b = c'])
      expect(readHeader(good).extensions, good).not.toBeNull()
    for (const bad of ['a;', 'a b', 'a;b="c', 'a;b=""', 'a;b="c d"', '=', 'a;=b', 'a;b="c"d'])
      expect(readHeader(bad).extensions, bad).toBeNull()
  })

  it('knows what answers an offer', () => {
    for (const [offer, answer, expected] of [
      ['d', 'd; client_max_window_bits=9', false],
      ['d; client_max_window_bits=9', 'd; client_max_window_bits=10', false],
      ['d; client_max_window_bits', 'd; client_max_window_bits=10', true],
      ['d; server_max_window_bits=9', 'd', false],
      ['d; server_max_window_bits=9', 'd; server_max_window_bits=8', true],
      ['d; server_no_context_takeover', 'd', false],
      ['d; client_no_context_takeover', 'd', true],
    ] as const) {
      const [offered, answered] = [parametersOf(offer, false), parametersOf(answer, true)]
      if (offered === null || answered === null) throw new Error(`${offer} or ${answer} is wrong`)
      expect(isAnswerTo(offered, answered), `${offer} and ${answer}`).toBe(expected)
    }
  })

  it('agrees with what the offers are made as', () => {
    let good = 0
    for (let seed = 0; seed < 2000; seed++) {
      const { text, wellFormed } = makeOffers(new Random(seed), seed % 2 === 0)
      if (wellFormed !== true) continue
      good++
      expect(readHeader(text).extensions, text).not.toBeNull()
    }
    expect(good).toBeGreaterThan(1000)
  })
})
