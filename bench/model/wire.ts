// What goes over each wire, in bytes: the JSON documents, and what frames, records and segments put around them.

/** How a subject's messages are framed. Its name stands in the subject's line of `subjects.ts`. */
export type Wire =
  | 'lines'
  | 'websocket'
  | 'websocket-h2'
  | 'socket-io'
  | 'http2-stream'
  | 'events'
  | 'poll'
  | 'long-poll'

/** Of those whose every document is an answer to a question of its own. */
export type AskedWire = 'poll' | 'long-poll'
/** Of those that stay open. */
export type OpenWire = Exclude<Wire, AskedWire>

export function isAsked(wire: Wire): wire is AskedWire {
  return wire === 'poll' || wire === 'long-poll'
}

/** An HTTP/2 frame's header (RFC 9113 §4.1). */
export const http2FrameBytes = 9
/** A PING or WINDOW_UPDATE frame: header and payload (RFC 9113 §6.7, §6.9). */
export const http2PingBytes = http2FrameBytes + 8
export const http2WindowUpdateBytes = http2FrameBytes + 4
/** A DATA frame's payload at most, where nothing else was agreed (RFC 9113 §4.2). */
const http2LargestFrameBytes = 16_384
/** A TLS 1.3 record around its plaintext: 5 of header, 1 of type, 16 of tag (RFC 8446 §5.2). */
export const tlsRecordBytes = 22
/** Of plaintext in a record at most (RFC 8446 §5.1). */
const tlsLargestRecordBytes = 16_384
/** IPv4 and TCP with the timestamps' option, and what of 1,500 is left (RFC 9293, RFC 7323). */
export const segmentHeaderBytes = 52
export const segmentPayloadBytes = 1448

/** A WebSocket frame's header, bytes (RFC 6455 §5.2): 2, 4 or 10 down, and a mask of 4 more up. */
export function webSocketHeaderBytes(payloadBytes: number, masked: boolean): number {
  const mask = masked ? 4 : 0
  if (payloadBytes < 126) return 2 + mask
  return payloadBytes < 65_536 ? 4 + mask : 10 + mask
}

/** The DATA frames that a body takes, headers and body together. */
export function http2DataBytes(bodyBytes: number): number {
  return bodyBytes + http2FrameBytes * Math.max(1, Math.ceil(bodyBytes / http2LargestFrameBytes))
}

/**
 * What a write becomes on the socket. OpenSSL seals each write by itself and cuts it after 16 KiB, so that writes never share a
 * record; what a program joins before it writes does.
 */
export function writeBytes(plainBytes: number, secure: boolean): number {
  if (!secure) return plainBytes
  return plainBytes + tlsRecordBytes * Math.max(1, Math.ceil(plainBytes / tlsLargestRecordBytes))
}

/** A chunk of HTTP/1.1 around its data: hexadecimal digits and two line ends (RFC 9112 §7.1). */
export function chunkBytes(dataBytes: number): number {
  return dataBytes + Math.max(1, Math.floor(dataBytes)).toString(16).length + 4
}

/** A server-sent event around its data: `data: ` and two line ends, and with them what an id and an event's name take. */
export function sseBytes(
  dataBytes: number,
  fields: { readonly id?: string; readonly event?: string } = {},
): number {
  const line = (name: string, value: string | undefined): number =>
    value === undefined ? 0 : `${name}: ${value}\n`.length
  return dataBytes + 'data: \n\n'.length + line('id', fields.id) + line('event', fields.event)
}

/** What is below a document. */
export interface Carrier {
  readonly secure: boolean
  /** Else HTTP/1.1. Of no matter where the wire says it. */
  readonly http2?: boolean
  /** Of a server-sent event, the cursor that it leads to; heartbeats have none. */
  readonly id?: string
}

/** One document on a wire that stays open, as it comes down: framing and records with it. */
export function documentOnWire(
  wire: OpenWire,
  documentBytes: number,
  { secure, http2 = true, id }: Carrier,
): number {
  switch (wire) {
    case 'lines':
      return writeBytes(documentBytes + 1, secure)
    case 'websocket':
      return writeBytes(webSocketHeaderBytes(documentBytes, false) + documentBytes, secure)
    case 'websocket-h2':
      return writeBytes(http2DataBytes(webSocketHeaderBytes(documentBytes, false) + documentBytes), secure)
    case 'socket-io': {
      const packet = documentBytes + '42["delivery",]'.length
      return writeBytes(webSocketHeaderBytes(packet, false) + packet, secure)
    }
    case 'http2-stream':
      return writeBytes(http2DataBytes(documentBytes + 1), secure)
    case 'events': {
      const event = sseBytes(documentBytes, id === undefined ? {} : { id })
      // Node takes a chunk and what stands around it up in one write.
      return writeBytes(http2 ? http2DataBytes(event) : chunkBytes(event), secure)
    }
  }
}

/** A sign of life as it comes down: a document, but for Socket.IO, whose engine sends a packet of one character. */
export function beatOnWire(wire: OpenWire, carrier: Carrier): number {
  if (wire === 'socket-io') return writeBytes(webSocketHeaderBytes(1, false) + 1, carrier.secure)
  return documentOnWire(wire, heartbeatBytes, carrier)
}

/** The answer to it, which goes up. */
export function beatAnswerOnWire(wire: OpenWire, secure: boolean): number {
  return wire === 'socket-io' ? writeBytes(webSocketHeaderBytes(1, true) + 1, secure) : 0
}

/** The mean number of decimal digits of the whole numbers from `first` to `last`. */
export function meanDigits(first: number, last: number): number {
  let digits = 0
  for (let length = 1, from = 0; from <= last; length++) {
    const until = 10 ** length - 1
    digits += length * Math.max(0, Math.min(last, until) - Math.max(first, from) + 1)
    from = until + 1
  }
  return digits / (last - first + 1)
}

/** What the size of a delivery depends on. */
export interface DocumentShape {
  /** Characters of the log's name in a cursor. */
  readonly epochCharacters: number
  readonly textBytes: number
  /** Digits of an offset, on average. */
  readonly offsetDigits: number
}

/** Parley draws its epochs; the controls are called `control`. */
export const epochCharacters = { parley: 12, control: 'control'.length } as const

const sample = { id: '0192f3c4-0000-7000-8000-000000000000', user: 'bench' } as const
const sampleTime = 1_795_348_800_000

/** A message in a delivery, bytes: `{"id":…,"user":"bench","text":…,"offset":…,"time":…}`. */
export function messageBytes({ textBytes, offsetDigits }: DocumentShape): number {
  const empty = JSON.stringify({ ...sample, text: '', offset: 0, time: sampleTime })
  return empty.length - 1 + textBytes + offsetDigits
}

/** The delivery of so many messages: `{"kind":"messages","after":…,"messages":[…],"cursor":…}` (docs/protocol.md). */
export function deliveryBytes(shape: DocumentShape, messages: number): number {
  const around = '{"kind":"messages","after":"","messages":[],"cursor":""}'.length
  return around + 2 * cursorBytes(shape) + messages * messageBytes(shape) + Math.max(0, messages - 1)
}

/** What a poll's answer has more: `,"head":…`. */
export function pollBodyBytes(shape: DocumentShape, messages: number): number {
  return deliveryBytes(shape, messages) + ',"head":""'.length + cursorBytes(shape)
}

export function cursorBytes({ epochCharacters, offsetDigits }: DocumentShape): number {
  return epochCharacters + 1 + offsetDigits
}

export const heartbeatBytes = JSON.stringify({ kind: 'heartbeat', time: sampleTime }).length

/** What a WebSocket's client says to send a message, and what it hears then. */
export function sendBytes({ textBytes }: DocumentShape): number {
  return JSON.stringify({ kind: 'send', ...sample, text: '' }).length + textBytes
}

export function receiptBytes({ offsetDigits }: DocumentShape): number {
  const receipt = { kind: 'receipt', id: sample.id, offset: 0, time: sampleTime, created: true }
  return JSON.stringify(receipt).length - 1 + offsetDigits
}

/** The body of a POST, and of its answer. */
export function draftBytes({ textBytes }: DocumentShape): number {
  return JSON.stringify({ ...sample, text: '' }).length + textBytes
}
