// Links that a test plays itself: it decides when each opens, what it brings, and how it ends.
import type { ClientTransport, Closed, Delivery, Link, OpenRequest, Receipt } from './contract.ts'
import type { Cursor } from './cursor.ts'
import type { LinkError, SendError } from './errors.ts'
import type { Draft, Message } from './message.ts'

const epoch = 'e'
export const at = (offset: number): Cursor => ({ epoch, offset })

export function message(offset: number, text = `m${offset}`): Message {
  return { id: `id-${offset}`, user: 'ada', text, offset, time: offset }
}

/** Messages with offsets from `first` to `last`. */
export function messages(first: number, last: number): Delivery {
  const list = Array.from({ length: last - first + 1 }, (_, index) => message(first + index))
  return { kind: 'messages', after: at(first - 1), messages: list, cursor: at(last) }
}

export interface Sent {
  readonly draft: Draft
  accept(offset: number): void
  refuse(error: SendError): void
}

/** One opening, in the hands of the test. */
export class Opening {
  readonly request: OpenRequest
  readonly transport: string
  readonly sent: Sent[] = []
  closes = 0
  probes = 0
  /** Events in which something arrived. */
  reads = 0
  #settle: { resolve(link: Link): void; reject(error: unknown): void }

  constructor(
    transport: string,
    request: OpenRequest,
    settle: { resolve(link: Link): void; reject(error: unknown): void },
  ) {
    this.transport = transport
    this.request = request
    this.#settle = settle
  }

  async succeed(head: number, first = 0): Promise<void> {
    this.open(head, first)
    await turn()
  }

  /** As `succeed`, without waiting until the session has noticed. */
  open(head: number, first = 0): void {
    this.#settle.resolve({
      negotiated: { protocol: 'http/1.1', tls: false, subprotocol: null, extensions: [] },
      // A first link that asks for the last messages begins before them.
      start: 'after' in this.request.start ? this.request.start.after : at(first),
      head: at(head),
      send: (draft) =>
        new Promise<Receipt>((resolve, reject) => {
          this.sent.push({
            draft,
            accept: (offset) => resolve({ id: draft.id, offset, time: offset, created: true }),
            refuse: reject,
          })
        }),
      stats: () => ({
        payloadBytesUp: 0,
        payloadBytesDown: 0,
        requests: 1,
        reads: this.reads,
        bufferedBytes: null,
      }),
      probe: () => {
        this.probes += 1
      },
      close: () => {
        this.closes += 1
        if (this.closes === 1) this.request.closed({ cause: 'local', retry: true, detail: '' })
        return Promise.resolve()
      },
    })
  }

  async fail(error: LinkError): Promise<void> {
    this.refuse(error)
    await turn()
  }

  /** As `fail`, without waiting until the session has noticed. */
  refuse(error: LinkError): void {
    this.#settle.reject(error)
  }

  deliver(delivery: Delivery): void {
    this.reads += 1
    void this.request.receive(delivery)
  }

  end(reason: Partial<Closed> = {}): void {
    this.request.closed({ cause: 'network', retry: true, detail: 'cut', ...reason })
  }
}

/** Lets everything that promises have made ready run. */
export async function turn(): Promise<void> {
  for (let count = 0; count < 10; count++) await Promise.resolve()
}

/** A transport whose openings end up in `openings`, for the test to play. */
export function playedTransport(name: string, openings: Opening[]): ClientTransport {
  return {
    name,
    missing: () => [],
    open: (request) =>
      new Promise((resolve, reject) => {
        openings.push(new Opening(name, request, { resolve, reject }))
      }),
  }
}
