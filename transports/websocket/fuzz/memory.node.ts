// Whether memory is bounded: what one connection keeps, and whether the whole process grows over time.
import { isUtf8 } from 'node:buffer'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { constants, deflateRawSync } from 'node:zlib'
import { type Connection, connectionSettings, type Role } from '../protocol/connection.ts'
import { applyMask } from '../protocol/mask.ts'
import { FrameArena } from '../protocol/output.ts'
import type { Primitives } from '../protocol/primitives.ts'
import { concat, peerFrame } from '../protocol/testing.ts'
import type { Agreement } from './agreement.ts'
import { nextTurn, receiving } from './compression.node.ts'
import { fuzzLimits } from './limits.ts'
import type { Connect } from './listen.ts'

const maxGrowthBytes = 24 * 1024 * 1024
/** A connection's own objects, the start of a message and of a header. */
const ownBytes = 4096
/** A decompressor with its window of 32 KiB, and what Node wraps around it. */
const zlibBytes = 64 * 1024
const connections = 64
/** As much as Node reads at once: what a careless view of one byte would keep alive. */
const chunkBytes = 64 * 1024

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

/** The connections of the probe at hand. Here, so that no optimizer takes them for garbage before they are measured. */
let held: Connection[] = []

/** Bytes in use after a collection, buffers and what zlib holds included. They are freed beside the program: hence the second one, in another turn. */
async function usedBytes(): Promise<number> {
  collectGarbage()
  await new Promise((resolve) => setImmediate(resolve))
  collectGarbage()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

export class MemoryGuard {
  readonly #connect: Connect
  #baselineBytes: number | null = null
  growthBytes = 0
  /** The most that a connection kept beyond what its peer had sent of an unfinished message. */
  retainedBytes = 0

  constructor(connect: Connect) {
    this.#connect = connect
  }

  /** What is wrong, or null. The first call is what later ones are compared to: make it when the code is warm. */
  async check(): Promise<string | null> {
    const before = await usedBytes()
    this.#baselineBytes ??= before
    this.growthBytes = before - this.#baselineBytes
    if (this.growthBytes > maxGrowthBytes) return `memory has grown by ${this.growthBytes} bytes`
    for (const role of ['server', 'client'] as const) {
      for (const probe of probes) {
        const mayRetain = 2 * probe.payloadBytes + ownBytes + probe.zlibBytes
        let retained = await this.#retained(role, probe)
        // Code that is compiled meanwhile counts, too, but once only.
        if (retained > mayRetain) retained = await this.#retained(role, probe)
        this.retainedBytes = Math.max(this.retainedBytes, Math.round(retained - mayRetain + ownBytes))
        if (retained > mayRetain) {
          return `a ${role} keeps ${Math.round(retained)} bytes ${probe.name}, of which ${probe.payloadBytes} are an unfinished message`
        }
      }
    }
    return null
  }

  /** Bytes that one connection keeps after a probe. */
  async #retained(role: Role, probe: Probe): Promise<number> {
    const primitives: Primitives = {
      isUtf8,
      applyMask,
      randomMaskKey: () => 0,
      allocate: (bytes) => new Uint8Array(bytes),
    }
    const settings = connectionSettings(role, fuzzLimits, primitives, new FrameArena(primitives))
    held = []
    const before = await usedBytes()
    for (let count = 0; count < connections; count++) {
      const { agreement } = probe
      const compression = agreement === null ? null : receiving(role, agreement, null).compression
      const connection = this.#connect(settings, compression)
      for (const bytes of probe.chunks(role)) {
        const chunk = new Uint8Array(chunkBytes)
        chunk.set(bytes)
        connection.receive(chunk.subarray(0, bytes.length))
        while (connection.next() !== null) connection.takeOutput()
        while (connection.isInflating) {
          await nextTurn()
          while (connection.next() !== null) connection.takeOutput()
        }
      }
      connection.takeOutput()
      held.push(connection)
    }
    const retained = ((await usedBytes()) - before) / connections
    for (const connection of held) connection.release()
    return retained
  }
}

interface Probe {
  readonly name: string
  /** What has arrived of a message that isn't finished. */
  readonly payloadBytes: number
  /** With which messages are compressed; null: they aren't. */
  readonly agreement: Agreement | null
  /** What compression may hold beside. */
  readonly zlibBytes: number
  chunks(role: Role): readonly Uint8Array[]
}

const fragment = (role: Role, opcode: number, bytes: number): Uint8Array =>
  peerFrame(role, { opcode, final: false, payload: new Uint8Array(bytes).fill(0x61) })

const deflated = (bytes: number): Uint8Array => {
  const whole = deflateRawSync(new Uint8Array(bytes), { finishFlush: constants.Z_SYNC_FLUSH })
  return new Uint8Array(whole.subarray(0, -4))
}
const long = deflated(60_000)
const bomb = deflated(1_000_000)

const compressed = (role: Role, payload: Uint8Array, final: boolean): Uint8Array =>
  peerFrame(role, { opcode: 2, final, reserved: 4, payload })

const plainProbes: readonly Omit<Probe, 'agreement' | 'zlibBytes'>[] = [
  {
    name: 'when idle',
    payloadBytes: 0,
    chunks: (role) => [peerFrame(role, { opcode: 1, payload: 'hello' })],
  },
  { name: 'after a byte of a header', payloadBytes: 0, chunks: () => [Uint8Array.of(0x81)] },
  {
    name: 'after a header that declares much',
    payloadBytes: 0,
    chunks: (role) => [peerFrame(role, { opcode: 2, declaredBytes: BigInt(fuzzLimits.maxMessageBytes) })],
  },
  {
    name: 'after a fragment of a byte in each chunk',
    payloadBytes: fuzzLimits.maxFragments - 1,
    chunks: (role) =>
      Array.from({ length: fuzzLimits.maxFragments - 1 }, (_, index) =>
        fragment(role, index === 0 ? 1 : 0, 1),
      ),
  },
  {
    name: 'after half of a ping',
    payloadBytes: 0,
    chunks: (role) => [peerFrame(role, { opcode: 9, payload: new Uint8Array(125) }).subarray(0, 60)],
  },
  {
    name: 'after most of a long message',
    payloadBytes: 60_000,
    chunks: (role) => [1, 0, 0, 0, 0, 0].map((opcode) => fragment(role, opcode, 10_000)),
  },
  {
    name: 'after a failure',
    payloadBytes: 0,
    chunks: (role) => [concat(fragment(role, 1, 30_000), fragment(role, 1, 10))],
  },
]

const takeover: Agreement = { windowBits: 15, noContextTakeover: false }
const noTakeover: Agreement = { windowBits: 15, noContextTakeover: true }

const probes: readonly Probe[] = [
  ...plainProbes.map((probe) => ({ ...probe, agreement: null, zlibBytes: 0 })),
  {
    name: 'after a compressed message without context takeover',
    payloadBytes: 0,
    agreement: noTakeover,
    zlibBytes: 0,
    chunks: (role) => [compressed(role, long, true)],
  },
  {
    name: 'after a compressed message',
    payloadBytes: 0,
    agreement: takeover,
    zlibBytes,
    chunks: (role) => [compressed(role, long, true)],
  },
  {
    name: 'after most of a long compressed message',
    payloadBytes: 60_000,
    agreement: takeover,
    zlibBytes,
    chunks: (role) => [compressed(role, long, false)],
  },
  {
    name: 'after a bomb',
    payloadBytes: 0,
    agreement: takeover,
    zlibBytes: 0,
    chunks: (role) => [compressed(role, bomb, true)],
  },
]
