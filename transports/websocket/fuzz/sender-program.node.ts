// What a sending side is told to do, as bytes: any bytes are a program, and shorter ones shorter programs.
import type { DeflateOptions } from '../deflate.node.ts'
import type { Connection, Role } from '../protocol/connection.ts'
import { UsageError } from '../protocol/errors.ts'
import { concat } from '../protocol/testing.ts'
import { SharedFrames } from '../shared-frames.node.ts'
import { zlibTurns } from '../zlib-turns.node.ts'
import { type Agreement, readAgreement } from './agreement.ts'
import { nextTurn } from './compression.node.ts'
import { describePayload, type Seen, Violation } from './listen.ts'
import { Random } from './random.ts'

export interface Setting {
  readonly role: Role
  readonly agreement: Agreement
  readonly options: Required<Pick<DeflateOptions, 'level' | 'memLevel' | 'thresholdBytes'>>
}

/** Bytes of a program before its steps. */
export const settingBytes = 4
const stepBytes = 3
const clientBit = 16
/** Few, as in a process: streams of every kind wait for the next use (zlib.node.ts). */
const levels = [6, 0, 1, 9]
const memLevels = [8, 1]
const thresholds = [0, 1, 100, 1024]
const sizes = [0, 1, 2, 5, 50, 125, 126, 127, 300, 900, 1023, 1024, 2047, 2048, 2049, 5000]
/** The last one leaves room for what compressing adds to noise: `ws` has its limit for that, too. */
const bigSizes = [16_384, 32_767, 32_768, 32_769, 65_535, 65_536, 65_537, 66_000]
const moreThanATurn = 2 ** 20
const closeCodes = [1000, 1001, 3000, 4999]

export function readSetting(program: Uint8Array): Setting {
  const [first = 0, level = 0, memLevel = 0, threshold = 0] = program
  return {
    role: (first & clientBit) === 0 ? 'server' : 'client',
    agreement: readAgreement(program),
    options: {
      level: levels[level % levels.length] ?? 6,
      memLevel: memLevels[memLevel % memLevels.length] ?? 8,
      thresholdBytes: thresholds[threshold % thresholds.length] ?? 0,
    },
  }
}

export function makeProgram(random: Random): Uint8Array {
  return random.bytes(settingBytes + stepBytes * (1 + random.below(16)))
}

/** One message as the peer must get it. */
interface Sent {
  readonly seen: Seen
  /** Whether its first frame must say that it is compressed. */
  readonly compressed: boolean
}

/** A connection that is told what to do, with a note of what its peer must see. */
export class Sender {
  readonly #connection: Connection
  readonly #setting: Setting
  readonly messages: Sent[] = []
  readonly controls: Seen[] = []
  close: Seen | null = null
  /** The connection was lost in the middle. */
  isCut = false
  /** As it came out: what must stay as it is until it is written isn't copied here. */
  readonly #output: Uint8Array[] = []

  constructor(connection: Connection, setting: Setting) {
    this.#connection = connection
    this.#setting = setting
  }

  /** All steps, and what is left to be compressed after them. @returns the bytes for the peer */
  async run(program: Uint8Array): Promise<Uint8Array> {
    for (let at = settingBytes; at + stepBytes <= program.length && !this.isCut; at += stepBytes) {
      const [step = 0, size = 0, seed = 0] = program.subarray(at, at + stepBytes)
      await this.#step(step % 16, size, seed)
    }
    while (!this.isCut && this.#connection.deflatingBytes > 0) await this.#turn()
    this.#take()
    if (this.#connection.outputBytes > 0) throw new Violation('there is output left')
    if (!this.isCut && this.#connection.closeExpected !== (this.close !== null))
      throw new Violation(`closeExpected is ${this.#connection.closeExpected} at the end`)
    return concat(...this.#output)
  }

  async #step(step: number, size: number, seed: number): Promise<void> {
    const connection = this.#connection
    if (!connection.isOpen && step < 11) return this.#sendTooLate()
    switch (step) {
      case 7:
        return this.#setting.role === 'server' ? this.#sendShared(size, seed) : this.#send(size, seed, 1)
      case 8:
        return this.#sendFragments(size, seed)
      case 9:
        return this.#control('ping', seed)
      case 10:
        return this.#control('pong', seed)
      case 11:
        return zlibTurns.spend(moreThanATurn)
      case 12:
        return connection.deflate()
      case 13:
        return await this.#turn()
      case 14:
        return this.#take()
      case 15:
        return this.#end(size, seed)
      default:
        return this.#send(size, seed, 1 + (step % 4))
    }
  }

  async #turn(): Promise<void> {
    await nextTurn()
    this.#connection.deflate()
  }

  #take(): void {
    this.#output.push(...this.#connection.takeOutput())
  }

  #send(size: number, seed: number, parts: number): void {
    const { kind, payload } = payloadOf(size, seed)
    const pieceBytes = Math.ceil(payload.length / parts)
    this.#connection.send(
      kind,
      Array.from({ length: parts }, (_, index) =>
        payload.subarray(index * pieceBytes, (index + 1) * pieceBytes),
      ),
    )
    const { thresholdBytes } = this.#setting.options
    this.messages.push({ seen: describePayload(kind, payload), compressed: payload.length >= thresholdBytes })
  }

  #sendFragments(size: number, seed: number): void {
    const { kind, payload } = payloadOf(size, seed)
    const middle = Math.floor((payload.length * (seed % 16)) / 16)
    this.#connection.sendFragment(kind, payload.subarray(0, middle), false)
    if (seed % 3 === 0) this.#control('ping', seed)
    this.#connection.sendFragment(kind, payload.subarray(middle), true)
    this.messages.push({ seen: describePayload(kind, payload), compressed: false })
  }

  /** With options of their own, as the server's broadcasts have. */
  #sendShared(size: number, seed: number): void {
    const messages = Array.from({ length: 1 + (seed % 3) }, (_, index) =>
      payloadOf(size + index, seed + index),
    )
    const thresholdBytes = thresholds[seed % thresholds.length] ?? 0
    const frames = new SharedFrames(messages, { thresholdBytes, level: levels[seed % levels.length] ?? 6 })
    const { sharedWindowBits } = this.#connection
    const bytes = frames.bytes(sharedWindowBits)
    // As a socket does: past the connection, where nothing waits before them.
    if (size % 2 === 0) this.#take()
    if (this.#connection.passFrames(sharedWindowBits !== null)) this.#output.push(bytes)
    else this.#connection.sendFrames(bytes, sharedWindowBits !== null)
    for (const { kind, payload } of messages) {
      const compressed = payload.length > 0 && payload.length >= thresholdBytes
      this.messages.push({ seen: describePayload(kind, payload), compressed })
    }
  }

  #control(kind: 'ping' | 'pong', seed: number): void {
    const payload = new Random(seed).bytes(seed % 126)
    this.#connection[kind](payload)
    this.controls.push(describePayload(kind, payload))
  }

  #end(size: number, seed: number): void {
    if (seed % 8 === 0) {
      this.#take()
      this.#connection.release()
      this.isCut = true
    } else if (seed % 2 === 0) {
      const code = closeCodes[size % closeCodes.length] ?? 1000
      const first = this.#connection.isOpen
      this.#connection.close(code, 'enough')
      if (first) this.close = describePayload(`close ${code}`, Buffer.from('enough'))
    } else this.#take()
  }

  #sendTooLate(): void {
    try {
      this.#connection.send('text', [])
    } catch (error) {
      if (error instanceof UsageError) return
      throw error
    }
    throw new Violation('a message was sent after the close')
  }
}

const encoder = new TextEncoder()
const asciiWords = ['one ', 'two ', 'three ', 'message '].map((word) => encoder.encode(word))
const characters = ['é', '€', '🙂', 'a', '\0'].map((character) => encoder.encode(character))

/** The same for the same numbers: text that repeats itself, text of all planes, or noise. */
function payloadOf(
  size: number,
  seed: number,
): { readonly kind: 'text' | 'binary'; readonly payload: Uint8Array } {
  const random = new Random(seed)
  const bytes = (size >= 248 ? bigSizes[size - 248] : sizes[size % sizes.length]) ?? 0
  const kind = seed % 4
  if (kind === 0) return { kind: 'binary', payload: random.bytes(bytes) }
  if (kind === 1) return { kind: 'binary', payload: new Uint8Array(bytes).fill(seed) }
  const words = kind === 2 ? asciiWords : characters
  const payload = new Uint8Array(bytes).fill(0x20)
  for (let at = 0; ; ) {
    const word = random.pick(words)
    if (at + word.length > bytes) return { kind: 'text', payload }
    payload.set(word, at)
    at += word.length
  }
}
