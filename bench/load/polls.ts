// Closed-loop load of unchanged polls: bare keep-alive sockets that only look for the end of each answer, so that the server is the bottleneck.
import net from 'node:net'
import { countInWindow, type WindowResult } from './window.ts'

export interface PollsOptions {
  readonly port: number
  readonly path: string
  readonly etag: string
  readonly connections: number
  readonly serverPid: number
  readonly warmUpMs: number
  readonly windowMs: number
}

/** Counts 304 answers. Rejects when an answer is anything else or a connection fails. */
export async function measurePolls(options: PollsOptions): Promise<WindowResult & { readonly count: number }> {
  const request = Buffer.from(
    `GET ${options.path} HTTP/1.1\r\nHost: 127.0.0.1:${options.port}\r\nAccept: application/json\r\nIf-None-Match: ${options.etag}\r\n\r\n`,
  )
  let answered = 0
  const sockets: net.Socket[] = []
  const failure = Promise.withResolvers<never>()
  for (let one = 0; one < options.connections; one++) {
    const socket = net.connect({ port: options.port, host: '127.0.0.1', noDelay: true })
    sockets.push(socket)
    let head = ''
    socket.setEncoding('latin1')
    socket.on('connect', () => socket.write(request))
    socket.on('error', failure.reject)
    socket.on('close', () => failure.reject(new Error('The server closed a connection during the load.')))
    socket.on('data', (chunk: string) => {
      head += chunk
      // A 304 has no body (RFC 9110 §15.4.5): the empty line ends it.
      if (!head.endsWith('\r\n\r\n')) return
      if (!head.startsWith('HTTP/1.1 304')) {
        failure.reject(new Error(`A poll was answered with "${head.slice(0, head.indexOf('\r\n'))}".`))
        return
      }
      head = ''
      answered += 1
      socket.write(request)
    })
  }
  try {
    return await Promise.race([countInWindow({ ...options, count: () => answered }), failure.promise])
  } finally {
    for (const socket of sockets) socket.removeAllListeners('close').destroy()
  }
}
