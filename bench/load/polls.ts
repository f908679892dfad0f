// Closed-loop load of unchanged polls: bare keep-alive sockets that only look for the end of each answer, so that the server is the bottleneck.
import { randomBytes } from 'node:crypto'
import net from 'node:net'
import { benchLimits } from '../limits.ts'
import type { CountResult, PollsOrder } from './orders.ts'
import { newId, Publisher } from './publisher.ts'
import { countInWindow } from './window.ts'

/** What the bare server answers 304 to. */
const bareEtag = '"control.0"'

/** Counts 304 answers. Rejects when an answer is anything else or a connection fails. */
export async function pollUnchanged(order: PollsOrder): Promise<CountResult> {
  const etag = order.subject === 'bare' ? bareEtag : await headOf(order.url, 'goal-poll')
  const port = Number(new URL(order.url).port)
  let answered = 0
  const sockets: net.Socket[] = []
  const failure = Promise.withResolvers<never>()
  for (let one = 0; one < benchLimits.pollGoal.connections; one++) {
    const socket = net.connect({ port, host: '127.0.0.1', noDelay: true })
    sockets.push(socket)
    const request = requestFor(port, etag)
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
    return await Promise.race([countInWindow({ ...order, count: () => answered }), failure.promise])
  } finally {
    for (const socket of sockets) socket.removeAllListeners('close').destroy()
  }
}

/** The poll that the client half sends, with a session of its own for each connection. */
function requestFor(port: number, etag: string): Buffer {
  const session = randomBytes(18).toString('base64url')
  const query = `after=${etag.replaceAll('"', '')}&session=${session}&link=1`
  const lines = [
    `GET /rooms/goal-poll/messages?${query} HTTP/1.1`,
    `Host: 127.0.0.1:${port}`,
    'Accept: application/json',
    `If-None-Match: ${etag}`,
  ]
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n`)
}

/** Puts a message into the room and learns the tag of its head. */
export async function headOf(url: string, room: string): Promise<string> {
  const publisher = new Publisher(new URL(url), room)
  publisher.send(newId())
  await publisher.settled()
  publisher.close()
  const problem = publisher.problems[0]
  if (problem !== undefined) throw new Error(problem)
  const answer = await fetch(new URL(`/rooms/${room}/messages?last=1`, url))
  await answer.text()
  const etag = answer.headers.get('etag')
  if (answer.status !== 200 || etag === null) throw new Error(`A poll was answered with ${answer.status}.`)
  return etag
}
