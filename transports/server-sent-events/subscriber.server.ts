// A reader of an event stream, on a stream of HTTP/2 or on a response of HTTP/1.1: both are written to in the same way.
import type { ServerResponse } from 'node:http'
import type { ServerHttp2Stream } from 'node:http2'
import type { LeaveLink, Subscriber, Subscription } from '../contract.server.ts'
import type { Closed, Gap, Reset } from '../contract.ts'
import { formatCursor } from '../cursor.ts'
import type { Batch, WireForm } from '../hub/batch.ts'
import type { Heartbeats } from '../hub/heartbeats.ts'
import { serverLimits } from '../limits.ts'
import { encryptedBytes, givenBytes } from '../queued.server.ts'
import type { SessionPulse } from '../session-pulse.server.ts'
import { encodeDocument } from '../wire.ts'
import { encodeEvent } from './event-stream.ts'

export type EventWire = ServerHttp2Stream | ServerResponse

/** What looks after all streams, so that none has a timer of its own. */
export interface Care {
  /** Tells clients that the server is alive: as events, since a page can't see comments. */
  readonly heartbeats: Heartbeats<Buffer>
  /** Asks HTTP/2 connections whether they are. */
  readonly pulse: SessionPulse
}

/** A batch as one event, whose id is the position that it leads to. */
const event: WireForm<Buffer> = {
  encode: (batch) => Buffer.from(encodeEvent({ id: formatCursor(batch.cursor), data: batch.document })),
}

export class EventSubscriber implements Subscriber {
  readonly #wire: EventWire
  subscription: Subscription | null = null
  #ended = false
  #goodbyeTimer: NodeJS.Timeout | undefined
  /** Since when the peer has taken nothing, on the monotonic clock; null: it has taken what it was given. */
  #stuckSinceMs: number | null = null
  /** What it had not taken then. */
  #leftBytes = 0

  constructor(wire: EventWire) {
    this.#wire = wire
  }

  /** Ties the stream's end to everything that must end with it. */
  begin(leave: LeaveLink | null, { heartbeats, pulse }: Care): void {
    const wire = this.#wire
    const stop = heartbeats.add((document) => this.#beat(document, pulse))
    wire.on('drain', () => {
      this.#stuckSinceMs = null
      this.subscription?.writable()
    })
    // A stream that is cancelled is the reader's way to leave, not an error of ours.
    wire.on('error', () => this.terminate())
    wire.on('close', () => {
      this.#ended = true
      stop()
      clearTimeout(this.#goodbyeTimer)
      leave?.()
      this.subscription?.leave()
    })
  }

  write(batch: Batch | Gap | Reset): boolean {
    if (this.#ended) return true
    if (batch.kind === 'messages') return this.#wire.write(batch.as(event))
    const text = encodeEvent({ id: formatCursor(batch.cursor), data: encodeDocument(batch) })
    return this.#wire.write(Buffer.from(text))
  }

  /** The subscription ends with the stream, so that a drain waits until the goodbye has been taken, or its time is over. */
  close(reason: Closed): void {
    if (this.#ended) return
    this.#ended = true
    this.#wire.end(Buffer.from(encodeEvent({ data: encodeDocument({ kind: 'goodbye', ...reason }) })))
    this.#goodbyeTimer = setTimeout(() => this.#wire.destroy(), serverLimits.goodbyeDeadlineMs).unref()
  }

  terminate(): void {
    this.#ended = true
    this.#wire.destroy()
  }

  queuedBytes(): number {
    const wire = this.#wire
    // A response that is over has given its socket back.
    const duplex = 'session' in wire ? wire : wire.socket
    return wire.writableLength + (duplex === null ? 0 : encryptedBytes(duplex))
  }

  #beat(document: Buffer, pulse: SessionPulse): void {
    const wire = this.#wire
    if ('session' in wire && wire.session !== undefined) pulse.beat(wire.session)
    if (this.#ended) return
    // A stream that has not drained has something to read already: a heartbeat would only add to what is queued.
    if (!wire.writableNeedDrain) wire.write(document)
    else this.#lookWhetherStuck()
  }

  /**
   * Over HTTP/1.1 nobody can be asked for a sign of life: a reader that takes nothing for so long is given up, since one that is gone
   * looks the same (R34). One that is gone while little flows is found by the system's own time-out.
   */
  #lookWhetherStuck(): void {
    const wire = this.#wire
    if ('session' in wire) return
    const nowMs = performance.now()
    const leftBytes = wire.writableLength + (wire.socket === null ? 0 : givenBytes(wire.socket))
    // Nothing is added while it has not drained. A slow reader takes a part of it from beat to beat.
    if (this.#stuckSinceMs === null || leftBytes < this.#leftBytes) {
      this.#stuckSinceMs = nowMs
      this.#leftBytes = leftBytes
    } else if (nowMs - this.#stuckSinceMs >= serverLimits.pongMs) this.terminate()
  }
}
