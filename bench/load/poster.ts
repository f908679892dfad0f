// `POST /rooms/:room/messages` over kept HTTP/1.1 connections, with as little work of its own as can be: one write a message, one look at
// the answer's head. It checks only what could go wrong with a load: the status, and that every message gets an answer.
import net from 'node:net'

export class Poster {
  readonly #host: string
  readonly #port: number
  readonly #idle: net.Socket[] = []
  readonly #all = new Set<net.Socket>()
  readonly #queue: { readonly head: string; readonly written: () => void }[] = []
  #unanswered = 0
  #settled: (() => void) | null = null
  #closing = false
  readonly problems: string[] = []

  /** `base`: the server's plain address. */
  constructor(base: URL) {
    this.#host = base.host
    this.#port = Number(base.port)
  }

  /** Opens connections until there are so many. Rejects when one can't be had. */
  async warm(connections: number): Promise<void> {
    const missing = Math.max(0, connections - this.#all.size)
    await Promise.all(Array.from({ length: missing }, () => this.#connect()))
  }

  /** Sends a message on a free connection, or on the first that becomes free. `written` is called as it is given to the socket. */
  send(room: string, body: string, written: () => void): void {
    const request =
      `POST /rooms/${room}/messages HTTP/1.1\r\nHost: ${this.#host}\r\nContent-Type: application/json\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
    this.#unanswered += 1
    const socket = this.#idle.pop()
    if (socket === undefined) this.#queue.push({ head: request, written })
    else {
      written()
      socket.write(request)
    }
  }

  /** Resolves when every message has its answer, or can't get one any more. */
  settled(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#unanswered === 0) resolve()
      else this.#settled = resolve
    })
  }

  close(): void {
    this.#closing = true
    for (const socket of this.#all) socket.destroy()
  }

  /** Resolves when the connection has served a first request: servers give one that never asks anything little time. */
  #connect(): Promise<void> {
    return new Promise((resolve, reject) => {
      const socket = net.connect({ port: this.#port, host: '127.0.0.1', noDelay: true })
      this.#all.add(socket)
      let rest = ''
      let warm = false
      socket.setEncoding('latin1')
      socket.once('connect', () => socket.write(`GET /healthz HTTP/1.1\r\nHost: ${this.#host}\r\n\r\n`))
      socket.on('error', (error) => {
        reject(error)
        socket.destroy()
      })
      socket.on('close', () => this.#lost(socket))
      socket.on('data', (chunk: string) => {
        rest += chunk
        const taken = answerLength(rest)
        if (taken === null) return
        const status = rest.slice(9, 12)
        rest = rest.slice(taken)
        if (!warm) {
          warm = true
          this.#idle.push(socket)
          resolve()
          return
        }
        if (status !== '201') this.problems.push(`A message was answered with ${status}.`)
        this.#answered(socket)
      })
    })
  }

  /** An idle connection may go. One with a message under way leaves that without an answer. */
  #lost(socket: net.Socket): void {
    this.#all.delete(socket)
    const place = this.#idle.indexOf(socket)
    if (place >= 0) this.#idle.splice(place, 1)
    else if (!this.#closing) {
      this.problems.push('The server closed a connection on which a message was under way.')
      this.#unanswered = 0
      this.#settled?.()
    }
  }

  #answered(socket: net.Socket): void {
    const next = this.#queue.shift()
    if (next === undefined) this.#idle.push(socket)
    else {
      next.written()
      socket.write(next.head)
    }
    this.#unanswered -= 1
    if (this.#unanswered === 0) this.#settled?.()
  }
}

/** Of a whole answer at the beginning of `text`, in characters of Latin-1; null while it isn't there. Answers here have a length, or no body. */
function answerLength(text: string): number | null {
  const end = text.indexOf('\r\n\r\n')
  if (end < 0) return null
  const length = Number(/\r\ncontent-length: (\d+)/i.exec(text.slice(0, end))?.[1] ?? 0)
  return text.length >= end + 4 + length ? end + 4 + length : null
}
