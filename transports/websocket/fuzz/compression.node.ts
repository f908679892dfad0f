// permessage-deflate as a connection under fuzz has it: the real zlib, watched, and at times without a turn.
import { Deflate } from '../deflate.node.ts'
import type { Role } from '../protocol/connection.ts'
import { parseExtensions } from '../protocol/extensions.ts'
import type { Compression, FlateStream } from '../protocol/flate.ts'
import { type Agreement, agreementText } from './agreement.ts'
import { Violation, type WatchedCompression } from './listen.ts'
import { Passing } from './passing.ts'
import type { Random } from './random.ts'

const deflate = new Deflate({ thresholdBytes: 0 })

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
  const compression = agreedOn(role, agreement)
  const inflater = new WatchedInflater(compression.inflater)
  const patient = impatience === null ? inflater : new Reluctant(inflater, impatience)
  return {
    compression: { ...compression, inflater: patient },
    inflatedBytes: () => inflater.allBytes,
    nextTurn,
  }
}

function agreedOn(role: Role, agreement: Agreement): Compression {
  const text = agreementText(role, agreement)
  const offeredExtensions = parseExtensions(text) ?? []
  const inForce =
    role === 'server'
      ? deflate.accept({ key: '', offeredSubprotocols: [], offeredExtensions })
      : deflate.offer().check(text)
  if (inForce === null || typeof inForce === 'string') throw new Violation(`${text} is declined: ${inForce}`)
  return inForce.compression
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

/** Says "not now" more often than the turns do. */
export class Reluctant extends Passing {
  readonly #random: Random

  constructor(stream: FlateStream, random: Random) {
    super(stream)
    this.#random = random
  }

  override pull(maxBytes?: number): Uint8Array | 'not now' | 'corrupt' {
    return this.#random.chance(0.2) ? 'not now' : super.pull(maxBytes)
  }
}
