// How many of the six connections that a browser allows to an address over HTTP/1.1 its tabs hold (R9). Tabs can't see each other; the locks that they share can be counted.
import { type Signal, signal } from '@preact/signals'
import { describeTransport } from '../transports/catalogue.ts'
import type { Negotiated } from '../transports/contract.ts'
import type { LinkView, SessionState } from '../transports/session.state.ts'

/** Over HTTP/1.1 browsers open so many connections to an address, and no more. */
export const connectionsOfBrowser = 6

const lockName = 'parley.held-connection'

/** As much of the browser's lock manager as is used here. It is there in secure contexts, of which localhost is one. */
export interface Locks {
  request(name: string, options: { mode: 'shared' }, callback: () => Promise<void>): Promise<unknown>
  query(): Promise<{ readonly held?: readonly { readonly name?: string }[] }>
}

/** Whether it is a WebSocket that is spoken, a library's too. */
export function isWebSocket({ subprotocol, extensions }: Negotiated): boolean {
  return subprotocol !== null || extensions.some((one) => one.includes('websocket'))
}

/** Whether a link keeps one of the six to itself: a WebSocket is not counted among them, and polls give theirs back. */
export function holdsConnection({ transport, negotiated, phase }: LinkView): boolean {
  if (negotiated === null || negotiated.protocol !== 'http/1.1' || phase === 'opening') return false
  return !isWebSocket(negotiated) && describeTransport(transport).link !== 'asks'
}

/** Whether something waits that needs one of the six: a link, or what is sent by requests. A WebSocket, and what is sent over it, does not. */
export function waitsForConnection({ links, phase, pending }: SessionState): boolean {
  const opensByRequest = links.some(
    ({ phase, transport }) =>
      phase === 'opening' && ['pull', 'push'].includes(describeTransport(transport).group),
  )
  if (opensByRequest || phase !== 'open') return true
  const carrying = links.find(({ phase }) => phase === 'live' || phase === 'catching-up')
  const negotiated = carrying?.negotiated ?? null
  return pending > 0 && negotiated?.protocol === 'http/1.1' && !isWebSocket(negotiated)
}

export class HeldConnections {
  /** Of all tabs of this browser, as of the last count; null: this browser can't tell. */
  readonly inBrowser: Signal<number | null> = signal(null)
  readonly #locks: Locks | undefined
  readonly #releases: (() => void)[] = []
  #isCounting = false

  constructor(locks: Locks | undefined) {
    this.#locks = locks
  }

  /** So many are this tab's from now on. A tab that closes lets go of its own by itself. */
  hold(count: number): void {
    while (this.#releases.length > count) this.#releases.pop()?.()
    while (this.#releases.length < count) {
      const { promise, resolve } = Promise.withResolvers<void>()
      this.#releases.push(resolve)
      this.#locks
        ?.request(lockName, { mode: 'shared' }, () => promise)
        .catch((error: unknown) => {
          console.info('The connections of other tabs can’t be counted here.', error)
        })
    }
  }

  /** Counts anew. Cheap enough to be called with the figures. */
  async count(): Promise<void> {
    if (this.#locks === undefined || this.#isCounting) return
    this.#isCounting = true
    try {
      const { held = [] } = await this.#locks.query()
      this.inBrowser.value = held.filter(({ name }) => name === lockName).length
    } catch (error) {
      console.info('The connections of other tabs can’t be counted here.', error)
    } finally {
      this.#isCounting = false
    }
  }
}
