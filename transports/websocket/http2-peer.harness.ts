// For tests: an HTTP/2 client by hand that says whatever it is told to, right or wrong, frame by frame (RFC 9113).
import { once } from 'node:events'
import { connect, type TLSSocket } from 'node:tls'

export const frameTypes = { data: 0, headers: 1, reset: 3, settings: 4, goaway: 7, windowUpdate: 8 } as const
export const endStream = 1
const endHeaders = 4
const acknowledged = 1
/** SETTINGS by number (RFC 9113 §6.5.2, RFC 8441 §3). */
export const settingNames = {
  maxConcurrentStreams: 3,
  initialWindowSize: 4,
  enableConnectProtocol: 8,
} as const
/** RFC 9113 §7. */
export const errorCodes = { noError: 0, protocolError: 1, refusedStream: 7, cancel: 8, calm: 11 } as const

export interface PeerFrame {
  readonly type: number
  readonly flags: number
  readonly stream: number
  readonly payload: Buffer
}

export type Fields = readonly (readonly [name: string, value: string])[]

/** A socket's opening handshake, whole and right; `changes` take the place of its fields, null leaves one out. */
export function opening(
  authority: string,
  path: string,
  changes: Readonly<Record<string, string | null>> = {},
): Fields {
  const fields: Record<string, string | null> = {
    ':method': 'CONNECT',
    ':protocol': 'websocket',
    ':scheme': 'https',
    ':path': path,
    ':authority': authority,
    'sec-websocket-version': '13',
    'sec-websocket-protocol': 'json',
    ...changes,
  }
  return Object.entries(fields).filter((field): field is [string, string] => field[1] !== null)
}

export class Http2Peer {
  readonly frames: PeerFrame[] = []
  readonly socket: TLSSocket
  #rest: Buffer = Buffer.alloc(0)
  #waiting: (() => void)[] = []

  private constructor(socket: TLSSocket) {
    this.socket = socket
    socket.on('error', () => socket.destroy())
    socket.on('close', () => this.#wake())
    socket.on('data', (chunk: Buffer) => this.#read(chunk))
  }

  /** Connects and says its preface, with these settings. Without `ca` any certificate will do. */
  static async connect(
    port: number,
    ca: string | undefined,
    settings: readonly (readonly [number, number])[] = [],
  ): Promise<Http2Peer> {
    const socket = connect({
      host: '127.0.0.1',
      port,
      ca,
      rejectUnauthorized: ca !== undefined,
      ALPNProtocols: ['h2'],
      servername: 'localhost',
    })
    await once(socket, 'secureConnect')
    const peer = new Http2Peer(socket)
    socket.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
    const payload = Buffer.alloc(settings.length * 6)
    settings.forEach(([name, value], index) => {
      payload.writeUInt16BE(name, index * 6)
      payload.writeUInt32BE(value, index * 6 + 2)
    })
    peer.frame(frameTypes.settings, 0, 0, payload)
    return peer
  }

  frame(type: number, flags: number, stream: number, payload: Uint8Array = Buffer.alloc(0)): void {
    this.socket.write(encodeFrame(type, flags, stream, payload))
  }

  headers(stream: number, fields: Fields, flags = 0): void {
    this.frame(frameTypes.headers, endHeaders | flags, stream, encodeFields(fields))
  }

  data(stream: number, payload: Uint8Array, flags = 0): void {
    this.frame(frameTypes.data, flags, stream, payload)
  }

  reset(stream: number, code: number): void {
    this.frame(frameTypes.reset, 0, stream, number32(code))
  }

  windowUpdate(stream: number, bytes: number): void {
    this.frame(frameTypes.windowUpdate, 0, stream, number32(bytes))
  }

  /** The first frame of this type on this stream, once it is there. Rejects when the connection ends before. */
  async next(type: number, stream: number): Promise<PeerFrame> {
    for (;;) {
      const found = this.frames.find((frame) => frame.type === type && frame.stream === stream)
      if (found !== undefined) return found
      if (this.socket.destroyed) throw new Error('the server has ended the connection')
      await new Promise<void>((resolve) => this.#waiting.push(resolve))
    }
  }

  /** Resolves when the condition holds, looked at after whatever arrives. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => this.#waiting.push(resolve))
  }

  /** With what code the server has reset a stream. */
  async resetOf(stream: number): Promise<number> {
    return (await this.next(frameTypes.reset, stream)).payload.readUInt32BE(0)
  }

  /** The payloads of all DATA of a stream. */
  bytes(stream: number): Buffer {
    return Buffer.concat(
      this.frames
        .filter((frame) => frame.type === frameTypes.data && frame.stream === stream)
        .map((frame) => frame.payload),
    )
  }

  /** What the server announced, by number. */
  async settings(): Promise<ReadonlyMap<number, number>> {
    const { payload } = await this.next(frameTypes.settings, 0)
    const found = new Map<number, number>()
    for (let at = 0; at < payload.length; at += 6)
      found.set(payload.readUInt16BE(at), payload.readUInt32BE(at + 2))
    return found
  }

  destroy(): void {
    this.socket.destroy()
  }

  #read(chunk: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, chunk])
    for (;;) {
      const length = this.#rest.length < 9 ? Number.POSITIVE_INFINITY : this.#rest.readUIntBE(0, 3)
      if (this.#rest.length < 9 + length) break
      const type = this.#rest.readUInt8(3)
      const flags = this.#rest.readUInt8(4)
      const stream = this.#rest.readUInt32BE(5) & 0x7fffffff
      const payload = Buffer.from(this.#rest.subarray(9, 9 + length))
      this.#rest = this.#rest.subarray(9 + length)
      const isSettings = type === frameTypes.settings
      if (isSettings && (flags & acknowledged) === 0) this.frame(frameTypes.settings, acknowledged, 0)
      if (!isSettings || (flags & acknowledged) === 0) this.frames.push({ type, flags, stream, payload })
    }
    this.#wake()
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve()
  }
}

export function encodeFrame(type: number, flags: number, stream: number, payload: Uint8Array): Buffer {
  const head = Buffer.alloc(9)
  head.writeUIntBE(payload.length, 0, 3)
  head.writeUInt8(type, 3)
  head.writeUInt8(flags, 4)
  head.writeUInt32BE(stream, 5)
  return Buffer.concat([head, payload])
}

/** Literals that go into no table (RFC 7541 §6.2.2), without Huffman's code. */
export function encodeFields(fields: Fields): Buffer {
  return Buffer.concat(fields.flatMap(([name, value]) => [Buffer.of(0), text(name), text(value)]))
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value, 'latin1')
  // RFC 7541 §5.1: seven bits, then seven more at a time.
  if (bytes.length < 127) return Buffer.concat([Buffer.of(bytes.length), bytes])
  const length = [127]
  let rest = bytes.length - 127
  for (; rest >= 128; rest >>= 7) length.push((rest & 127) | 128)
  return Buffer.concat([Buffer.from([...length, rest]), bytes])
}

function number32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}
