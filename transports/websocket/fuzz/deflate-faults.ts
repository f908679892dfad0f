// Compression that is wrong on purpose, so that a test can show that the fuzzer notices: `--fault NAME`.
import { Connection, type ConnectionSettings } from '../protocol/connection.ts'
import { ProtocolError } from '../protocol/errors.ts'
import { blockTail, type Compression } from '../protocol/flate.ts'
import type { ReceivedEvent } from '../protocol/receiver.ts'
import { concat } from '../protocol/testing.ts'
import type { Connect } from './listen.ts'
import { Passing } from './passing.ts'
import { isWrongFromHereOn, type ScannedFrame, scan } from './scan.ts'

/** Doesn't put back what the sender has left out. */
class WithoutTail extends Passing {
  override push(bytes: Uint8Array, flush: boolean): void {
    if (bytes !== blockTail) super.push(bytes, flush)
  }
}

/** Takes the context over, whatever was agreed on. */
class KeepingContext extends Passing {
  override endMessage = (): undefined => undefined
}

/** Goes on as if the peer didn't know of shared frames. */
class Remembering extends Passing {
  override forgetContext = (): undefined => undefined
}

/** Keeps all that it receives, and so can look at frames. */
abstract class Watching extends Connection {
  #received: Uint8Array = new Uint8Array(0)

  /** @param chunkStart where the chunk begins in what has been received */
  protected abstract look(frames: readonly ScannedFrame[], chunk: Uint8Array, chunkStart: number): void

  override receive(chunk: Uint8Array, borrowed = false): void {
    const chunkStart = this.#received.length
    this.#received = concat(this.#received, chunk)
    this.look(scan(this.#received).frames, chunk, chunkStart)
    super.receive(chunk, borrowed)
  }
}

/** Takes RSV1 on a continuation. */
class TakingReserved extends Watching {
  protected override look(frames: readonly ScannedFrame[], chunk: Uint8Array, chunkStart: number): void {
    for (const { start, opcode, reserved } of frames) {
      const at = start - chunkStart
      if (opcode === 0 && reserved === 4 && at >= 0) chunk[at] = (chunk[at] ?? 0) & ~0x40
    }
  }
}

/** Checks the UTF-8 of what is compressed. */
class CheckingCompressed extends Watching {
  #isWrong = false

  protected override look(frames: readonly ScannedFrame[]): void {
    this.#isWrong = frames.some(
      ({ opcode, reserved, payload }) => opcode === 1 && reserved === 4 && isWrongFromHereOn(payload),
    )
  }

  override next(): ReceivedEvent | null {
    if (!this.#isWrong || !this.isOpen) return super.next()
    const error = new ProtocolError(1007, 'a text is not UTF-8')
    this.close(error.closeCode, error.message)
    super.receiveEnd()
    return { kind: 'failure', error }
  }
}

function withoutLimit(settings: ConnectionSettings): ConnectionSettings {
  return { ...settings, limits: { ...settings.limits, maxMessageBytes: 2 ** 30 } }
}

const inflating =
  (faulty: new (stream: Compression['inflater']) => Passing): Connect =>
  (settings, compression) =>
    new Connection(
      settings,
      compression === null ? null : { ...compression, inflater: new faulty(compression.inflater) },
    )

const deflating =
  (faulty: new (stream: Compression['deflater']) => Passing): Connect =>
  (settings, compression) =>
    new Connection(
      settings,
      compression === null ? null : { ...compression, deflater: new faulty(compression.deflater) },
    )

export const deflateFaults: Readonly<Record<string, Connect>> = {
  tail: inflating(WithoutTail),
  takeover: inflating(KeepingContext),
  continuation: (...parts) => new TakingReserved(...parts),
  bomb: (settings, compression) => new Connection(withoutLimit(settings), compression),
  'compressed-utf8': (...parts) => new CheckingCompressed(...parts),
  shared: deflating(Remembering),
}
