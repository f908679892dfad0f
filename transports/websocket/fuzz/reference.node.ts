// The `ws` library's receiver as a reference: the same trace, its verdict in the same words.
import type { EventEmitter } from 'node:events'
import * as library from 'ws'
import type { Role } from '../protocol/connection.ts'
import { fuzzLimits } from './limits.ts'
import { describePayload, type Seen } from './listen.ts'

/** What is used of it; its types leave it out. `_write` is what a socket's bytes go through, called without the stream around it. */
interface LibraryReceiver extends EventEmitter {
  _write(chunk: Buffer, encoding: string, done: (error?: Error | null) => void): void
}

interface LibraryReceiverOptions {
  readonly isServer: boolean
  readonly maxPayload: number
  readonly maxFragments: number
}

const Receiver = (
  library as unknown as { Receiver: new (options: LibraryReceiverOptions) => LibraryReceiver }
).Receiver

/** What the library reports for a whole trace. */
export function listenWithLibrary(role: Role, trace: Uint8Array): readonly Seen[] {
  const receiver = new Receiver({
    isServer: role === 'server',
    maxPayload: fuzzLimits.maxMessageBytes,
    maxFragments: fuzzLimits.maxFragments,
  })
  const events: Seen[] = []
  receiver.on('message', (data: Buffer, binary: boolean) =>
    events.push(describePayload(binary ? 'binary' : 'text', data)),
  )
  receiver.on('ping', (data: Buffer) => events.push(describePayload('ping', data)))
  receiver.on('pong', (data: Buffer) => events.push(describePayload('pong', data)))
  receiver.on('conclude', (code: number, reason: Buffer) =>
    events.push(describePayload(`close ${code}`, reason)),
  )
  if (trace.length > 0) {
    receiver._write(Buffer.from(trace), 'buffer', (error) => {
      if (error instanceof Error) events.push(`failure ${statusOf(error)}`)
    })
  }
  return events
}

/** The close code lies behind a symbol of the library's. */
function statusOf(error: Error): number {
  const symbol = Object.getOwnPropertySymbols(error).find(({ description }) => description === 'status-code')
  const status: unknown = symbol === undefined ? undefined : Reflect.get(error, symbol)
  if (typeof status !== 'number') throw error
  return status
}
