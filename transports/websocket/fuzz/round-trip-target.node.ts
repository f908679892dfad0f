// The target `round-trip`: what our side sends with compression, read by our receiver, by the `ws` library's and plainly.
import { isUtf8 } from 'node:buffer'
import { connectionSettings, type Role } from '../protocol/connection.ts'
import { defaultLimits } from '../protocol/limits.ts'
import { applyMask } from '../protocol/mask.ts'
import { FrameArena } from '../protocol/output.ts'
import { receiving, sending, zlibInUse } from './compression.node.ts'
import { gather } from './evidence.ts'
import { type Connect, connectOurs, listen, type Seen, Violation } from './listen.ts'
import { fingerprint, Random } from './random.ts'
import { listenWithLibrary } from './reference.node.ts'
import { scan } from './scan.ts'
import { makeProgram, readSetting, Sender, type Setting, settingBytes } from './sender-program.node.ts'
import { randomSplit } from './splits.ts'
import type { Checked, Target } from './target.ts'

/** Reading plainly takes its time. */
const readPlainlyUpToBytes = 4096
const primitives = {
  isUtf8,
  applyMask,
  randomMaskKey: () => 0x0403_0201,
  allocate: (bytes: number) => Buffer.allocUnsafeSlow(bytes),
}
const arena = new FrameArena(primitives)

export function roundTripTarget(connect: Connect): Target {
  return {
    name: 'round-trip',
    summary: 'what our side sends with compression, to our receiver and to the ws library’s',
    weight: 1,
    prefixBytes: settingBytes,
    make: (random) => ({ trace: makeProgram(random), expected: null }),
    check: ({ trace }) => check(trace, connect),
  }
}

async function check(program: Uint8Array, connect: Connect): Promise<Checked> {
  const zlibBefore = zlibInUse()
  try {
    const outcome = await roundTrip(program, connect)
    const inUse = zlibInUse() - zlibBefore
    const finding = inUse === 0 ? null : `${inUse} streams of zlib are left`
    return { outcome, rule: null, finding }
  } catch (error) {
    const finding =
      error instanceof Violation
        ? error.message
        : `it throws: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`
    return { outcome: 'nothing', rule: null, finding }
  }
}

async function roundTrip(program: Uint8Array, connect: Connect): Promise<string> {
  const setting = readSetting(program)
  const { role, agreement, options } = setting
  const random = new Random(fingerprint(program))
  const settings = connectionSettings(role, defaultLimits, primitives, arena)
  const connection = connect(settings, sending(role, agreement, options, random))
  const sender = new Sender(connection, setting)
  try {
    const bytes = await sender.run(program)
    const peer: Role = role === 'server' ? 'client' : 'server'
    compare('ws', await listenWithLibrary(peer, bytes, agreement), sender)
    for (const chunks of [[bytes], randomSplit(bytes, random)]) {
      const compression = receiving(peer, agreement, random)
      const { events } = await listen(chunks, {
        role: peer,
        isUtf8,
        pushes: 1,
        borrowed: false,
        connect: connectOurs,
        compression,
      })
      compare('ours', events, sender)
    }
    checkFrames(bytes, sender, setting)
    return `${bytes.length} bytes: ${sender.messages.map(({ seen }) => seen).join(', ')}, ${sender.close}`
  } finally {
    connection.release()
  }
}

/** The peer sees all messages and the close in order, and all control frames, which may overtake messages. */
function compare(who: string, events: readonly Seen[], { messages, controls, close, isCut }: Sender): void {
  const isControl = (seen: Seen): boolean => /^p[io]ng /.test(seen)
  const sent = [...messages.map(({ seen }) => seen), ...(close === null ? [] : [close])]
  const differing =
    difference(
      events.filter((seen) => !isControl(seen)),
      sent,
      isCut,
    ) ?? difference(events.filter(isControl), controls, isCut)
  if (differing !== null) throw new Violation(`${who} reads ${differing}`)
}

/** @param isPart whether what was seen may end early */
function difference(seen: readonly Seen[], sent: readonly Seen[], isPart: boolean): string | null {
  for (let index = 0; index < Math.max(seen.length, isPart ? 0 : sent.length); index++) {
    const [one = 'nothing', another = 'nothing'] = [seen[index], sent[index]]
    if (one !== another) return `${one} where ${another} was sent`
  }
  return null
}

/** What is long enough is compressed, nothing else is, and nothing refers to before the window. */
function checkFrames(bytes: Uint8Array, { messages, isCut }: Sender, { agreement }: Setting): void {
  const compressed = scan(bytes)
    .frames.filter(({ opcode }) => opcode === 1 || opcode === 2)
    .map(({ reserved }) => reserved === 4)
  for (const [index, message] of messages.entries()) {
    if (isCut && index >= compressed.length) break
    if (compressed[index] !== message.compressed)
      throw new Violation(`message ${index + 1} is ${message.compressed ? 'not ' : ''}compressed`)
  }
  if (bytes.length > readPlainlyUpToBytes) return
  const found = gather(bytes, agreement).messages.find(
    ({ inflated }) => inflated?.corrupt === true || inflated?.beyondWindow === true,
  )
  if (found !== undefined)
    throw new Violation('a message is corrupt or refers to before the window, read plainly')
}
