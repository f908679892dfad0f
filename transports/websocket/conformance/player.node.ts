// Plays one case's script on an open connection, then sees the connection to its end.
import { setTimeout as delay } from 'node:timers/promises'
import { closeFrame, type Exchange, type Script, type Step } from './case.ts'
import type { Flate } from './flate.node.ts'
import { fragmented } from './frames.ts'
import type { Settings } from './settings.ts'
import type { Observation, Wire } from './wire.node.ts'

const compressedBit = 4
const longestMs = 100_000

/** @returns what has been seen, when the connection is over */
export async function play(
  script: Script,
  wire: Wire,
  flate: Flate | null,
  settings: Settings,
): Promise<Observation> {
  const quietMs = script.timeLimitMs ?? settings.patienceMs
  const timer = setTimeout(() => wire.expire(), script.timeLimitMs ?? longestMs)
  try {
    for (const step of script.steps) {
      if (wire.isOver) break
      await take(step, wire, flate, settings, quietMs)
    }
    await seeToItsEnd(script, wire, settings)
    return wire.observation()
  } finally {
    clearTimeout(timer)
    wire.destroy()
  }
}

async function take(
  step: Step,
  wire: Wire,
  flate: Flate | null,
  settings: Settings,
  quietMs: number,
): Promise<void> {
  switch (step.do) {
    case 'send':
      if (step.unawaited === true) wire.queue(step.frames)
      else await wire.send(step.frames, step.in)
      break
    case 'send start':
      await wire.sendStart(step.frame, step.cutsBytes)
      break
    case 'send rest':
      await wire.sendRest()
      break
    case 'await':
      await wire.untilQuiet(() => wire.isOver || wire.events.length >= step.events, quietMs)
      break
    case 'pause':
      await delay(step.milliseconds * settings.pauseScale)
      break
    case 'expect failure':
      if (!(await wire.until(() => wire.isOver, settings.failFastMs)))
        wire.event({ kind: 'mark', name: step.mark })
      break
    case 'exchange':
      await exchange(step, wire, flate, settings)
      break
    case 'stop reading':
      wire.pause()
      break
    case 'read on':
      wire.resume()
      break
    case 'end':
      wire.finish()
      break
    default:
      step satisfies never
  }
}

async function exchange(step: Exchange, wire: Wire, flate: Flate | null, settings: Settings): Promise<void> {
  const count = Math.min(step.messages, settings.messages)
  const kind = step.opcode === 1 ? 'text' : 'binary'
  for (let index = 0; index < count && !wire.isOver; index++) {
    const message = step.message(index)
    const compress = step.compress === true && flate !== null
    const payload = compress ? flate.deflate(message) : message
    const seen = wire.events.length
    await wire.send(
      fragmented(step.opcode, payload, step.frameBytes, compress ? compressedBit : 0),
      'one write',
    )
    await wire.until(() => wire.isOver || wire.events.length > seen)
    const echo = wire.events.pop()
    if (echo === undefined || echo.kind === 'mark') {
      wire.wrong(`no echo of message ${index + 1} of ${count} (${message.length} bytes)`)
    } else if (echo.kind !== kind || Buffer.compare(echo.payload, message) !== 0) {
      wire.wrong(`message ${index + 1} of ${count} came back as a different ${echo.kind}`)
    }
  }
}

/** The closing handshake and the end of TCP, each within its time. */
async function seeToItsEnd(script: Script, wire: Wire, settings: Settings): Promise<void> {
  const isClosed = (): boolean => wire.closeFrame !== null || wire.peerEnd !== null || wire.fault !== null
  await wire.untilQuiet(isClosed, settings.patienceMs)
  if (wire.fault !== null) return
  if (wire.closeFrame !== null && !wire.sentClose && script.closing?.answered !== false) {
    await wire.send([closeFrame(wire.closeFrame.code)], 'one write')
  }
  // RFC 6455 §7.1.1: the server ends TCP first.
  if (wire.peer === 'client') wire.finish()
  await wire.untilQuiet(() => wire.peerEnd !== null, settings.patienceMs)
}
