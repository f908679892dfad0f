// What every control server shares: rooms that number messages and write the same JSON documents as Parley does, kept nowhere.
import type { Draft, Message } from '../../transports/message.ts'

const epoch = 'control'

/** A reader of a room, in the control server's own words. */
export type Reader = (document: string, messages: number) => void

export class ControlRooms<Member> {
  readonly #rooms = new Map<string, ControlRoom<Member>>()

  room(name: string): ControlRoom<Member> {
    let room = this.#rooms.get(name)
    if (room === undefined) {
      room = new ControlRoom<Member>()
      this.#rooms.set(name, room)
    }
    return room
  }
}

export class ControlRoom<Member> {
  readonly members = new Set<Member>()
  #offset = 0

  /** Numbers a draft, as the log does. */
  number(draft: Draft): Message {
    this.#offset += 1
    return { id: draft.id, user: draft.user, text: draft.text, offset: this.#offset, time: Date.now() }
  }

  /** The first document of a link. */
  hello(options: {
    readonly transport: string
    readonly protocol: 'http/1.1' | 'h2'
    readonly tls: boolean
    readonly subprotocol: string | null
  }): string {
    const cursor = `${epoch}.${this.#offset}`
    const { transport, protocol, tls, subprotocol } = options
    const negotiated = { protocol, tls, subprotocol, extensions: [] }
    return JSON.stringify({
      kind: 'hello',
      transport,
      negotiated,
      cursor,
      head: cursor,
      heartbeatMs: 600_000,
    })
  }
}

/** The delivery of consecutive messages, byte for byte as `Batch.document` writes it. */
export function deliveryDocument(messages: readonly Message[]): string {
  const first = messages[0]?.offset ?? 1
  const after = `${epoch}.${first - 1}`
  const cursor = `${epoch}.${first - 1 + messages.length}`
  return `{"kind":"messages","after":"${after}","messages":${JSON.stringify(messages)},"cursor":"${cursor}"}`
}
