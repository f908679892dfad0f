// Durable, acknowledged sends over many WebSockets: each keeps a fixed number in flight and sends the next when a receipt comes.

import type net from 'node:net'
import { benchLimits } from '../limits.ts'
import { openRaw, textFrame } from './frames.ts'
import type { CountResult, SendsOrder } from './orders.ts'
import { newId, text } from './publisher.ts'
import { countInWindow } from './window.ts'

const receiptStart = Buffer.from('{"kind":"receipt"')
const errorStart = Buffer.from('{"kind":"error"')

/** Counts receipts. One room a connection, so that each message has one reader besides. Rejects when a send is refused. */
export async function sendDurably(order: SendsOrder): Promise<CountResult> {
  const { connections, inFlight } = benchLimits.sendGoal
  let stored = 0
  const sockets: net.Socket[] = []
  const failure = Promise.withResolvers<never>()
  failure.promise.catch(() => undefined)
  try {
    for (let one = 0; one < connections; one++) {
      let owed = 0
      const frame = (bytes: Buffer, from: number, to: number): void => {
        if (startsWith(bytes, from, receiptStart)) {
          stored += 1
          owed += 1
        } else if (startsWith(bytes, from, errorStart)) {
          failure.reject(new Error(`A send was refused: ${bytes.toString('utf8', from, to)}`))
        }
      }
      const url = `${order.url}/rooms/goal-send-${one}/socket?last=0`
      const socket = await Promise.race([openRaw(url, frame, failure.reject), failure.promise])
      sockets.push(socket)
      socket.write(drafts(inFlight))
      // Called after the reader's own listener: all receipts of a chunk are answered by one write.
      socket.on('data', () => {
        if (owed === 0) return
        socket.write(drafts(owed))
        owed = 0
      })
    }
    return await Promise.race([countInWindow({ ...order, count: () => stored }), failure.promise])
  } finally {
    for (const socket of sockets) socket.removeAllListeners('close').destroy()
  }
}

function drafts(count: number): Buffer {
  const frames: Buffer[] = []
  for (let one = 0; one < count; one++) frames.push(textFrame(draftDocument()))
  return frames.length === 1 ? (frames[0] ?? Buffer.alloc(0)) : Buffer.concat(frames)
}

/** What goes up a WebSocket. */
export function draftDocument(): string {
  return `{"kind":"send","id":"${newId()}","user":"bench","text":"${text}"}`
}

function startsWith(bytes: Buffer, from: number, start: Buffer): boolean {
  return (
    bytes.length - from >= start.length &&
    bytes.compare(start, 0, start.length, from, from + start.length) === 0
  )
}
