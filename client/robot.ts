// A robot that talks at a chosen rate, with a session and a name of its own: a person alone sees something happen.
import { ladder } from '../transports/catalogue.ts'
import type { TransportName } from '../transports/contract.ts'
import type { SessionEvent } from '../transports/session.state.ts'
import { Session } from '../transports/session.ts'
import { makeTransports } from './offers.ts'

export const robotName = 'Robot'

/** Messages a second, on average, that a person may choose from. */
export const robotRates = [0.2, 1, 5, 20] as const
export type RobotRate = (typeof robotRates)[number]

const lines = [
  'A room is an ordered log. A transport is only a way for a cursor to follow it.',
  'Polling asks, waits, and asks again. Nothing comes in between.',
  'A shorter interval buys latency with requests.',
  'HTTP/2 push is one response that stays open. It is not PUSH_PROMISE.',
  'A WebSocket frame from a browser is masked, always.',
  'Switching opens the new link at the cursor, lets both run, drops what came twice, and closes the old one.',
  'Every draft has an id, so sending it again is safe.',
  'Offsets have no holes. That is how the proof line knows.',
  'Cut the network: what you write is kept, and sent once.',
  'The log is the only queue. A connection holds a position, never a backlog.',
] as const

export interface RobotOptions {
  readonly base: URL
  readonly room: string
  readonly transport: TransportName
  /** Told of everything that the robot's session tells. */
  onEvent(event: SessionEvent): void
}

export class Robot {
  private readonly session: Session
  private timer: ReturnType<typeof setTimeout> | undefined
  private said = 0
  private nextAtMs = 0
  private ratePerSecond = 0

  constructor(options: RobotOptions) {
    // The robot reads nothing, so its polls are as rare as they may be.
    const transports = makeTransports(30_000, false)
    this.session = new Session({
      base: options.base,
      room: options.room,
      transports: transports.all,
      transport: options.transport,
      fallback: ladder,
      last: 0,
      onEvent: options.onEvent,
    })
    this.session.start()
  }

  /** Talks this often from now on, messages a second on average; 0 keeps silent. */
  talk(ratePerSecond: number): void {
    clearTimeout(this.timer)
    this.ratePerSecond = ratePerSecond
    if (ratePerSecond === 0) return
    this.nextAtMs = performance.now()
    this.speak()
  }

  /** Follows the person's choice, so that what is measured goes both ways over one transport. */
  switchTo(transport: TransportName): Promise<unknown> {
    return this.session.switchTo(transport)
  }

  close(): Promise<void> {
    clearTimeout(this.timer)
    return this.session.close()
  }

  /**
   * Says one line and plans the next by the schedule, not by when this one was late. A sleeping tab skips what it missed.
   * The gaps are exponential: a robot that talked in step with the polls would always meet them at the same moment, and
   * measure that moment instead of the wait.
   */
  private speak = (): void => {
    // Without a link it keeps silent: it is here to be measured, not to pile up.
    if (this.session.state.phase === 'open') {
      const line = lines[this.said % lines.length] ?? ''
      this.said += 1
      this.session.send(robotName, `${line} (${this.said})`)
    }
    const nowMs = performance.now()
    this.nextAtMs += (-Math.log(1 - Math.random()) * 1000) / this.ratePerSecond
    if (this.nextAtMs < nowMs - 1000) this.nextAtMs = nowMs
    this.timer = setTimeout(this.speak, Math.max(0, this.nextAtMs - nowMs))
  }
}
