// The opening handshake over HTTP/2 by the sections of RFC 8441, both roles, as pure functions.
import { describe, expect, it } from 'vitest'
import { UsageError } from './errors.ts'
import {
  type ConnectRequest,
  checkConnect,
  checkConnectResponse,
  connectAnswer,
  connectFields,
} from './extended-connect.ts'
import { isRefusal, type Offers, type Refusal } from './handshake.ts'

/** The example of RFC 8441 §5.1. */
const example = {
  ':method': 'CONNECT',
  ':protocol': 'websocket',
  ':scheme': 'https',
  ':path': '/chat',
  ':authority': 'server.example.com',
  'sec-websocket-protocol': 'chat, superchat',
  'sec-websocket-extensions': 'permessage-deflate',
  'sec-websocket-version': '13',
  origin: 'http://www.example.com',
} as const

function check(
  changes: Readonly<Record<string, string | undefined>> = {},
  more: Partial<ConnectRequest> = {},
) {
  return checkConnect({ headers: { ...example, ...changes }, scheme: 'https', ended: false, ...more })
}

function accepted(checked: Offers | Refusal): Offers {
  if (isRefusal(checked)) throw new Error(checked.detail)
  return checked
}

describe('RFC 8441 §5.1 the example', () => {
  it('is accepted, with what it offers', () => {
    const offers = accepted(check())
    expect(offers.offeredSubprotocols).toEqual(['chat', 'superchat'])
    expect(offers.offeredExtensions).toHaveLength(1)
    expect(connectAnswer(offers, 'chat', {})).toEqual({ ':status': 200, 'sec-websocket-protocol': 'chat' })
    expect(connectAnswer(offers, null, { x: 'y' })).toEqual({ ':status': 200, x: 'y' })
  })

  it('is what a client of ours sends', () => {
    const { origin, ...rest } = example
    const handshake = {
      host: 'server.example.com',
      target: '/chat',
      subprotocols: ['chat', 'superchat'],
      extensions: 'permessage-deflate',
      headers: { origin },
    }
    expect(connectFields(handshake, 'https')).toEqual({ ...rest, origin })
  })
})

describe('RFC 8441 §4', () => {
  it.each([
    ['no :protocol', { ':protocol': undefined }, 501],
    ['another :protocol', { ':protocol': 'webtransport' }, 501],
    ['another method', { ':method': 'GET' }, 501],
    ['no :scheme', { ':scheme': undefined }, 400],
    ['the scheme of another connection', { ':scheme': 'http' }, 400],
    ['no :path', { ':path': undefined }, 400],
    ['a :path that is none', { ':path': 'chat' }, 400],
    ['no :authority', { ':authority': undefined }, 400],
    ['an empty :authority', { ':authority': '' }, 400],
  ])('%s is refused', (_what, changes, status) => {
    expect(check(changes)).toMatchObject({ status })
  })

  it('without TLS the scheme is http', () => {
    expect(isRefusal(check({ ':scheme': 'http' }, { scheme: 'http' }))).toBe(false)
  })
})

describe('RFC 8441 §5', () => {
  it('a key is of no use, and no harm', () => {
    expect(isRefusal(check({ 'sec-websocket-key': 'anything' }))).toBe(false)
  })

  it.each([['8'], ['12'], ['013'], ['13, 8'], ['']])(
    'the version %j is refused, and the right one named',
    (version) => {
      expect(check({ 'sec-websocket-version': version })).toMatchObject({
        status: 400,
        headers: { 'sec-websocket-version': '13' },
      })
    },
  )

  it('a stream that has ended already is refused', () => {
    expect(check({}, { ended: true })).toMatchObject({ status: 400 })
  })

  it('a body is refused, an empty one is none', () => {
    expect(check({ 'content-length': '1' })).toMatchObject({ status: 400 })
    expect(isRefusal(check({ 'content-length': '0' }))).toBe(false)
  })

  it.each([
    ['sec-websocket-protocol', 'a, a'],
    ['sec-websocket-protocol', 'a b'],
    ['sec-websocket-extensions', 'a;;b'],
  ])('%s: %s is refused, as in an upgrade', (name, value) => {
    expect(check({ [name]: value })).toMatchObject({ status: 400 })
  })

  it('a subprotocol that was not offered is a mistake of the caller', () => {
    expect(() => connectAnswer(accepted(check()), 'other', {})).toThrow(UsageError)
  })
})

describe('a client', () => {
  const offered = { subprotocols: ['chat'], extensions: '' }

  it.each([200, 201, 299])('takes %d for open (RFC 9113 §8.5)', (status) => {
    expect(checkConnectResponse(status, {}, offered)).toMatchObject({ fault: null, subprotocol: null })
  })

  it.each([0, 101, 300, 403, 501])('takes %d for a refusal', (status) => {
    expect(checkConnectResponse(status, {}, offered).fault).toBe(`the server answered ${status}`)
  })

  it('fails when the server chooses what was not offered', () => {
    const chosen = (name: string, value: string) => checkConnectResponse(200, { [name]: value }, offered)
    expect(chosen('sec-websocket-protocol', 'chat')).toMatchObject({ fault: null, subprotocol: 'chat' })
    expect(chosen('sec-websocket-protocol', 'other').fault).toContain('other')
    expect(chosen('sec-websocket-extensions', 'permessage-deflate').fault).toContain('extension')
  })

  it.each([
    ['a subprotocol twice', { subprotocols: ['a', 'a'] }],
    ['a field of the handshake’s own', { headers: { 'sec-websocket-version': '8' } }],
    ['a name in capitals', { headers: { Origin: 'x' } }],
    ['a name that is none', { headers: { 'a b': 'x' } }],
    ['a value with a line break', { headers: { cookie: 'a\r\nb' } }],
    ['a target with a space', { target: '/a b' }],
  ])('does not send %s', (_what, changes) => {
    const handshake = { host: 'a', target: '/', subprotocols: [], headers: {}, ...changes }
    expect(() => connectFields(handshake, 'https')).toThrow(UsageError)
  })
})
