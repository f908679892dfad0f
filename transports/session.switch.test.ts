// A seeded storm over the real transports: switches and cuts at random while messages flow both ways (R25).
import { describe, expect, test } from 'vitest'
import { type NodeTransports, nodeTransports } from './all.node.ts'
import { seededRandom } from './clock.harness.ts'
import type { TransportName } from './contract.ts'
import { http2PushServer } from './http2-push/server.ts'
import { type Lab, startLab } from './lab.harness.ts'
import type { Message } from './message.ts'
import { pollingServer } from './polling/server.ts'
import { Proof } from './proof.ts'
import type { DraftView, SessionEvent } from './session.state.ts'
import { Session } from './session.ts'
import { webSocketHttp2Server } from './websocket/over-http2.server.ts'
import { webSocketServer } from './websocket/server.ts'

const names: readonly TransportName[] = ['polling', 'http2-push', 'websocket', 'websocket-h2']
const seed = Number(process.env.PARLEY_SEED ?? 20_261_122)

/** One person: a session, what it has received, and the fate of what it has sent. */
class Person {
  readonly received: Message[] = []
  readonly proof = new Proof()
  readonly fates = new Map<string, DraftView>()
  readonly session: Session
  readonly #transports: NodeTransports
  switches = 0

  constructor(lab: Lab) {
    this.#transports = nodeTransports({
      certificate: lab.certificate,
      intervalMs: 100,
      h2WebSocketUrl: lab.h2WebSocket,
    })
    this.session = new Session({
      base: lab.https,
      room: 'storm',
      transports: this.#transports.all,
      transport: 'polling',
      last: 0,
      // No waiting in a test: every retry is due at once.
      random: () => 0,
      onEvent: (event) => this.#take(event),
    })
    this.session.start()
  }

  async leave(): Promise<void> {
    await this.session.close()
    this.#transports.close()
  }

  #take(event: SessionEvent): void {
    this.proof.observe(event)
    if (event.kind === 'messages') this.received.push(...event.messages)
    if (event.kind === 'draft') this.fates.set(event.view.draft.id, event.view)
    if (event.kind === 'switched') this.switches += 1
  }
}

describe('R25: a storm of switches and cuts', () => {
  test(`each offset once and in order, each draft stored once (seed ${seed})`, {
    timeout: 60_000,
  }, async () => {
    const random = seededRandom(seed)
    const lab = await startLab({
      transports: [pollingServer, http2PushServer, webSocketServer, webSocketHttp2Server],
      heartbeatMs: 500,
    })
    const sockets = new Set<{ destroy(): void }>()
    for (const app of lab.apps) {
      app.server.on('connection', (socket) => {
        sockets.add(socket)
        socket.on('close', () => sockets.delete(socket))
      })
    }
    const people = [new Person(lab), new Person(lab)]
    // A session follows the room from its first link on.
    while (people.some((person) => person.session.state.cursor === null))
      await new Promise((resolve) => setTimeout(resolve, 5))
    const sent: string[] = []
    let cuts = 0
    const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T
    // 200 disturbances, 20 ms apart; meanwhile 100 messages a second from each.
    for (let step = 0; step < 200; step++) {
      for (const person of people)
        for (let count = 0; count < 2; count++) sent.push(person.session.send('ada', `message ${step}`).id)
      if (random() < 0.7)
        void pick(people)
          .session.switchTo(pick(names))
          .catch(() => undefined)
      else if (sockets.size > 0) {
        pick([...sockets]).destroy()
        cuts += 1
      }
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    const settled = () =>
      people.every((person) => person.session.state.pending === 0 && person.received.length >= sent.length)
    const deadlineMs = performance.now() + 20_000
    while (!settled() && performance.now() < deadlineMs)
      await new Promise((resolve) => setTimeout(resolve, 50))

    const log = await lab.log.read(
      'storm',
      { after: { epoch: lab.log.epoch, offset: 0 } },
      { messages: 1e6, bytes: 1e9 },
    )
    if (log.kind !== 'page') throw new Error(`the log answers ${log.kind}`)
    expect(log.messages.map((one) => one.id).sort()).toEqual([...sent].sort())
    for (const person of people) {
      expect(person.received).toEqual(log.messages)
      expect([person.proof.lost, person.proof.duplicated, person.proof.reordered]).toEqual([0, 0, 0])
      expect([...person.fates.values()].every((view) => view.fate === 'stored')).toBe(true)
      // Each sender's own order is kept too.
      const mine = [...person.fates.keys()]
      const stored = log.messages.filter((one) => person.fates.has(one.id)).map((one) => one.id)
      expect(stored).toEqual(mine)
    }
    expect(cuts).toBeGreaterThan(20)
    expect(people.reduce((sum, person) => sum + person.switches, 0)).toBeGreaterThan(20)
    await Promise.all(people.map((person) => person.leave()))
    await lab.close()
  })
})
