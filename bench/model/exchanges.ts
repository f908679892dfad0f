// What a question and its answer take over HTTP: heads as undici and Node write them, HTTP/2's header blocks as both compress them.
import { type HeaderField, HpackSizer, neverIndexedByNode } from './hpack.ts'
import {
  type DocumentShape,
  draftBytes,
  http2DataBytes,
  http2FrameBytes,
  messageBytes,
  pollBodyBytes,
  writeBytes,
} from './wire.ts'

/** Bytes on the socket. */
export interface Exchange {
  readonly up: number
  readonly down: number
}

/** A session's name: 18 random bytes in base64url. */
const sessionCharacters = 24
const room = 'bench-100'
const date = 'Sun, 22 Nov 2026 22:22:44 GMT'
const authority = '127.0.0.1:40000'

/** So many characters of base64url, all of them about as often: what is drawn at random takes as many bits. */
export function token(characters: number): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  return Array.from({ length: characters }, (_, place) => alphabet[(place * 27 + 5) % 64]).join('')
}

/** As long as those of this shape are on average. */
export function cursor(shape: DocumentShape): string {
  return `${token(shape.epochCharacters)}.${'1'.repeat(Math.round(shape.offsetDigits))}`
}

/** What undici's `fetch` says of itself with each request. */
const undici: readonly HeaderField[] = [
  ['accept', '*/*'],
  ['accept-language', '*'],
  ['sec-fetch-mode', 'cors'],
  ['user-agent', 'undici'],
  ['pragma', 'no-cache'],
  ['cache-control', 'no-cache'],
]

function requestFields(method: string, path: string, own: readonly HeaderField[]): readonly HeaderField[] {
  return [
    [':authority', authority],
    [':method', method],
    [':path', path],
    [':scheme', 'https'],
    ...own,
    ...undici,
    ['accept-encoding', 'br, gzip, deflate, zstd'],
  ]
}

/** The block of a message like others before it on its connection, bytes. `before`: what the tables know, the newest last. */
function warmBlock(
  fields: readonly HeaderField[],
  before: readonly (readonly HeaderField[])[] = [fields],
): number {
  const sizer = new HpackSizer({ neverIndexed: neverIndexedByNode })
  for (const one of before) sizer.block(one)
  return sizer.block(fields)
}

function answerFields(status: string, tag: readonly HeaderField[], at: string, bodyBytes: number | null) {
  const fields: HeaderField[] = [[':status', status], ...tag]
  fields.push(['cache-control', 'no-store'], ['parley-protocol', 'h2; tls'])
  if (bodyBytes !== null) {
    fields.push(['content-type', 'application/json; charset=utf-8'])
    fields.push(['content-length', String(Math.round(bodyBytes))])
  }
  fields.push(['date', at])
  return fields
}

/**
 * An answer's block over HTTP/2. Node's clock for `date` ticks once a second: a share of answers, the time since the last one in
 * seconds, writes it anew.
 */
function answerBlock(
  status: string,
  tag: readonly HeaderField[],
  bodyBytes: number | null,
  sinceMs: number,
): number {
  const fields = (at: string): readonly HeaderField[] => answerFields(status, tag, at, bodyBytes)
  const same = warmBlock(fields(date))
  const another = warmBlock(fields(date.replace(':44', ':45')), [fields(date)])
  return same + (another - same) * Math.min(1, sinceMs / 1000)
}

/** Over HTTP/2 and TLS: a poll in steady state. `messages`: in its answer; 0 is a 304. `sinceMs`: since the answer before it. */
export function http2Poll(shape: DocumentShape, messages: number, sinceMs: number): Exchange {
  const at = cursor(shape)
  const path = `/rooms/${room}/messages?after=${at}&session=${token(sessionCharacters)}&link=1`
  const request = warmBlock(requestFields('GET', path, [['if-none-match', `"${at}"`]]))
  const up = writeBytes(http2FrameBytes + request, true)
  const tag: readonly HeaderField[] = [['etag', `"${at}"`]]
  if (messages === 0) {
    return { up, down: writeBytes(http2FrameBytes + answerBlock('304', tag, null, sinceMs), true) }
  }
  const body = pollBodyBytes(shape, messages)
  const head = http2FrameBytes + answerBlock('200', tag, body, sinceMs)
  // Node ends the stream with an empty DATA frame of its own, in a record of its own.
  return { up, down: writeBytes(head + http2DataBytes(body), true) + writeBytes(http2FrameBytes, true) }
}

/** The same over HTTP/1.1. */
export function http1Poll(shape: DocumentShape, messages: number, secure: boolean): Exchange {
  const at = cursor(shape)
  const path = `/rooms/${room}/messages?after=${at}&session=${token(sessionCharacters)}&link=1`
  const up = writeBytes(http1Request('GET', path, [['if-none-match', `"${at}"`]]), secure)
  const tag: readonly HeaderField[] = [['etag', `"${at}"`]]
  if (messages === 0)
    return { up, down: writeBytes(http1Answer('304 Not Modified', tag, null, secure), secure) }
  const body = pollBodyBytes(shape, messages)
  return { up, down: writeBytes(http1Answer('200 OK', tag, body, secure) + body, secure) }
}

/** A long poll's question has no tag and says how long to wait; its answer is always a document. */
function longPollPath(shape: DocumentShape): string {
  return `/rooms/${room}/messages?after=${cursor(shape)}&session=${token(sessionCharacters)}&link=1&wait=10`
}

/** A long poll over HTTP/2 and TLS. `messages`: in its answer; 0: the wait was over. `sinceMs`: since the answer before it. */
export function http2LongPoll(shape: DocumentShape, messages: number, sinceMs: number): Exchange {
  const request = warmBlock(requestFields('GET', longPollPath(shape), []))
  const body = pollBodyBytes(shape, messages)
  const tag: readonly HeaderField[] = [['etag', `"${cursor(shape)}"`]]
  const head = http2FrameBytes + answerBlock('200', tag, body, sinceMs)
  return {
    up: writeBytes(http2FrameBytes + request, true),
    down: writeBytes(head + http2DataBytes(body), true) + writeBytes(http2FrameBytes, true),
  }
}

/** The same over HTTP/1.1. */
export function http1LongPoll(shape: DocumentShape, messages: number, secure: boolean): Exchange {
  const body = pollBodyBytes(shape, messages)
  const tag: readonly HeaderField[] = [['etag', `"${cursor(shape)}"`]]
  return {
    up: writeBytes(http1Request('GET', longPollPath(shape), []), secure),
    down: writeBytes(http1Answer('200 OK', tag, body, secure) + body, secure),
  }
}

/** The head of a question of undici's. */
function http1Request(method: string, path: string, own: readonly HeaderField[]): number {
  return head(`${method} ${path} HTTP/1.1`, [
    ['host', authority],
    ['connection', 'keep-alive'],
    ...own,
    ...undici,
    ['accept-encoding', 'gzip, deflate'],
  ])
}

/** The head of an answer of Node's. Node takes up what it sends first and what follows in one write. */
function http1Answer(
  status: string,
  tag: readonly HeaderField[],
  bodyBytes: number | null,
  secure: boolean,
): number {
  const typed: readonly HeaderField[] =
    bodyBytes === null
      ? []
      : [
          ['content-type', 'application/json; charset=utf-8'],
          ['content-length', String(Math.round(bodyBytes))],
        ]
  return head(`HTTP/1.1 ${status}`, [
    ...tag,
    ['cache-control', 'no-store'],
    ['parley-protocol', secure ? 'http/1.1; tls' : 'http/1.1'],
    ...typed,
    ['date', date],
    ['connection', 'keep-alive'],
    ['keep-alive', 'timeout=72'],
  ])
}

/** A message that is sent by POST over HTTP/1.1, on a connection that is kept. */
export function http1Post(shape: DocumentShape, secure: boolean): Exchange {
  const body = draftBytes(shape)
  const answer = messageBytes(shape)
  const request = http1Request('POST', `/rooms/${room}/messages`, [
    ['content-type', 'application/json'],
    ['content-length', String(body)],
  ])
  return {
    up: writeBytes(request + body, secure),
    down: writeBytes(http1Answer('201 Created', [], answer, secure) + answer, secure),
  }
}

/** A message that is sent by POST over the HTTP/2 connection that also brings what comes down. */
export function http2Post(shape: DocumentShape, sinceMs: number): Exchange {
  const body = draftBytes(shape)
  const request = requestFields('POST', `/rooms/${room}/messages`, [
    ['content-type', 'application/json'],
    ['content-length', String(body)],
  ])
  const answer = messageBytes(shape)
  const head = http2FrameBytes + answerBlock('201', [], answer, sinceMs)
  // Small as they are, the head, the body and the end of each leave in one record.
  return {
    up: writeBytes(http2FrameBytes + warmBlock(request) + http2DataBytes(body), true),
    down: writeBytes(head + http2DataBytes(answer) + http2FrameBytes, true),
  }
}

function head(first: string, fields: readonly HeaderField[]): number {
  return fields.reduce((sum, [name, value]) => sum + name.length + value.length + 4, first.length + 4)
}
