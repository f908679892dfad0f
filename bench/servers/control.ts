// The frame of every control server: its options, listening on loopback, the ready line, and its end with the bench.
import { readFileSync } from 'node:fs'
import http from 'node:http'
import type { Server } from 'node:net'
import { parseArgs } from 'node:util'
import type { Draft, Message } from '../../transports/message.ts'
import { type Fault, parseFault } from './faults.ts'
import type { ControlRoom, ControlRooms } from './room.ts'

/** What a control server says on its first line of output, as JSON. */
export interface ControlReady {
  /** Where messages are published: `POST /rooms/:room/messages`, HTTP/1.1. Empty when it takes none. */
  readonly publish: string
  readonly plain: string
  readonly secure: string
  /** A port of its own for what one control alone needs; 0 elsewhere. */
  readonly extraPort: number
}

export interface ControlOptions {
  readonly tls: { readonly cert: Buffer; readonly key: Buffer }
  readonly fault: Fault | null
  /** What one control alone understands: `--variant NAME`. */
  readonly variant: string
  /** Where a front passes on what it gets: `--target URL`; empty elsewhere. */
  readonly target: string
}

/** Reads `--cert FILE --key FILE [--fault FAULT] [--variant NAME] [--target URL]`; the faults are in `faults.ts`. */
export function controlOptions(): ControlOptions {
  const { values } = parseArgs({
    options: {
      cert: { type: 'string' },
      key: { type: 'string' },
      fault: { type: 'string' },
      variant: { type: 'string', default: '' },
      target: { type: 'string', default: '' },
    },
  })
  const file = (path: string | undefined): Buffer =>
    path === undefined ? Buffer.alloc(0) : readFileSync(path)
  return {
    tls: { cert: file(values.cert), key: file(values.key) },
    fault: values.fault === undefined ? null : parseFault(values.fault),
    variant: values.variant,
    target: values.target,
  }
}

/** Listens on loopback at a free port; resolves with the port. */
export function listen(server: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    // A thousand readers connect at once: the default backlog of 511 would make some of them wait for a retransmission.
    server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 }, () => {
      const address = server.address()
      if (typeof address === 'object' && address !== null) resolve(address.port)
      else reject(new Error('A control server has no port.'))
    })
  })
}

/** Says that the server is ready, and ends the process when the bench is gone. */
export function announce(ready: Partial<ControlReady>): void {
  process.stdout.write(`${JSON.stringify({ publish: '', plain: '', secure: '', extraPort: 0, ...ready })}\n`)
  process.on('disconnect', () => process.exit(0))
}

/** A bare `POST /rooms/:room/messages`: numbers the draft, hands the message on, answers 201 with it. */
export function publishServer<Member>(
  rooms: ControlRooms<Member>,
  published: (room: ControlRoom<Member>, message: Message) => void,
): http.Server {
  return http.createServer({ keepAliveTimeout: 72_000 }, (request, response) => {
    const name = /^\/rooms\/([A-Za-z0-9_-]{1,64})\/messages$/.exec(request.url ?? '')?.[1]
    if (name === undefined || request.method !== 'POST') {
      response.writeHead(404, { 'Content-Length': 0 }).end()
      return
    }
    let body = ''
    request.setEncoding('utf8')
    request.on('data', (chunk: string) => {
      body += chunk
    })
    request.on('end', () => {
      const room = rooms.room(name)
      const message = room.number(JSON.parse(body) as Draft)
      published(room, message)
      const answer = JSON.stringify(message)
      const headers = { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(answer) }
      response.writeHead(201, headers).end(answer)
    })
  })
}
