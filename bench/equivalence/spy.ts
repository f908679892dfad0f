// Transports that note what their links do: where each began, what it brought, and how often and why it closed.
import type {
  ClientTransport,
  Closed,
  Delivery,
  Link,
  OpenRequest,
  Start,
  TransportName,
} from '../../transports/contract.ts'

/** One link from its opening to its end. */
export interface Noted {
  readonly transport: TransportName
  readonly start: Start
  /** Null until it is open. */
  link: Link | null
  readonly deliveries: Delivery[]
  readonly closings: Closed[]
  /** Deliveries that came when it had closed. */
  readonly late: number
  /** Bytes of payload that came down and that the application hasn't taken yet; what is not known is 0. */
  readonly heldBytes: () => number
}

/** Every link that was opened through it. */
export class Ledger {
  readonly links: Noted[] = []
  /** Set by a fault that has the transport lose something: takes a delivery and says whether it is to vanish. */
  lose: (delivery: Delivery) => boolean = () => false
  /** Called when this side closes a link that is open. */
  onClose: (noted: Noted) => void = () => undefined

  get opened(): readonly Noted[] {
    return this.links.filter(({ link }) => link !== null)
  }

  /** Messages that came down, those that came twice counted twice. */
  get messagesDown(): number {
    return this.links.reduce(
      (sum, { deliveries }) => sum + deliveries.reduce((all, one) => all + countOf(one), 0),
      0,
    )
  }

  /** What the fullest of its open links holds: sent and not gone, or come and not taken. */
  get mostHeldBytes(): number {
    return Math.max(
      0,
      ...this.opened.filter(({ closings }) => closings.length === 0).map((one) => one.heldBytes()),
    )
  }

  watch(transport: ClientTransport): ClientTransport {
    return {
      name: transport.name,
      missing: (base) => transport.missing(base),
      open: async (request) => {
        const noted = new NotedLink(transport.name, request.start)
        this.links.push(noted)
        const link = await transport.open({
          ...request,
          receive: (delivery) => (this.lose(delivery) ? undefined : noted.receive(delivery, request)),
          closed: (reason) => {
            noted.closings.push(reason)
            request.closed(reason)
          },
        })
        noted.link = link
        return this.#wrapped(link, noted)
      },
    }
  }

  #wrapped(link: Link, noted: Noted): Link {
    return {
      negotiated: link.negotiated,
      start: link.start,
      head: link.head,
      send: (draft) => link.send(draft),
      stats: () => link.stats(),
      probe: () => link.probe(),
      close: () => {
        if (noted.closings.length === 0) this.onClose(noted)
        return link.close()
      },
    }
  }
}

class NotedLink implements Noted {
  readonly transport: TransportName
  readonly start: Start
  link: Link | null = null
  readonly deliveries: Delivery[] = []
  readonly closings: Closed[] = []
  late = 0
  /** What had come down when the application stopped taking; null while it takes. */
  #stoppedAtBytes: number | null = null

  constructor(transport: TransportName, start: Start) {
    this.transport = transport
    this.start = start
  }

  readonly heldBytes = (): number => {
    const stats = this.link?.stats()
    if (stats === undefined) return 0
    const waiting = this.#stoppedAtBytes === null ? 0 : stats.payloadBytesDown - this.#stoppedAtBytes
    return waiting + (stats.bufferedBytes ?? 0)
  }

  receive(delivery: Delivery, request: OpenRequest): void | Promise<void> {
    this.deliveries.push(delivery)
    if (this.closings.length > 0) this.late += 1
    const taken = request.receive(delivery)
    if (taken === undefined) return
    this.#stoppedAtBytes = this.link?.stats().payloadBytesDown ?? null
    return taken.then(() => {
      this.#stoppedAtBytes = null
    })
  }
}

function countOf(delivery: Delivery): number {
  return delivery.kind === 'messages' ? delivery.messages.length : 0
}
