// Bytes per delivery, from first principles: what a wire must carry for the deliveries, questions and heartbeats that a cell had.
import { serverLimits } from '../../transports/limits.ts'
import type { ServerKind } from '../measurement.ts'
import {
  cursor,
  http1LongPoll,
  http1Poll,
  http1Post,
  http2LongPoll,
  http2Poll,
  http2Post,
} from './exchanges.ts'
import {
  beatAnswerOnWire,
  beatOnWire,
  type DocumentShape,
  deliveryBytes,
  documentOnWire,
  draftBytes,
  epochCharacters,
  http2FrameBytes,
  http2PingBytes,
  isAsked,
  meanDigits,
  type OpenWire,
  receiptBytes,
  segmentHeaderBytes,
  segmentPayloadBytes,
  sendBytes,
  type Wire,
  webSocketHeaderBytes,
  writeBytes,
} from './wire.ts'

/** What flowed, in all cells of a row together. */
export interface Flow {
  readonly wire: Wire
  readonly server: ServerKind
  readonly secure: boolean
  /** What is spoken below: `h2, TLS`, `http/1.1`. */
  readonly protocol: string
  readonly upLink: 'publisher' | 'native'
  readonly textBytes: number
  /** Messages that leave at the same moment. */
  readonly burst: number
  /** Of those that poll, from an answer to the next question, ms. */
  readonly intervalMs: number
  /** Who gets each message. */
  readonly audience: number
  /** Of a room in a cell, those before the window with it: offsets run from 1 to this. */
  readonly messagesOfRoom: number
  readonly deliveries: number
  /** Read events of the client, heartbeats and empty answers too. */
  readonly reads: number
  readonly requests: number
  /** Connections, each times how long it was watched, seconds. */
  readonly connectionSeconds: number
}

export interface Carried {
  readonly downPerDelivery: number
  readonly upPerDelivery: number
}

/** The mean sizes of a flow's documents. */
export function shapeOf(flow: Pick<Flow, 'server' | 'textBytes' | 'messagesOfRoom'>): DocumentShape {
  return {
    epochCharacters: flow.server === 'parley' ? epochCharacters.parley : epochCharacters.control,
    textBytes: flow.textBytes,
    offsetDigits: meanDigits(1, Math.max(1, Math.round(flow.messagesOfRoom))),
  }
}

/**
 * Null where nothing was delivered, and for the library's server in bursts: it writes message by message, and what it writes while the
 * kernel still takes the last one shares a record; how many do is a matter of speed.
 */
export function bytesOf(flow: Flow): Carried | null {
  if (!(flow.deliveries > 0)) return null
  if (flow.server === 'ws' && flow.burst > 1 && flow.secure) return null
  const own = ownBytes(flow, flow.wire)
  const sent = flow.upLink === 'native' ? sending(flow) : { down: 0, up: 0 }
  return {
    downPerDelivery: (own.down + sent.down) / flow.deliveries,
    upPerDelivery: (own.up + sent.up) / flow.deliveries,
  }
}

function ownBytes(flow: Flow, wire: Wire): { readonly down: number; readonly up: number } {
  if (wire === 'poll') return polled(flow)
  return wire === 'long-poll' ? longPolled(flow) : pushed(flow, wire)
}

const enginePingMs = serverLimits.heartbeatMs * serverLimits.enginePingShare

/** How often a silent link speaks by a clock of its own, ms, from its opening on; 0: by heartbeats, which the server spreads over all links. */
export function ownClockMs(wire: Wire): number {
  if (wire === 'long-poll') return serverLimits.heartbeatMs
  return wire === 'socket-io' ? enginePingMs : 0
}

/** Heartbeats of a connection and second: Parley's come at this pace whatever else flows, the controls' never within a cell. */
function beatsPerSecond(server: ServerKind, wire: Wire): number {
  if (server !== 'parley') return 0
  return 1000 / (wire === 'socket-io' ? enginePingMs : serverLimits.heartbeatMs)
}

function isHttp2({ protocol }: Pick<Flow, 'protocol'>): boolean {
  return protocol.startsWith('h2')
}

/** Messages that went up over the links that are measured. */
function sentOver({ upLink, deliveries, audience }: Flow): number {
  return upLink === 'native' ? deliveries / Math.max(1, audience) : 0
}

/**
 * How many documents brought the deliveries. Each is a read event, heartbeats and a WebSocket's receipts are too. Where there were more
 * reads than deliveries, nothing was joined and the rest were heartbeats.
 */
export function documentsOf(flow: Flow): { readonly documents: number; readonly beats: number } {
  const expectedBeats = flow.connectionSeconds * beatsPerSecond(flow.server, flow.wire)
  const isSocket = flow.wire === 'websocket' || flow.wire === 'websocket-h2' || flow.wire === 'socket-io'
  const reads = flow.reads - (isSocket ? sentOver(flow) : 0)
  if (reads >= flow.deliveries) {
    const seen = flow.server === 'parley' ? reads - flow.deliveries : 0
    return { documents: flow.deliveries, beats: seen }
  }
  const documents = Math.min(flow.deliveries, Math.max(reads - expectedBeats, 1))
  return { documents, beats: Math.max(0, reads - documents) }
}

/** Questions alone: who polls sends over the same connections, and that counts as a request too. */
export function questionsOf(flow: Flow): number {
  return Math.max(0, flow.requests - sentOver(flow))
}

/**
 * documents × (frame and record around a delivery of k messages), heartbeats in the same frames, and where the stream is HTTP/2's a
 * PING and its answer for each heartbeat (`SessionPulse`).
 */
function pushed(flow: Flow, wire: OpenWire): { readonly down: number; readonly up: number } {
  const { documents, beats } = documentsOf(flow)
  const document = deliveryBytes(shapeOf(flow), flow.deliveries / documents)
  const http2 = isHttp2(flow)
  const isStream = wire === 'http2-stream' || (wire === 'events' && http2)
  const pings = isStream ? flow.connectionSeconds * beatsPerSecond(flow.server, flow.wire) : 0
  const ping = pings * writeBytes(http2PingBytes, flow.secure)
  return {
    down:
      documents * documentOnWire(wire, document, { secure: flow.secure, http2, id: cursor(shapeOf(flow)) }) +
      beats * beatOnWire(wire, { secure: flow.secure, http2 }) +
      ping,
    up: ping + beats * beatAnswerOnWire(wire, flow.secure),
  }
}

/**
 * The answers that bring something: requests × (1 − e^(−λP)), with λP the messages a question finds on average. Messages that
 * leave together are found together.
 */
export function answersWithNews(flow: Flow): number {
  const { deliveries, burst } = flow
  const requests = questionsOf(flow)
  const batches = deliveries / Math.max(1, burst)
  if (!(requests > 0)) return batches
  if (burst > 1) return Math.min(requests, batches)
  return requests * (1 - Math.exp(-batches / requests))
}

function polled(flow: Flow): { readonly down: number; readonly up: number } {
  const shape = shapeOf(flow)
  const news = answersWithNews(flow)
  const empty = Math.max(0, questionsOf(flow) - news)
  const poll = (messages: number) =>
    isHttp2(flow) ? http2Poll(shape, messages, flow.intervalMs) : http1Poll(shape, messages, flow.secure)
  const [full, nothing] = [poll(flow.deliveries / news), poll(0)]
  return { down: news * full.down + empty * nothing.down, up: news * full.up + empty * nothing.up }
}

/**
 * Every question that found nothing within its wait was answered empty: of a quiet reader, e^(−λH) of them, with H the longest wait
 * and λ what it gets a second.
 */
function longPolled(flow: Flow): { readonly down: number; readonly up: number } {
  const shape = shapeOf(flow)
  const questions = questionsOf(flow)
  const { connectionSeconds, deliveries, secure } = flow
  const rate = deliveries / Math.max(connectionSeconds, Number.EPSILON)
  const empty = questions * Math.exp((-rate * serverLimits.heartbeatMs) / 1000)
  const news = Math.max(questions - empty, Math.min(deliveries, 1))
  const sinceMs = (connectionSeconds / Math.max(questions, 1)) * 1000
  const poll = (messages: number) =>
    isHttp2(flow) ? http2LongPoll(shape, messages, sinceMs) : http1LongPoll(shape, messages, secure)
  const [full, nothing] = [poll(deliveries / news), poll(0)]
  return { down: news * full.down + empty * nothing.down, up: news * full.up + empty * nothing.up }
}

/** A message that goes up over the link that is measured, and its receipt: one for each `audience` deliveries. */
function sending(flow: Flow): { readonly down: number; readonly up: number } {
  const shape = shapeOf(flow)
  const messages = sentOver(flow)
  if (flow.wire === 'websocket' || flow.wire === 'websocket-h2') {
    const document = sendBytes(shape)
    const frame = webSocketHeaderBytes(document, true) + document
    const around = flow.wire === 'websocket' ? 0 : http2FrameBytes
    return {
      up: messages * writeBytes(around + frame, flow.secure),
      down: messages * documentOnWire(flow.wire, receiptBytes(shape), { secure: flow.secure }),
    }
  }
  if (flow.wire === 'socket-io') {
    // The draft as an event and its receipt as an acknowledgement, with a number of about three digits.
    const event = draftBytes(shape) + '42123["send",]'.length
    const receipt = receiptBytes(shape) + '43123[]'.length
    return {
      up: messages * writeBytes(webSocketHeaderBytes(event, true) + event, flow.secure),
      down: messages * writeBytes(webSocketHeaderBytes(receipt, false) + receipt, flow.secure),
    }
  }
  if (flow.wire === 'lines') return { up: 0, down: 0 }
  const sinceMs = (flow.connectionSeconds / messages) * 1000
  const post = isHttp2(flow) ? http2Post(shape, sinceMs) : http1Post(shape, flow.secure)
  return { up: messages * post.up, down: messages * post.down }
}

/** What must be in the deliveries, whatever carries them: the texts and names. Less than that, and something compresses. */
export function leastBytes(textBytes: number): number {
  return textBytes + '0192f3c4-0000-7000-8000-000000000000'.length
}

/**
 * An estimate of what passes the network card, bytes: what the sockets counted, and 52 a segment. A read event is a segment at
 * least, a full one has 1,448 bytes, and each is acknowledged by one that has nothing else in it; a question is one segment up.
 */
export function wireBytes(flow: {
  readonly bytesUp: number
  readonly bytesDown: number
  readonly reads: number
  readonly requests: number
}): number {
  const down = Math.max(flow.reads, Math.ceil(flow.bytesDown / segmentPayloadBytes))
  const up = Math.max(flow.requests, Math.ceil(flow.bytesUp / segmentPayloadBytes))
  return flow.bytesUp + flow.bytesDown + segmentHeaderBytes * (2 * down + up)
}

/** What a link in a silent room takes a second, bytes: questions and empty answers, or heartbeats. */
export function restingBytes(link: Pick<Flow, 'wire' | 'server' | 'secure' | 'protocol' | 'intervalMs'>): {
  readonly down: number
  readonly up: number
} {
  const { wire, server, secure, intervalMs } = link
  const shape: DocumentShape = { epochCharacters: epochCharacters.parley, textBytes: 0, offsetDigits: 1 }
  const http2 = isHttp2(link)
  if (isAsked(wire)) {
    const everyMs = wire === 'poll' ? intervalMs : serverLimits.heartbeatMs
    const overHttp2 = wire === 'poll' ? http2Poll : http2LongPoll
    const overHttp1 = wire === 'poll' ? http1Poll : http1LongPoll
    const { down, up } = http2 ? overHttp2(shape, 0, everyMs) : overHttp1(shape, 0, secure)
    // Who parks is asked by PING whether it lives (`SessionPulse`).
    const ping = wire === 'long-poll' && http2 ? writeBytes(http2PingBytes, secure) : 0
    return { down: ((down + ping) * 1000) / everyMs, up: ((up + ping) * 1000) / everyMs }
  }
  const beats = beatsPerSecond(server, wire)
  const isStream = wire === 'http2-stream' || (wire === 'events' && http2)
  const ping = isStream ? writeBytes(http2PingBytes, secure) : 0
  return {
    down: beats * (beatOnWire(wire, { secure, http2 }) + ping),
    up: beats * (beatAnswerOnWire(wire, secure) + ping),
  }
}
