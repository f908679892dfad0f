// The bytes of docs/websocket.md, made by the code that it explains: `node transports/websocket/walkthrough/blocks.node.ts` prints them.
import { nodePrimitives, sha1Base64 } from '../primitives.node.ts'
import { Connection, connectionSettings, type Role } from '../protocol/connection.ts'
import { encodeHeader, headerBytesFor } from '../protocol/frame.ts'
import {
  acceptResponse,
  type ClientHandshake,
  checkRequest,
  isRefusal,
  parseRequest,
  requestText,
} from '../protocol/handshake.ts'
import { defaultLimits } from '../protocol/limits.ts'
import { readMaskKey } from '../protocol/mask.ts'
import { joinBytes } from '../protocol/message.ts'
import { FrameArena } from '../protocol/output.ts'

/** The nonce and the masking key that RFC 6455 takes for its own examples (§1.3, §5.7). */
const key = 'dGhlIHNhbXBsZSBub25jZQ=='
const maskKey = readMaskKey(Uint8Array.of(0x37, 0xfa, 0x21, 0x3d), 0)

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text)

/** The handshake as texts. */
export function handshakeBlocks(): { readonly request: string; readonly response: string } {
  const asked: ClientHandshake = {
    host: '127.0.0.1:9001',
    target: '/',
    key,
    subprotocols: ['json'],
    headers: {},
  }
  const request = requestText(asked)
  const parsed = parseRequest(utf8(request))
  if (isRefusal(parsed)) throw new Error(parsed.detail)
  const checked = checkRequest(parsed)
  if (isRefusal(checked)) throw new Error(checked.detail)
  return { request, response: acceptResponse(checked, 'json', {}, sha1Base64) }
}

/** SHA-1 of the key and the GUID, before it is written in base64. */
export function acceptDigest(): Uint8Array {
  const [, value = ''] = /Sec-WebSocket-Accept: (\S+)/.exec(handshakeBlocks().response) ?? []
  return Uint8Array.from(Buffer.from(value, 'base64'))
}

function peer(role: Role): Connection {
  const primitives = { ...nodePrimitives, randomMaskKey: () => maskKey }
  return new Connection(connectionSettings(role, defaultLimits, primitives, new FrameArena(primitives)))
}

/** What a connection has to write. */
function written(connection: Connection): Uint8Array {
  const parts = connection.takeOutput()
  return joinBytes(
    parts,
    parts.reduce((sum, part) => sum + part.length, 0),
  )
}

/** Hands bytes over and has the receiver deal with all that is in them: the kinds of its events. */
function deliver(bytes: Uint8Array, to: Connection): string[] {
  to.receive(bytes.slice())
  const kinds: string[] = []
  for (let event = to.next(); event !== null; event = to.next()) kinds.push(event.kind)
  return kinds
}

/** Every block of hex in the page, by its name. */
export function hexBlocks(): ReadonlyMap<string, Uint8Array> {
  const client = peer('client')
  const server = peer('server')
  const blocks = new Map<string, Uint8Array>()
  blocks.set('accept-digest', acceptDigest())

  client.send('text', [utf8('Hej ☃')])
  blocks.set('hello', written(client))
  const masking = maskingOf(blocks.get('hello') ?? new Uint8Array(0))
  blocks.set('masking', masking)
  server.send('text', [utf8('Hej ☃')])
  blocks.set('hello-echoed', written(server))

  for (const length of [125, 126, 65_535, 65_536]) {
    const header = new Uint8Array(headerBytesFor(length, false))
    encodeHeader(header, 0, 0x82, length, false)
    blocks.set(`header-${length}`, header)
  }

  client.sendFragment('text', utf8('par'), false)
  blocks.set('fragment-first', written(client))
  client.ping(utf8('tick'))
  blocks.set('fragment-ping', written(client))
  client.sendFragment('text', utf8('ley'), true)
  blocks.set('fragment-last', written(client))
  const names = ['fragment-first', 'fragment-ping', 'fragment-last']
  const events = names.flatMap((name) => deliver(blocks.get(name) ?? new Uint8Array(0), server))
  if (events.join() !== 'ping,message') throw new Error(`the fragments came as ${events.join()}`)
  blocks.set('fragment-pong', written(server))

  for (const [name, bytes] of wrongUtf8()) blocks.set(name, bytes)

  client.close(1000, 'bye')
  blocks.set('close', written(client))
  deliver(blocks.get('close') ?? new Uint8Array(0), server)
  blocks.set('close-answer', written(server))
  return blocks
}

/** A masked payload worked out: what is to be sent, the key over and over, and what is sent. */
function maskingOf(frame: Uint8Array): Uint8Array {
  const masked = frame.subarray(6)
  const repeated = masked.map((_, index) => frame[2 + (index % 4)] ?? 0)
  const payload = masked.map((byte, index) => byte ^ (repeated[index] ?? 0))
  return joinBytes([payload, repeated, masked], 3 * masked.length)
}

/** A text that declares 100 bytes and goes wrong at the fourth: what arrives until the server fails, and its answer. */
function wrongUtf8(): readonly (readonly [string, Uint8Array])[] {
  const header = new Uint8Array(headerBytesFor(100, true))
  const end = encodeHeader(header, 0, 0x81, 100, true)
  header.set([0x37, 0xfa, 0x21, 0x3d], end)
  const payload = Uint8Array.of(0x4f, 0x6b, 0xf4, 0x90)
  const key = header.subarray(end)
  const masked = payload.map((byte, index) => byte ^ (key[index % 4] ?? 0))
  const server = peer('server')
  const kinds = deliver(joinBytes([header, masked.subarray(0, 3)], header.length + 3), server)
  if (kinds.length > 0) throw new Error('it failed too early')
  const [kind] = deliver(masked.subarray(3), server)
  if (kind !== 'failure') throw new Error('it did not fail at the wrong byte')
  return [
    ['wrong-header', header],
    ['wrong-payload', payload],
    ['wrong-masked', masked],
    ['wrong-answer', written(server)],
  ]
}

/** `81 05 48`. */
export function spaced(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(' ')
}

if (import.meta.main) {
  const { request, response } = handshakeBlocks()
  process.stdout.write(`${request}${response}`)
  for (const [name, bytes] of hexBlocks()) process.stdout.write(`${name.padEnd(16)} ${spaced(bytes)}\n`)
}
