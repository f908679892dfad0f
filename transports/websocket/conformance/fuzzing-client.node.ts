// The fuzzing client: opens a connection to the server under test, plays a case on it and judges.
import { randomBytes } from 'node:crypto'
import { connect, type Socket } from 'node:net'
import type { Case, DeflatePlan, Script } from './case.ts'
import { Flate } from './flate.node.ts'
import { encodeFrames } from './frames.ts'
import { type Head, headBytes, proofOf, readHead, writeOpening } from './head.node.ts'
import { judge, type Result, unplayed } from './judge.ts'
import { type Agreement, agree } from './negotiation.ts'
import { play } from './player.node.ts'
import type { Settings } from './settings.ts'
import { Wire } from './wire.node.ts'

/** The server under test. */
export interface Target {
  readonly host: string
  readonly port: number
  /** Path and query. */
  readonly path: string
}

const handshakeMs = 10_000

/** Plays `it` against a server. `index` is the case's place: what is random about it comes from there. */
export async function runAgainstServer(
  it: Case,
  index: number,
  target: Target,
  settings: Settings,
): Promise<Result> {
  const startMs = performance.now()
  const script = it.script()
  const socket = connect({ host: target.host, port: target.port, allowHalfOpen: true })
  try {
    const key = randomBytes(16).toString('base64')
    const head = await exchange(socket, requestLines(target, key, script), script)
    const spent = (): number => performance.now() - startMs
    if (typeof head === 'string') return unplayed(it, 'FAILED', head, spent())
    const expected = script.opening?.expected
    if (expected !== undefined) return judgeStatus(it, head, expected, spent())
    const fault = answerFault(head, key)
    if (fault !== null) return unplayed(it, 'FAILED', fault, spent())
    const answer = head.fields.get('sec-websocket-extensions') ?? ''
    const agreement = agree(script.deflate?.offer ?? '', answer)
    if (typeof agreement === 'string') return unplayed(it, 'FAILED', `came ${agreement}`, spent())
    const deflateFault = script.deflate === undefined ? null : planFault(script.deflate, agreement, answer)
    if (deflateFault !== null) return unplayed(it, ...deflateFault, spent())
    const flate = agreement === null ? null : new Flate(agreement, 'server')
    const inflate = flate === null ? null : (payload: Uint8Array) => flate.inflate(payload)
    const wire = new Wire(socket, 'server', inflate, settings.seed + index)
    wire.start(head.rest)
    return judge(it, script, await play(script, wire, flate, settings), spent())
  } finally {
    socket.destroy()
  }
}

/** As other clients write it, in their order. */
function requestLines(target: Target, key: string, { deflate, opening }: Script): readonly string[] {
  const usual = [
    `GET ${target.path} HTTP/1.1`,
    'User-Agent: parley-conformance',
    `Host: ${target.host.includes(':') ? `[${target.host}]` : target.host}:${target.port}`,
    'Upgrade: WebSocket',
    'Connection: Upgrade',
    'Pragma: no-cache',
    'Cache-Control: no-cache',
    `Sec-WebSocket-Key: ${key}`,
    ...(deflate === undefined ? [] : [`Sec-WebSocket-Extensions: ${deflate.offer}`]),
    'Sec-WebSocket-Version: 13',
  ]
  return opening?.request?.(usual) ?? usual
}

async function exchange(
  socket: Socket,
  lines: readonly string[],
  { opening }: Script,
): Promise<Head | string> {
  const answered = readHead(socket, handshakeMs)
  const connected = await new Promise<boolean>((resolve) => {
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
  })
  if (connected) {
    const first = encodeFrames(opening?.firstFrames ?? [], () => randomBytes(4))
    await writeOpening(socket, Buffer.concat([headBytes(lines), first]), opening?.chopBytes)
  }
  return await answered
}

/** @returns what is wrong with an answer to the usual request, or null */
function answerFault({ startLine, fields }: Head, key: string): string | null {
  if (!startLine.startsWith('HTTP/1.1 101')) return `expected HTTP/1.1 101, came ${startLine}`
  if (fields.get('upgrade')?.toLowerCase() !== 'websocket') return 'no Upgrade: websocket in the answer'
  if (fields.get('connection')?.toLowerCase() !== 'upgrade') return 'no Connection: Upgrade in the answer'
  if (fields.get('sec-websocket-accept') !== proofOf(key)) return 'the wrong Sec-WebSocket-Accept'
  return fields.has('sec-websocket-protocol') ? "a subprotocol that wasn't offered" : null
}

function judgeStatus(
  it: Case,
  { startLine }: Head,
  expected: readonly number[] | 'none',
  durationMs: number,
): Result {
  const status = Number(/^HTTP\/1\.[01] (\d{3})/.exec(startLine)?.[1])
  const wanted = expected === 'none' ? [] : expected
  if (wanted.includes(status)) return unplayed(it, 'OK', '', durationMs)
  const verdict = status >= 400 && status < 600 ? 'NON-STRICT' : 'FAILED'
  return unplayed(it, verdict, `expected status ${wanted.join(' or ')}, came ${startLine}`, durationMs)
}

function planFault(
  plan: DeflatePlan,
  agreement: Agreement | null,
  answer: string,
): readonly ['FAILED' | 'UNIMPLEMENTED', string] | null {
  if (plan.declined === true)
    return agreement === null ? null : ['FAILED', `expected no extension, came ${answer}`]
  if (agreement !== null || plan.optional === true) return null
  return ['UNIMPLEMENTED', `no extension agreed on for ${plan.offer}`]
}
