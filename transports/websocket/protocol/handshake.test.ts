// The opening handshake by the sections of RFC 6455, both roles, from records and from raw bytes.
import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ProtocolError, UsageError } from './errors.ts'
import {
  type AcceptableHandshake,
  acceptResponse,
  acceptValue,
  type ClientHandshake,
  checkRequest,
  checkResponse,
  chooseSubprotocol,
  type HandshakeRequest,
  isRefusal,
  parseRequest,
  type Refusal,
  refusalResponse,
  requestText,
} from './handshake.ts'

const sha1Base64 = (text: string): string => createHash('sha1').update(text).digest('base64')
const latin1 = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'latin1'))
const key = 'dGhlIHNhbXBsZSBub25jZQ=='

const fine: HandshakeRequest = {
  method: 'GET',
  httpVersion: '1.1',
  headers: {
    host: 'server.example.com',
    upgrade: 'websocket',
    connection: 'Upgrade',
    'sec-websocket-key': key,
    'sec-websocket-version': '13',
  },
}
const withHeaders = (headers: HandshakeRequest['headers']): HandshakeRequest => ({
  ...fine,
  headers: { ...fine.headers, ...headers },
})

function accepted(request: HandshakeRequest): AcceptableHandshake {
  const checked = checkRequest(request)
  if (isRefusal(checked)) throw new Error(checked.detail)
  return checked
}

function refused(request: HandshakeRequest): Refusal {
  const checked = checkRequest(request)
  if (!isRefusal(checked)) throw new Error('it was accepted')
  return checked
}

describe('RFC 6455 §1.3 the example', () => {
  it('answers the sample nonce with the sample value', () => {
    expect(acceptValue(key, sha1Base64)).toBe('s3pPLMBiTxaQ9kYGzzhZRbK+xOo=')
    expect(acceptResponse(accepted(fine), null, {}, sha1Base64)).toBe(
      'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
        'Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n',
    )
  })
})

describe('RFC 6455 §4.2.1 reading the client’s opening handshake', () => {
  it('takes header values as browsers and proxies write them', () => {
    for (const headers of [
      { connection: 'keep-alive, Upgrade' },
      { connection: 'keep-alive,upgrade, ' },
      { connection: ['keep-alive', 'Upgrade'] },
      { upgrade: 'WebSocket' },
      { upgrade: 'h2c, websocket' },
      { 'content-length': '0' },
      { 'sec-websocket-extensions': 'permessage-deflate; client_max_window_bits' },
    ]) {
      expect(accepted(withHeaders(headers))).toMatchObject({ key, offeredSubprotocols: [] })
    }
  })

  it.each<[string, number, HandshakeRequest]>([
    ['another method', 405, { ...fine, method: 'POST' }],
    ['HTTP/1.0', 400, { ...fine, httpVersion: '1.0' }],
    ['no Host', 400, withHeaders({ host: undefined })],
    ['two Hosts (RFC 9112 §3.2)', 400, withHeaders({ host: ['a.example', 'b.example'] })],
    ['an empty Host', 400, withHeaders({ host: '' })],
    ['a length that is none (RFC 9112 §6.3)', 400, withHeaders({ 'content-length': '+5' })],
    ['two lengths', 400, withHeaders({ 'content-length': ', 5' })],
    ['a body', 400, withHeaders({ 'content-length': '1' })],
    ['a chunked body', 400, withHeaders({ 'transfer-encoding': 'chunked' })],
    ['no Upgrade', 426, withHeaders({ upgrade: undefined })],
    ['another Upgrade', 426, withHeaders({ upgrade: 'h2c' })],
    ['no Connection', 400, withHeaders({ connection: undefined })],
    ['a Connection without upgrade', 400, withHeaders({ connection: 'keep-alive, upgraded' })],
    ['no version', 426, withHeaders({ 'sec-websocket-version': undefined })],
    ['version 8', 426, withHeaders({ 'sec-websocket-version': '8' })],
    ['two versions', 426, withHeaders({ 'sec-websocket-version': '13, 13' })],
    ['no key', 400, withHeaders({ 'sec-websocket-key': undefined })],
    ['a key of 15 bytes', 400, withHeaders({ 'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAA' })],
    ['a key of 17 bytes', 400, withHeaders({ 'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAAA=' })],
    ['a key that is not base64', 400, withHeaders({ 'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAA-_==' })],
    ['two keys', 400, withHeaders({ 'sec-websocket-key': `${key}, ${key}` })],
    ['a subprotocol that is no token', 400, withHeaders({ 'sec-websocket-protocol': 'a, b c' })],
    ['a subprotocol twice', 400, withHeaders({ 'sec-websocket-protocol': 'a, b, a' })],
  ])('refuses %s with %d', (_, status, request) => {
    expect(refused(request).status).toBe(status)
  })

  it('names the version that it speaks (§4.4)', () => {
    const refusal = refused(withHeaders({ 'sec-websocket-version': '7' }))
    expect(refusalResponse(refusal)).toMatch(
      /^HTTP\/1\.1 426 Upgrade Required\r\n(.+\r\n)*Sec-WebSocket-Version: 13\r\n/,
    )
  })

  it('refuses with a response that is whole', () => {
    const text = refusalResponse({
      status: 403,
      statusText: 'Forbidden',
      headers: {},
      detail: 'not from hëre',
    })
    const [head, body] = text.split('\r\n\r\n')
    expect(head?.split('\r\n')).toContain(`Content-Length: ${Buffer.byteLength(body ?? '')}`)
    expect(head?.split('\r\n')).toContain('Connection: close')
  })
})

describe('RFC 6455 §1.9, §4.2.2 subprotocols', () => {
  it('chooses the first of the client’s that is spoken', () => {
    expect(chooseSubprotocol(['b', 'a', 'c'], ['a', 'b'])).toBe('b')
    expect(chooseSubprotocol(['x'], ['a'])).toBeNull()
    expect(chooseSubprotocol([], ['a'])).toBeNull()
    expect(chooseSubprotocol(['x', 'y'], 'any')).toBe('x')
    expect(chooseSubprotocol([], 'any')).toBeNull()
  })

  it('never answers with one that was not offered', () => {
    const handshake = accepted(withHeaders({ 'sec-websocket-protocol': 'json, other' }))
    expect(acceptResponse(handshake, 'json', {}, sha1Base64)).toMatch(/\r\nSec-WebSocket-Protocol: json\r\n/)
    expect(() => acceptResponse(handshake, 'xml', {}, sha1Base64)).toThrow(UsageError)
  })
})

describe('raw requests (R18)', () => {
  it('reads what the client side writes', () => {
    const target = fc.webPath().map((path) => (path.startsWith('/') ? path : `/${path}`))
    const token = fc.stringMatching(/^[a-z0-9.-]{1,10}$/)
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 16, maxLength: 16 }),
        target,
        fc.uniqueArray(token, { maxLength: 4 }),
        fc.dictionary(
          token.filter(
            (name) => !/^(host|upgrade|connection|content-length|transfer-encoding|sec-)/.test(name),
          ),
          fc.stringMatching(/^[!-~]{0,20}$/),
          { maxKeys: 5 },
        ),
        (nonce, path, subprotocols, headers) => {
          const client: ClientHandshake = {
            host: 'localhost:1',
            target: path,
            key: Buffer.from(nonce).toString('base64'),
            subprotocols,
            headers,
          }
          const request = parseRequest(latin1(requestText(client)))
          if (isRefusal(request)) throw new Error(request.detail)
          expect(request).toMatchObject({ method: 'GET', target: path, httpVersion: '1.1', headers })
          const handshake = accepted(request)
          expect(handshake.offeredSubprotocols).toEqual(subprotocols)
          const chosen = chooseSubprotocol(subprotocols, 'any')
          const response = acceptResponse(handshake, chosen, {}, sha1Base64)
          expect(checkResponse(latin1(response), client, sha1Base64)).toMatchObject({
            status: 101,
            subprotocol: chosen,
            fault: null,
          })
        },
      ),
      { numRuns: 300 },
    )
  })

  it.each([
    'GET /\r\n\r\n',
    'GET  / HTTP/1.1\r\n\r\n',
    'get / HTTP/1.1\r\n\r\n',
    'GET / HTTP/1.1 \r\n\r\n',
    'GET example.com/ HTTP/1.1\r\n\r\n',
    'GET http://example.com/ HTTP/1.1\r\n\r\n',
    '\x16\x03\x01\x02\r\n\r\n',
    'GET / HTTP/1.1\r\nbad header\r\n\r\n',
  ])('refuses %j with 400', (text) => {
    expect(parseRequest(latin1(text))).toMatchObject({ status: 400 })
  })

  it('gives an answer to any soup of headers', () => {
    const name = fc.constantFrom(
      'host',
      'upgrade',
      'connection',
      'sec-websocket-key',
      'sec-websocket-version',
      'sec-websocket-protocol',
      'x',
    )
    const value = fc.oneof(fc.constantFrom('websocket', 'Upgrade', key, '13', 'a, b', ','), fc.string())
    fc.assert(
      fc.property(fc.array(fc.tuple(name, value), { maxLength: 12 }), (fields) => {
        const soup = fields.map(([field, content]) => `${field}: ${content}\r\n`).join('')
        const request = parseRequest(latin1(`GET / HTTP/1.1\r\n${soup}\r\n`))
        const answer = isRefusal(request) ? request : checkRequest(request)
        if (isRefusal(answer)) expect([400, 426]).toContain(answer.status)
        else expect(answer.key).toHaveLength(24)
      }),
      { numRuns: 2000 },
    )
  })
})

describe('RFC 6455 §4.1 the client’s requirements', () => {
  const client: ClientHandshake = { host: 'h', target: '/', key, subprotocols: ['json', 'xml'], headers: {} }
  const answer = (...lines: string[]) =>
    checkResponse(latin1(`${lines.join('\r\n')}\r\n\r\n`), client, sha1Base64)
  const upgrade = 'Upgrade: websocket'
  const connection = 'Connection: Upgrade'
  const accept = 'Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo='
  const start = 'HTTP/1.1 101 Switching Protocols'

  it('takes a right answer', () => {
    expect(answer(start, upgrade, connection, accept)).toMatchObject({ fault: null, subprotocol: null })
    expect(answer('HTTP/1.1 101', 'upgrade: WebSocket', connection, accept).fault).toBeNull()
    expect(answer(start, upgrade, connection, accept, 'sec-websocket-protocol: xml')).toMatchObject({
      fault: null,
      subprotocol: 'xml',
    })
  })

  it.each([
    [/answered 403/, ['HTTP/1.1 403 Forbidden']],
    [/answered 200/, ['HTTP/1.1 200 OK', upgrade, connection, accept]],
    [/Upgrade header/, [start, connection, accept]],
    [/Upgrade header/, [start, 'Upgrade: h2c', connection, accept]],
    [/Connection header/, [start, upgrade, accept]],
    [/Connection header/, [start, upgrade, 'Connection: close', accept]],
    [/Accept/, [start, upgrade, connection]],
    [/Accept/, [start, upgrade, connection, 'Sec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=']],
    [/Accept/, [start, upgrade, connection, accept, accept]],
    [/extension/, [start, upgrade, connection, accept, 'Sec-WebSocket-Extensions: permessage-deflate']],
    [/not offered/, [start, upgrade, connection, accept, 'Sec-WebSocket-Protocol: other']],
    [/not offered/, [start, upgrade, connection, accept, 'Sec-WebSocket-Protocol: json, xml']],
  ])('finds fault: %s', (fault, lines) => {
    expect(answer(...lines).fault).toMatch(fault)
  })

  it('says what is no HTTP/1.1 at all', () => {
    for (const text of ['SSH-2.0-OpenSSH_9.6', 'HTTP/2 200', 'HTTP/1.1', 'HTTP/1.1 20', 'HTTP/1.1 2000 x']) {
      expect(() => answer(text)).toThrow(ProtocolError)
    }
    expect(() => answer(start, 'no colon')).toThrow(ProtocolError)
  })

  it('does not send what breaks the head', () => {
    const sent = (change: Partial<ClientHandshake>) => () => requestText({ ...client, ...change })
    expect(sent({ target: '/ x' })).toThrow(UsageError)
    expect(sent({ target: '/\r\nx: y' })).toThrow(UsageError)
    expect(sent({ subprotocols: ['a', 'a'] })).toThrow(UsageError)
    expect(sent({ subprotocols: ['a,b'] })).toThrow(UsageError)
    expect(sent({ headers: { x: 'a\r\nb: c' } })).toThrow(UsageError)
    expect(sent({ headers: { 'x y': 'a' } })).toThrow(UsageError)
    expect(sent({ headers: { 'sec-websocket-key': key } })).toThrow(UsageError)
    expect(sent({ headers: { Host: 'x' } })).toThrow(UsageError)
    expect(sent({ headers: { origin: 'https://example.com' } })()).toMatch(
      /\r\nOrigin: https:\/\/example.com\r\n/,
    )
  })
})
