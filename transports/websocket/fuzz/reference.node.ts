// The `ws` library's receiver as a reference: the same trace, its verdict in the same words.
import type { EventEmitter } from 'node:events'
import * as library from 'ws'
import type { Role } from '../protocol/connection.ts'
import type { Agreement } from './agreement.ts'
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
  readonly extensions: Readonly<Record<string, LibraryDeflate>>
}

export type LibraryParameters = Readonly<Record<string, string | number | true>>

interface LibraryDeflate {
  accept(configurations: readonly Readonly<Record<string, readonly (string | true)[]>>[]): LibraryParameters
  cleanup(): void
}

interface Library {
  readonly Receiver: new (options: LibraryReceiverOptions) => LibraryReceiver
  readonly PerMessageDeflate: new (options: {
    readonly isServer: boolean
    readonly maxPayload: number
  }) => LibraryDeflate
}

const { Receiver, PerMessageDeflate } = library as unknown as Library

/**
 * What the library reports for a whole trace.
 *
 * @param agreement how the trace's messages may be compressed; null: not at all
 */
export async function listenWithLibrary(
  role: Role,
  trace: Uint8Array,
  agreement: Agreement | null = null,
): Promise<readonly Seen[]> {
  const deflate = agreement === null ? null : deflateWith(role, agreement)
  const receiver = new Receiver({
    isServer: role === 'server',
    maxPayload: fuzzLimits.maxMessageBytes,
    maxFragments: fuzzLimits.maxFragments,
    extensions: deflate === null ? {} : { 'permessage-deflate': deflate },
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
    // It inflates in the thread pool, and comes back when nothing of the trace is left to be looked at.
    const error = await new Promise<Error | null | undefined>((resolve) =>
      receiver._write(Buffer.from(trace), 'buffer', resolve),
    )
    if (error instanceof Error) events.push(`failure ${statusOf(error)}`)
  }
  deflate?.cleanup()
  return events
}

function deflateWith(role: Role, { windowBits, noContextTakeover }: Agreement): LibraryDeflate {
  const deflate = new PerMessageDeflate({
    isServer: role === 'server',
    maxPayload: fuzzLimits.maxMessageBytes,
  })
  const sender = role === 'server' ? 'client' : 'server'
  deflate.accept([
    {
      [`${sender}_max_window_bits`]: [String(windowBits)],
      ...(noContextTakeover ? { [`${sender}_no_context_takeover`]: [true] } : {}),
    },
  ])
  return deflate
}

/** The close code lies behind a symbol of the library's. */
function statusOf(error: Error): number {
  const symbol = Object.getOwnPropertySymbols(error).find(({ description }) => description === 'status-code')
  const status: unknown = symbol === undefined ? undefined : Reflect.get(error, symbol)
  if (typeof status !== 'number') throw error
  return status
}
