// A client for fuzzing servers: `dial` with a handler that echoes, for one case after the other.
import { dial } from '../dial.node.ts'
import { messageText } from '../primitives.node.ts'
import type { Limits } from '../protocol/limits.ts'
import type { SocketHandler } from '../socket-handler.ts'

/** As the echo server's. */
const limits: Partial<Limits> = {
  maxMessageBytes: 64 * 1024 * 1024,
  maxFrameBytes: 64 * 1024 * 1024,
  maxFragments: 1024 * 1024,
}

interface Visit {
  /** Told what comes, instead of echoing. */
  readonly listen: ((words: string) => void) | null
  readonly done: () => void
}

const handler: SocketHandler<Visit> = {
  message(socket, message) {
    if (socket.context.listen !== null) socket.context.listen(messageText(message))
    else if (!socket.sendParts(message.text ? 'text' : 'binary', message.parts)) socket.pause()
  },
  drained(socket) {
    socket.resume()
  },
  closed(socket) {
    socket.context.done()
  },
}

/** Opens a socket, and resolves when it has closed. Rejects with a DialError when it doesn't open. */
async function visit(url: URL, listen: ((words: string) => void) | null): Promise<void> {
  let done = (): void => undefined
  const closed = new Promise<void>((resolve) => {
    done = resolve
  })
  const context: Visit = { listen, done }
  const deflate = { thresholdBytes: 0 }
  await dial(url, { handler, context, limits, deflate })
  await closed
}

/**
 * Goes through all cases of the fuzzing server at `base`, then has it write its reports.
 *
 * @param connections how many cases at a time
 */
export async function echoTo(base: string, connections: number): Promise<void> {
  let count = 0
  await visit(new URL('/getCaseCount', base), (words) => {
    count = Number(words)
  })
  let next = 1
  const goOn = async (): Promise<void> => {
    while (next <= count) {
      const number = next++
      // What isn't a WebSocket must not open: the server knows what to make of it.
      await visit(new URL(`/runCase?case=${number}&agent=parley`, base), null).catch(ignore)
    }
  }
  await Promise.all(Array.from({ length: connections }, goOn))
  await visit(new URL('/updateReports?agent=parley', base), null)
}

function ignore(): undefined {
  return undefined
}

if (import.meta.main) {
  const [url, connections = '1'] = process.argv.slice(2)
  if (url === undefined) {
    process.stderr.write('node echo-client.node.ts URL [CONNECTIONS]: the URL of a fuzzing server\n')
    process.exitCode = 2
  } else {
    await echoTo(url, Number(connections))
  }
}
