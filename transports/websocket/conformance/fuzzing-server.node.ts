// The fuzzing server: a client under test asks for case after case, and echoes. The paths are those of Autobahn's, so that a client
// that knows it needs no change: /getCaseCount, /runCase?case=N&agent=NAME, /updateReports.
import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import { type Case, closeFrame, type Script, send } from './case.ts'
import { Flate } from './flate.node.ts'
import { encodeFrames, text, utf8 } from './frames.ts'
import { type Head, headBytes, proofOf, readHead, writeOpening } from './head.node.ts'
import { judge, type Result, unplayed } from './judge.ts'
import { agree } from './negotiation.ts'
import { play } from './player.node.ts'
import type { Settings } from './settings.ts'
import { Wire } from './wire.node.ts'

const handshakeMs = 10_000

export class FuzzingServer {
  readonly #cases: readonly Case[]
  readonly #settings: Settings
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  readonly #judged: (result: Result) => void
  #finish: () => void = ignore
  /** Resolves when the client has asked for the reports: it is through. */
  readonly finished: Promise<void>

  constructor(cases: readonly Case[], settings: Settings, judged: (result: Result) => void) {
    this.#cases = cases
    this.#settings = settings
    this.#judged = judged
    this.finished = new Promise((resolve) => {
      this.#finish = resolve
    })
    this.#server = createServer({ allowHalfOpen: true }, (socket) => {
      this.#sockets.add(socket)
      socket.once('close', () => this.#sockets.delete(socket))
      this.#serve(socket).catch((error: unknown) => {
        socket.destroy()
        this.#server.emit('error', error)
      })
    })
  }

  /** @returns the port, on the loopback interface */
  async listen(port = 0): Promise<number> {
    this.#server.listen(port, '127.0.0.1')
    await once(this.#server, 'listening')
    const address = this.#server.address()
    if (address === null || typeof address === 'string') throw new Error('the server has no port')
    return address.port
  }

  close(): void {
    this.#server.close()
    for (const socket of this.#sockets) socket.destroy()
  }

  async #serve(socket: Socket): Promise<void> {
    const head = await readHead(socket, handshakeMs)
    if (typeof head === 'string') {
      socket.destroy()
      return
    }
    const target = new URL(head.startLine.split(' ')[1] ?? '/', 'ws://localhost')
    const number = Number(target.searchParams.get('case'))
    const it = target.pathname === '/runCase' ? this.#cases[number - 1] : undefined
    if (it !== undefined) this.#judged(await runAgainstClient(it, number, socket, head, this.#settings))
    else if (target.pathname === '/getCaseCount') await this.#say(socket, head, String(this.#cases.length))
    else await this.#say(socket, head, null)
    if (target.pathname === '/updateReports') this.#finish()
  }

  /** Opens, says something, and closes. */
  async #say(socket: Socket, head: Head, words: string | null): Promise<void> {
    const frames = words === null ? [] : [{ opcode: text, payload: utf8(words) }]
    const steps = [send([...frames, closeFrame(1000)])]
    await writeOpening(socket, headBytes(answerLines(head, '')))
    const wire = new Wire(socket, 'client', null, 0)
    wire.start(head.rest)
    await play({ steps, outcomes: [], closing: null }, wire, null, this.#settings)
  }
}

async function runAgainstClient(
  it: Case,
  index: number,
  socket: Socket,
  head: Head,
  settings: Settings,
): Promise<Result> {
  const startMs = performance.now()
  const script = it.script()
  const { opening, deflate } = script
  const fault = requestFault(head)
  const answer = deflate?.answer ?? ''
  const agreement = agree(head.fields.get('sec-websocket-extensions') ?? '', answer)
  const usual = answerLines(head, typeof agreement === 'string' ? '' : answer)
  const first = encodeFrames(opening?.firstFrames ?? [], null)
  const bytes = Buffer.concat([headBytes(opening?.response?.(usual) ?? usual), first])
  await writeOpening(socket, bytes, opening?.chopBytes)
  if (opening?.expected === 'none') return judgeRefusal(it, await refusalOf(socket, settings), startMs)
  const flate = agreement === null || typeof agreement === 'string' ? null : new Flate(agreement, 'client')
  const inflate = flate === null ? null : (payload: Uint8Array) => flate.inflate(payload)
  const wire = new Wire(socket, 'client', inflate, settings.seed + index)
  wire.start(head.rest)
  const unplayable = fault !== null || typeof agreement === 'string'
  const played: Script = unplayable ? { ...script, steps: [send([closeFrame(1000)])] } : script
  const seen = await play(played, wire, flate, settings)
  const spentMs = performance.now() - startMs
  if (fault !== null) return unplayed(it, 'FAILED', fault, spentMs)
  if (typeof agreement === 'string') {
    return unplayed(it, 'UNIMPLEMENTED', `the client's offer does not allow ${answer}`, spentMs)
  }
  return judge(it, script, seen, spentMs)
}

function answerLines({ fields }: Head, extensions: string): readonly string[] {
  return [
    'HTTP/1.1 101 Switching Protocols',
    'Server: parley-conformance',
    'Upgrade: websocket',
    'Connection: Upgrade',
    `Sec-WebSocket-Accept: ${proofOf(fields.get('sec-websocket-key') ?? '')}`,
    ...(extensions === '' ? [] : [`Sec-WebSocket-Extensions: ${extensions}`]),
  ]
}

/** RFC 6455 §4.1. @returns what is wrong with a request, or null */
function requestFault({ startLine, fields }: Head): string | null {
  if (!/^GET \S+ HTTP\/1\.1$/.test(startLine)) return `a request that begins with ${startLine}`
  if (fields.get('upgrade')?.toLowerCase() !== 'websocket') return 'no Upgrade: websocket in the request'
  if (!/\bupgrade\b/i.test(fields.get('connection') ?? '')) return 'no Connection: Upgrade in the request'
  if (fields.get('sec-websocket-version') !== '13') return 'no version 13 in the request'
  const key = Buffer.from(fields.get('sec-websocket-key') ?? '', 'base64')
  if (key.length !== 16) return 'a key that is not 16 bytes'
  return fields.has('host') ? null : 'no Host in the request'
}

/** What a client does that must not accept the answer. */
async function refusalOf(socket: Socket, settings: Settings): Promise<'ended' | 'sent bytes' | 'stayed'> {
  const done = await new Promise<'ended' | 'sent bytes' | 'stayed'>((resolve) => {
    const timer = setTimeout(() => resolve('stayed'), settings.patienceMs)
    const settle = (what: 'ended' | 'sent bytes'): void => {
      clearTimeout(timer)
      resolve(what)
    }
    socket.on('data', () => settle('sent bytes'))
    socket.on('end', () => settle('ended')).on('error', () => settle('ended'))
    socket.resume()
  })
  socket.destroy()
  return done
}

function judgeRefusal(it: Case, what: 'ended' | 'sent bytes' | 'stayed', startMs: number): Result {
  const spentMs = performance.now() - startMs
  if (what === 'ended') return unplayed(it, 'OK', '', spentMs)
  const came = what === 'stayed' ? 'the connection stayed open' : 'it sent bytes, as if it were open'
  return unplayed(it, 'FAILED', `expected the end of TCP without a frame; ${came}`, spentMs)
}

function ignore(): undefined {
  return undefined
}
