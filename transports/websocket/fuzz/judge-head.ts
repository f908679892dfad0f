// What our handshake code makes of a head in chunks, in words, and an accepted one checked again by other means.

import { acceptDeflate, noPreferences } from '../protocol/deflate.ts'
import { ProtocolError } from '../protocol/errors.ts'
import {
  acceptResponse,
  checkRequest,
  checkResponse,
  chooseSubprotocol,
  isRefusal,
  parseRequest,
  refusalResponse,
  type Sha1Base64,
} from '../protocol/handshake.ts'
import { HeadReader } from '../protocol/head.ts'
import { toHex } from './bytes.ts'
import { fuzzHandshake } from './heads.ts'
import { fuzzMaxHeadBytes } from './limits.ts'
import { Violation } from './listen.ts'

/** A verdict, and what came behind the head: `101 json rest 8105`, `400 the Host header is missing`, `too large`. */
export type HeadVerdict = string

export type JudgeHead = (head: Uint8Array, sha1Base64: Sha1Base64) => HeadVerdict

/** Reads a head from chunks and judges it. Throws a Violation. */
export function judgeChunks(
  chunks: readonly Uint8Array[],
  judge: JudgeHead,
  sha1Base64: Sha1Base64,
): HeadVerdict {
  const reader = new HeadReader(fuzzMaxHeadBytes)
  for (const [index, chunk] of chunks.entries()) {
    const read = reader.push(chunk.slice())
    if (read === null) continue
    if (read === 'too large') return read
    if (read.head.length > fuzzMaxHeadBytes)
      throw new Violation(`a head of ${read.head.length} bytes was read`)
    const rest = [read.rest, ...chunks.slice(index + 1)].map(toHex).join('')
    return `${judge(read.head, sha1Base64)} rest ${rest}`
  }
  return 'incomplete'
}

/** The server's side (RFC 6455 §4.2). */
export const judgeRequest: JudgeHead = (head, sha1Base64) => {
  const request = parseRequest(head)
  const handshake = isRefusal(request) ? request : checkRequest(request)
  if (isRefusal(handshake)) {
    checkAnswer(refusalResponse(handshake), handshake.status)
    return `${handshake.status} ${handshake.detail}`
  }
  checkAcceptedRequest(latin1(head))
  const subprotocol = chooseSubprotocol(handshake.offeredSubprotocols, 'any')
  const agreement = acceptDeflate(handshake.offeredExtensions, noPreferences)
  const fields: Record<string, string> =
    agreement === null ? {} : { 'sec-websocket-extensions': agreement.text }
  const answer = acceptResponse(handshake, subprotocol, fields, sha1Base64)
  checkAnswer(answer, 101)
  // What one half says the other must take.
  const { key, offeredSubprotocols } = handshake
  const extensions = handshake.offeredExtensions.map(({ name }) => name).join(', ')
  const asked = { ...fuzzHandshake, key, subprotocols: offeredSubprotocols, extensions }
  const { fault } = checkResponse(
    Uint8Array.from(answer, (one) => one.charCodeAt(0)),
    asked,
    sha1Base64,
  )
  if (fault !== null) throw new Violation(`our client refuses our server's answer: ${fault}`)
  return `101 ${subprotocol ?? 'without a subprotocol'}, ${agreement?.text ?? 'not compressed'}`
}

/** The client's side (RFC 6455 §4.1). */
export const judgeResponse: JudgeHead = (head, sha1Base64) => {
  try {
    const { status, subprotocol, fault } = checkResponse(head, fuzzHandshake, sha1Base64)
    if (fault !== null) return `refused ${status} ${fault}`
    const text = latin1(head)
    const accept = sha1Base64(`${fuzzHandshake.key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
    for (const needed of [
      /^HTTP\/1\.1 101[ \r]/,
      /\r\nupgrade:[ \t]*websocket[ \t]*\r\n/i,
      /\r\nconnection:[^\r]*upgrade/i,
    ]) {
      if (!needed.test(text)) throw new Violation(`a response was accepted without ${needed.source}`)
    }
    if (fieldValues(text, 'sec-websocket-accept').join() !== accept)
      throw new Violation('a wrong Sec-WebSocket-Accept was accepted')
    return `101 ${subprotocol ?? 'without a subprotocol'}`
  } catch (error) {
    if (error instanceof ProtocolError) return `error ${error.message}`
    throw error
  }
}

/** RFC 6455 §4.2.1 again, on the text of the head. */
function checkAcceptedRequest(text: string): void {
  if (!/^GET \/[\x21-\x7e]* HTTP\/1\.1\r\n/.test(text))
    throw new Violation('a wrong request line was accepted')
  if (/[^\r]\n|\r[^\n]|\0|\n[ \t]/.test(text))
    throw new Violation('a bare CR, LF, NUL or a folded line was accepted')
  const has = (name: string, element: RegExp): boolean =>
    fieldValues(text, name).some((value) => value.split(',').some((one) => element.test(one.trim())))
  if (!has('upgrade', /^websocket$/i)) throw new Violation('a request without Upgrade was accepted')
  if (!has('connection', /^upgrade$/i)) throw new Violation('a request without Connection was accepted')
  if (fieldValues(text, 'sec-websocket-version').join() !== '13')
    throw new Violation('another version was accepted')
  const [key = '', ...others] = fieldValues(text, 'sec-websocket-key')
  if (others.length > 0 || key.length !== 24 || atob(key).length !== 16)
    throw new Violation('a wrong key was accepted')
  if (fieldValues(text, 'host').length === 0) throw new Violation('a request without Host was accepted')
}

function fieldValues(text: string, name: string): string[] {
  return text
    .split('\r\n')
    .slice(1)
    .filter((line) => line.toLowerCase().startsWith(`${name}:`))
    .map((line) => line.slice(name.length + 1).replace(/^[ \t]+|[ \t]+$/g, ''))
}

/** What goes out is well formed, whatever came in: nothing of a request can break out of its line (RFC 9112 §11.1). */
function checkAnswer(answer: string, status: number): void {
  const [head = ''] = answer.split('\r\n\r\n', 1)
  const [first = '', ...fields] = head.split('\r\n')
  const whole =
    first.startsWith(`HTTP/1.1 ${status} `) && fields.every((line) => /^[A-Za-z-]+: [\x20-\x7e]*$/.test(line))
  if (!whole) throw new Violation(`an answer is malformed: ${JSON.stringify(answer)}`)
}

function latin1(bytes: Uint8Array): string {
  let text = ''
  for (const byte of bytes) text += String.fromCharCode(byte)
  return text
}
