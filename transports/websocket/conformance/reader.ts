// The conformance suite's own frame reader: takes a peer's bytes apart after RFC 6455 §5.2 and notes all that is wrong with them.
import type { Event } from './case.ts'
import { binary, close, continuation, join, maskFrom, ping, pong, text } from './frames.ts'

/** What has been read. */
export interface Heard {
  event(event: Event): void
  /** The peer's close frame; the code is null if it has none. */
  closed(code: number | null, reason: string): void
  /** The peer has broken the protocol, in words. Nothing more is read. */
  wrong(what: string): void
  /** Bytes behind the close frame. */
  afterClose(bytes: number): void
}

/** Inflates a message's payload; a string says in words what is wrong with it. */
export type Inflate = (payload: Uint8Array) => Uint8Array | string

interface Header {
  readonly first: number
  readonly masked: boolean
  readonly headerBytes: number
  readonly payloadBytes: number
}

const noBytes = new Uint8Array(0)
const maxPayloadBytes = 1024 ** 3
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

export class FrameReader {
  readonly #expectMasked: boolean
  readonly #inflate: Inflate | null
  readonly #heard: Heard
  #chunks: Uint8Array[] = []
  #bytes = 0
  #wantedBytes = 2
  #message: { readonly opcode: number; readonly compressed: boolean; readonly parts: Uint8Array[] } | null =
    null
  #state: 'open' | 'closed' | 'wrong' = 'open'
  /** Messages that came compressed. */
  compressedMessages = 0

  /** @param inflate where compressed messages go through; null unless the extension is in force */
  constructor(expectMasked: boolean, inflate: Inflate | null, heard: Heard) {
    this.#expectMasked = expectMasked
    this.#inflate = inflate
    this.#heard = heard
  }

  /** Whether a frame or a message has begun and not ended. */
  get isWithin(): boolean {
    return this.#state === 'open' && (this.#bytes > 0 || this.#message !== null)
  }

  push(chunk: Uint8Array): void {
    if (this.#state === 'wrong') return
    if (this.#state === 'closed') {
      this.#heard.afterClose(chunk.length)
      return
    }
    this.#chunks.push(chunk)
    this.#bytes += chunk.length
    while (this.#state === 'open' && this.#bytes >= this.#wantedBytes) {
      const all = this.#joined()
      const header = readHeader(all)
      if (header === null) {
        this.#wantedBytes = this.#bytes + 1
      } else if (typeof header === 'string') {
        this.#fail(header)
      } else if (all.length < header.headerBytes + header.payloadBytes) {
        this.#wantedBytes = header.headerBytes + header.payloadBytes
      } else {
        this.#takeFrame(all, header)
      }
    }
  }

  #joined(): Uint8Array {
    const [first = noBytes] = this.#chunks
    const all = this.#chunks.length === 1 ? first : join(...this.#chunks)
    this.#chunks = [all]
    return all
  }

  #takeFrame(all: Uint8Array, header: Header): void {
    const { headerBytes, payloadBytes, masked } = header
    const end = headerBytes + payloadBytes
    const payload = all.slice(headerBytes, end)
    if (masked) maskFrom(payload, 0, payloadBytes, all.subarray(headerBytes - 4, headerBytes))
    this.#chunks = [all.subarray(end)]
    this.#bytes = all.length - end
    this.#wantedBytes = 2
    const fault = this.#frameFault(header) ?? this.#judge(header, payload)
    if (fault !== null) this.#fail(fault)
    if (this.#state === 'closed' && this.#bytes > 0) this.#heard.afterClose(this.#bytes)
  }

  #fail(what: string): void {
    this.#state = 'wrong'
    this.#heard.wrong(what)
  }

  #frameFault({ first, masked, payloadBytes }: Header): string | null {
    const opcode = first & 15
    const reserved = (first >> 4) & 7
    const isControl = opcode >= 8
    if (masked !== this.#expectMasked)
      return masked ? 'a masked frame of a server' : 'an unmasked frame of a client'
    if ((opcode > binary && !isControl) || opcode > pong) return `a frame with the reserved opcode ${opcode}`
    if (isControl && (first & 0x80) === 0) return 'a fragmented control frame'
    if (isControl && payloadBytes > 125) return `a control frame of ${payloadBytes} bytes`
    // RFC 7692 §6: RSV1 on the first frame of a message, and only there.
    const mayCompress = this.#inflate !== null && (opcode === text || opcode === binary)
    if (reserved !== 0 && !(reserved === 4 && mayCompress))
      return `reserved bits ${reserved} with opcode ${opcode}`
    if (opcode === continuation && this.#message === null) return 'a continuation without a message'
    if ((opcode === text || opcode === binary) && this.#message !== null)
      return 'a message within another one'
    return null
  }

  /** @returns what is wrong with the frame, or null */
  #judge({ first }: Header, payload: Uint8Array): string | null {
    const opcode = first & 15
    if (opcode === close) return this.#takeClose(payload)
    if (opcode === ping || opcode === pong) {
      this.#heard.event({ kind: opcode === ping ? 'ping' : 'pong', payload })
      return null
    }
    this.#message ??= { opcode, compressed: (first & 0x40) !== 0, parts: [] }
    const message = this.#message
    message.parts.push(payload)
    if ((first & 0x80) === 0) return null
    this.#message = null
    const [only = noBytes] = message.parts
    let whole: Uint8Array | string = message.parts.length === 1 ? only : join(...message.parts)
    if (message.compressed && this.#inflate !== null) {
      this.compressedMessages++
      whole = this.#inflate(whole)
      if (typeof whole === 'string') return whole
    }
    if (message.opcode === text && !isUtf8(whole)) return 'a text that is not UTF-8'
    this.#heard.event({ kind: message.opcode === text ? 'text' : 'binary', payload: whole })
    return null
  }

  #takeClose(payload: Uint8Array): string | null {
    if (payload.length === 1) return 'a close frame of one byte'
    const reason = payload.subarray(2)
    if (!isUtf8(reason)) return 'a close reason that is not UTF-8'
    const code = payload.length === 0 ? null : ((payload[0] ?? 0) << 8) | (payload[1] ?? 0)
    // RFC 6455 §7.4.1, §7.4.2: 1004–1006 and 1015 are never sent, what is below 1000 or above 4999 is no code.
    const forbidden = code !== null && (code < 1000 || code > 4999 || [1004, 1005, 1006, 1015].includes(code))
    if (forbidden) return `close code ${code}, which may not be sent`
    this.#state = 'closed'
    this.#heard.closed(code, decoder.decode(reason))
    return null
  }
}

/** @returns null when more bytes are needed, or what is wrong with it */
function readHeader(bytes: Uint8Array): Header | null | string {
  const [first, second] = bytes
  if (first === undefined || second === undefined) return null
  const masked = (second & 0x80) !== 0
  const short = second & 127
  const lengthBytes = short === 127 ? 8 : short === 126 ? 2 : 0
  const headerBytes = 2 + lengthBytes + (masked ? 4 : 0)
  if (bytes.length < headerBytes) return null
  const view = new DataView(bytes.buffer, bytes.byteOffset + 2)
  const declared =
    lengthBytes === 8 ? view.getBigUint64(0) : BigInt(lengthBytes === 2 ? view.getUint16(0) : short)
  if (declared > BigInt(maxPayloadBytes)) return `a frame of ${declared} bytes`
  const payloadBytes = Number(declared)
  // §5.2: the minimal number of bytes MUST be used to encode the length.
  if ((lengthBytes === 8 && payloadBytes < 0x10000) || (lengthBytes === 2 && payloadBytes < 126)) {
    return `a length of ${payloadBytes} that isn't in its shortest form`
  }
  return { first, masked, headerBytes, payloadBytes }
}

function isUtf8(bytes: Uint8Array): boolean {
  try {
    decoder.decode(bytes)
    return true
  } catch (error) {
    if (error instanceof TypeError) return false
    throw error
  }
}
