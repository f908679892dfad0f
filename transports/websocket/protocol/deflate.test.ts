// What the two sides agree on, or not.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  acceptDeflate,
  checkDeflate,
  type DeflateParameters,
  noPreferences,
  offerDeflate,
} from './deflate.ts'
import { parseExtensions } from './extensions.ts'

/** What a server makes of a client's header: its answer, or null. */
function answer(header: string, preferences: Partial<DeflateParameters> = {}): string | null {
  const offers = parseExtensions(header)
  if (offers === null) throw new Error('the header is malformed')
  return acceptDeflate(offers, { ...noPreferences, ...preferences })?.text ?? null
}

function inForce(
  header: string,
  preferences: Partial<DeflateParameters> = {},
): DeflateParameters | undefined {
  return acceptDeflate(parseExtensions(header) ?? [], { ...noPreferences, ...preferences })?.parameters
}

describe('RFC 7692 §7.1 what a server answers', () => {
  it.each<[string, Partial<DeflateParameters>, string]>([
    ['permessage-deflate', {}, 'permessage-deflate'],
    // §7.1.1.1
    ['permessage-deflate; server_no_context_takeover', {}, 'permessage-deflate; server_no_context_takeover'],
    [
      'permessage-deflate',
      { serverNoContextTakeover: true },
      'permessage-deflate; server_no_context_takeover',
    ],
    // §7.1.1.2
    ['permessage-deflate; client_no_context_takeover', {}, 'permessage-deflate; client_no_context_takeover'],
    [
      'permessage-deflate',
      { clientNoContextTakeover: true },
      'permessage-deflate; client_no_context_takeover',
    ],
    // §7.1.2.1
    ['permessage-deflate; server_max_window_bits=10', {}, 'permessage-deflate; server_max_window_bits=10'],
    ['permessage-deflate; server_max_window_bits=8', {}, 'permessage-deflate; server_max_window_bits=8'],
    ['permessage-deflate; server_max_window_bits=15', {}, 'permessage-deflate; server_max_window_bits=15'],
    ['permessage-deflate; server_max_window_bits="12"', {}, 'permessage-deflate; server_max_window_bits=12'],
    [
      'permessage-deflate; server_max_window_bits=14',
      { serverMaxWindowBits: 11 },
      'permessage-deflate; server_max_window_bits=11',
    ],
    ['permessage-deflate', { serverMaxWindowBits: 11 }, 'permessage-deflate; server_max_window_bits=11'],
    // §7.1.2.2
    ['permessage-deflate; client_max_window_bits', {}, 'permessage-deflate'],
    ['permessage-deflate; client_max_window_bits=15', {}, 'permessage-deflate'],
    ['permessage-deflate; client_max_window_bits=9', {}, 'permessage-deflate; client_max_window_bits=9'],
    [
      'permessage-deflate; client_max_window_bits',
      { clientMaxWindowBits: 12 },
      'permessage-deflate; client_max_window_bits=12',
    ],
    [
      'permessage-deflate; client_max_window_bits=10',
      { clientMaxWindowBits: 12 },
      'permessage-deflate; client_max_window_bits=10',
    ],
    // §7.1.3, the last example: all at once.
    [
      'permessage-deflate; client_max_window_bits=9; server_max_window_bits=10; client_no_context_takeover; server_no_context_takeover',
      {},
      'permessage-deflate; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=10; client_max_window_bits=9',
    ],
  ])('takes %j with %j', (header, preferences, expected) => {
    expect(answer(header, preferences)).toBe(expected)
  })

  it.each<[string, Partial<DeflateParameters>]>([
    ['', {}],
    ['permessage-bzip2', {}],
    ['x-webkit-deflate-frame', {}],
    ['Permessage-Deflate; unknown', {}],
    // "an extension parameter not defined for use in an offer"
    ['permessage-deflate; window=3', {}],
    // "an extension parameter with an invalid value"
    ['permessage-deflate; server_no_context_takeover=1', {}],
    ['permessage-deflate; client_no_context_takeover=true', {}],
    ['permessage-deflate; server_max_window_bits', {}],
    ['permessage-deflate; server_max_window_bits=7', {}],
    ['permessage-deflate; server_max_window_bits=16', {}],
    ['permessage-deflate; server_max_window_bits=010', {}],
    ['permessage-deflate; server_max_window_bits=+9', {}],
    ['permessage-deflate; server_max_window_bits=9.0', {}],
    ['permessage-deflate; client_max_window_bits=0', {}],
    ['permessage-deflate; client_max_window_bits=150', {}],
    // "multiple extension parameters with the same name"
    ['permessage-deflate; server_no_context_takeover; server_no_context_takeover', {}],
    ['permessage-deflate; client_max_window_bits; client_max_window_bits=10', {}],
    // "the server doesn't support the offered configuration" (§7.1.2.2)
    ['permessage-deflate', { clientMaxWindowBits: 12 }],
  ])('declines %j with %j', (header, preferences) => {
    expect(answer(header, preferences)).toBeNull()
  })

  it('takes the first offer that it can (RFC 6455 §9.1)', () => {
    expect(
      answer(
        'permessage-foo, permessage-deflate; server_max_window_bits=99, permessage-deflate; client_max_window_bits=11, permessage-deflate',
      ),
    ).toBe('permessage-deflate; client_max_window_bits=11')
    expect(
      answer('permessage-deflate, permessage-deflate; client_max_window_bits', { clientMaxWindowBits: 10 }),
    ).toBe('permessage-deflate; client_max_window_bits=10')
  })

  it('takes a client’s hint about its own window and context for granted', () => {
    expect(inForce('permessage-deflate; client_no_context_takeover; client_max_window_bits=9')).toMatchObject(
      { clientNoContextTakeover: true, clientMaxWindowBits: 9 },
    )
  })
})

describe('RFC 7692 §7.1 what a client offers, and takes for an answer', () => {
  const all: DeflateParameters = {
    serverNoContextTakeover: true,
    clientNoContextTakeover: true,
    serverMaxWindowBits: 11,
    clientMaxWindowBits: 12,
  }

  it('offers what browsers do, or what it is told to', () => {
    expect(offerDeflate(noPreferences)).toBe('permessage-deflate; client_max_window_bits')
    expect(offerDeflate(all)).toBe(
      'permessage-deflate; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=11; client_max_window_bits=12',
    )
  })

  it.each<[string, Partial<DeflateParameters>, Partial<DeflateParameters>]>([
    ['permessage-deflate', {}, noPreferences],
    ['permessage-deflate; server_no_context_takeover', {}, { serverNoContextTakeover: true }],
    ['permessage-deflate; client_no_context_takeover', {}, { clientNoContextTakeover: true }],
    // §7.1.2.1: a server may limit itself without having been asked.
    ['permessage-deflate; server_max_window_bits=8', {}, { serverMaxWindowBits: 8 }],
    ['permessage-deflate; client_max_window_bits=8', {}, { clientMaxWindowBits: 8 }],
    ['permessage-deflate; client_max_window_bits="15"', {}, { clientMaxWindowBits: 15 }],
    // What it has announced, it keeps to.
    [
      'permessage-deflate',
      { clientNoContextTakeover: true, clientMaxWindowBits: 9 },
      { clientNoContextTakeover: true, clientMaxWindowBits: 9 },
    ],
    [
      'permessage-deflate; server_max_window_bits=10',
      { serverMaxWindowBits: 11 },
      { serverMaxWindowBits: 10 },
    ],
  ])('takes %j for %j', (header, preferences, expected) => {
    expect(checkDeflate(header, { ...noPreferences, ...preferences })).toMatchObject(expected)
  })

  it('goes on without when the server declines', () => {
    expect(checkDeflate('', all)).toBeNull()
    expect(checkDeflate(' , ', all)).toBeNull()
  })

  it.each<[string, Partial<DeflateParameters>, RegExp]>([
    ['permessage-deflate;', {}, /malformed/],
    ['permessage-foo', {}, /not offered/],
    ['permessage-deflate, permessage-foo', {}, /not offered/],
    ['permessage-deflate, permessage-deflate', {}, /not offered/],
    ['permessage-deflate; more', {}, /unknown/],
    ['permessage-deflate; server_no_context_takeover; server_no_context_takeover', {}, /twice/],
    ['permessage-deflate; server_no_context_takeover=x', {}, /value/],
    ['permessage-deflate; client_no_context_takeover=x', {}, /value/],
    ['permessage-deflate; server_max_window_bits', {}, /value/],
    ['permessage-deflate; server_max_window_bits=7', {}, /value/],
    // §7.1.2.2: in an answer it has a value.
    ['permessage-deflate; client_max_window_bits', {}, /value/],
    ['permessage-deflate; client_max_window_bits=16', {}, /value/],
    ['permessage-deflate', { serverNoContextTakeover: true }, /server_no_context_takeover/],
    ['permessage-deflate', { serverMaxWindowBits: 11 }, /server_max_window_bits/],
    ['permessage-deflate; server_max_window_bits=12', { serverMaxWindowBits: 11 }, /server_max_window_bits/],
    ['permessage-deflate; client_max_window_bits=13', { clientMaxWindowBits: 12 }, /client_max_window_bits/],
  ])('refuses %j for %j', (header, preferences, fault) => {
    expect(checkDeflate(header, { ...noPreferences, ...preferences })).toMatch(fault)
  })
})

describe('a client and a server', () => {
  it('agree on the same, within what either wants, whatever they want', () => {
    const bits = fc.integer({ min: 8, max: 15 })
    const wants: fc.Arbitrary<DeflateParameters> = fc.record({
      serverNoContextTakeover: fc.boolean(),
      clientNoContextTakeover: fc.boolean(),
      serverMaxWindowBits: bits,
      clientMaxWindowBits: bits,
    })
    fc.assert(
      fc.property(wants, wants, (client, server) => {
        const agreement = acceptDeflate(parseExtensions(offerDeflate(client)) ?? [], server)
        expect(agreement).not.toBeNull()
        if (agreement === null) return
        const { parameters, text } = agreement
        expect(checkDeflate(text, client)).toEqual(parameters)
        expect(parameters).toEqual({
          serverNoContextTakeover: client.serverNoContextTakeover || server.serverNoContextTakeover,
          clientNoContextTakeover: client.clientNoContextTakeover || server.clientNoContextTakeover,
          serverMaxWindowBits: Math.min(client.serverMaxWindowBits, server.serverMaxWindowBits),
          clientMaxWindowBits: Math.min(client.clientMaxWindowBits, server.clientMaxWindowBits),
        })
      }),
    )
  })
})
