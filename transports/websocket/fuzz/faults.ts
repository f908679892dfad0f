// Connections that are wrong on purpose, so that a test can show that the fuzzer notices: `--fault NAME`.
import { Connection } from '../protocol/connection.ts'
import type { ReceivedEvent } from '../protocol/receiver.ts'
import { deflateFaults } from './deflate-faults.ts'
import type { Connect } from './listen.ts'

const kept: Uint8Array[] = []

class Throwing extends Connection {
  override next(): ReceivedEvent | null {
    const event = super.next()
    if (event?.kind === 'pong') throw new TypeError('a fault on purpose')
    return event
  }
}

class Hanging extends Connection {
  override next(): ReceivedEvent | null {
    const event = super.next()
    while (event?.kind === 'pong') Math.random()
    return event
  }
}

/** Loses a pong whose last byte comes alone. */
class SplitDependent extends Connection {
  #lastChunkBytes = 0

  override receive(chunk: Uint8Array, borrowed = false): void {
    this.#lastChunkBytes = chunk.length
    super.receive(chunk, borrowed)
  }

  override next(): ReceivedEvent | null {
    const event = super.next()
    return event?.kind === 'pong' && this.#lastChunkBytes === 1 ? super.next() : event
  }
}

class EndingTwice extends Connection {
  #last: ReceivedEvent | null = null

  override next(): ReceivedEvent | null {
    const event = super.next() ?? (this.#last?.kind === 'close' ? this.#last : null)
    this.#last = event === this.#last ? null : event
    return event
  }
}

class Leaking extends Connection {
  override receive(chunk: Uint8Array, borrowed = false): void {
    kept.push(new Uint8Array(2048))
    super.receive(chunk, borrowed)
  }
}

class Disagreeing extends Connection {
  override next(): ReceivedEvent | null {
    const event = super.next()
    return event?.kind === 'pong' && event.payload.length > 3
      ? { kind: 'ping', payload: event.payload }
      : event
  }
}

/** Each with what the fuzzer must say of it. */
export const faults: Readonly<Record<string, Connect>> = {
  throw: (...parts) => new Throwing(...parts),
  hang: (...parts) => new Hanging(...parts),
  split: (...parts) => new SplitDependent(...parts),
  twice: (...parts) => new EndingTwice(...parts),
  leak: (...parts) => new Leaking(...parts),
  disagree: (...parts) => new Disagreeing(...parts),
  ...deflateFaults,
}
