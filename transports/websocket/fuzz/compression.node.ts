// permessage-deflate as a connection under fuzz has it: the real zlib, watched, and at times without a turn.
import { Deflate, type DeflateOptions } from '../deflate.node.ts'
import type { Role } from '../protocol/connection.ts'
import { parseExtensions } from '../protocol/extensions.ts'
import type { Compression, FlateStream } from '../protocol/flate.ts'
import { zlibStreams } from '../zlib.node.ts'
import { type Agreement, agreementText } from './agreement.ts'
import { Violation, type WatchedCompression } from './listen.ts'
import { Passing } from './passing.ts'
import type { Random } from './random.ts'

const deflate = new Deflate({ thresholdBytes: 0 })

/** Streams of zlib that somebody has taken and not given back. */
export function zlibInUse(): number {
  const { open, idle } = zlibStreams()
  return open - idle
}

/** Lets the others have their turn, and with it opens a new one for zlib. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

/**
 * Compression for a connection that receives what was agreed on.
 *
 * @param impatience draws whether a piece must wait though there would be a turn; null: never
 */
export function receiving(role: Role, agreement: Agreement, impatience: Random | null): WatchedCompression {
  const compression = inForce(role, agreementText(role, agreement), deflate)
  const inflater = new WatchedInflater(compression.inflater)
  const patient = impatience === null ? inflater : new Reluctant(inflater, impatience)
  return {
    compression: { ...compression, inflater: patient },
    inflatedBytes: () => inflater.allBytes,
    nextTurn,
  }
}

/**
 * Compression for a connection that sends what was agreed on.
 *
 * @param impatience as above, for compressing
 */
export function sending(
  role: Role,
  agreement: Agreement,
  options: DeflateOptions,
  impatience: Random,
): Compression {
  const peer = role === 'server' ? 'client' : 'server'
  const compression = inForce(role, agreementText(peer, agreement), new Deflate(options))
  return { ...compression, deflater: new Reluctant(compression.deflater, impatience) }
}

function inForce(role: Role, text: string, deflate: Deflate): Compression {
  const offeredExtensions = parseExtensions(text) ?? []
  const agreed =
    role === 'server'
      ? deflate.accept({ key: '', offeredSubprotocols: [], offeredExtensions })
      : deflate.offer().check(text)
  if (agreed === null || typeof agreed === 'string') throw new Violation(`${text} is declined: ${agreed}`)
  return agreed.compression
}

/** Counts what comes out. */
class WatchedInflater extends Passing {
  allBytes = 0

  override pull(maxBytes?: number): Uint8Array | 'not now' | 'corrupt' {
    const piece = super.pull(maxBytes)
    if (typeof piece !== 'string') this.allBytes += piece.length
    return piece
  }
}

/** Each refusal costs a turn of the loop: later ones are rarer. */
const mostlyRefusedPulls = 24

/** Says "not now" more often than the turns do. */
export class Reluctant extends Passing {
  readonly #random: Random
  #pulls = 0

  constructor(stream: FlateStream, random: Random) {
    super(stream)
    this.#random = random
  }

  override pull(maxBytes?: number): Uint8Array | 'not now' | 'corrupt' {
    const share = this.#pulls++ < mostlyRefusedPulls ? 0.2 : 0.01
    return this.#random.chance(share) ? 'not now' : super.pull(maxBytes)
  }
}
