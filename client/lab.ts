// The page's model above the rooms: settings, the server, the clock of the figures, and the room that is open.
import { effect, type Signal, signal } from '@preact/signals'
import { auto, type TransportName } from '../transports/contract.ts'
import { messageOf } from '../transports/errors.ts'
import { longestIntervalMs, shortestIntervalMs } from '../transports/polling/client.ts'
import { userProblem } from '../transports/text.ts'
import { defaultRoom, readAddress, roomAddress } from './address.ts'
import { HeldConnections, holdsConnection } from './held-connections.ts'
import { firstIntervalMs } from './interval.ts'
import { askServer, type LabServer } from './lab-server.ts'
import { clockResolution } from './latency.ts'
import { roomNote } from './notes.ts'
import { makeOffers, makeTransports, type Offer } from './offers.ts'
import { Room } from './room.ts'
import {
  acceptBoolean,
  acceptNumber,
  acceptOneOf,
  acceptString,
  recall,
  remember,
  remembered,
} from './settings.ts'

/** How often the figures change, in ms. */
const figuresMs = 250

export class Lab {
  readonly base = new URL('/', location.href)
  readonly user: Signal<string>
  readonly room: Signal<Room>
  readonly offers: readonly Offer[]
  readonly server = signal<LabServer | null>(null)
  /** Why the server could not be asked, as a sentence. */
  readonly serverTrouble = signal<string | null>(null)
  readonly intervalMs = remembered(
    'browser',
    'polling-interval-ms',
    acceptNumber(shortestIntervalMs, longestIntervalMs),
    firstIntervalMs,
  )
  readonly pauseWhenHidden = remembered('browser', 'polling-pause-when-hidden', acceptBoolean, false)
  /** Monotonic clock, ms, as of the last change of the figures. */
  readonly nowMs = signal(performance.now())
  /** What this browser's tabs hold of the six connections to this address (R9). */
  readonly held = new HeldConnections(navigator.locks)
  readonly clockResolutionMs = clockResolution(() => performance.now())

  constructor() {
    const asked = readAddress(location.hash)
    this.user = signal(firstName(asked.user))
    this.user.subscribe((user) => remember('tab', 'user', user))
    this.offers = makeOffers(makeTransports(this.intervalMs.value, false).all, this.base)
    this.room = signal(this.makeRoom(asked.room ?? defaultRoom))
    this.tellProblem(asked.problem)
    this.intervalMs.subscribe((intervalMs) => {
      this.room.peek().transports.polling.intervalMs = intervalMs
    })
    this.pauseWhenHidden.subscribe((pause) => {
      this.room.peek().transports.polling.pauseWhenHidden = pause
    })
    effect(() => {
      const { state, robotLinks } = this.room.value
      this.held.hold([...state.value.links, ...robotLinks.value].filter(holdsConnection).length)
    })
    this.showRoomInAddress()
    addEventListener('hashchange', () => {
      const { room, problem } = readAddress(location.hash)
      if (room !== null) this.enter(room)
      else if (problem !== null) this.showRoomInAddress()
      this.tellProblem(problem)
    })
    // The network comes or goes, or somebody looks again: what the link is worth is asked at once, not at the next heartbeat (R35).
    const askLink = (): void => this.room.peek().reconnect()
    addEventListener('online', askLink)
    addEventListener('offline', askLink)
    document.addEventListener('visibilitychange', () => {
      if (!document.hidden) askLink()
    })
    setInterval(() => this.tick(), figuresMs)
    void this.ask()
  }

  /** Leaves the open room and enters another. */
  enter(name: string): void {
    const former = this.room.peek()
    if (former.name === name) return
    void former.leave()
    this.room.value = this.makeRoom(name)
    // A room that was entered in the page is a step that the browser can go back; one that the address named is there already.
    if (readAddress(location.hash).room !== name) history.pushState(null, '', roomAddress(this.base, name))
    this.showRoomInAddress()
  }

  /** Takes another name, for what is sent from now on, and for the next visit. */
  rename(user: string): void {
    this.user.value = user
    remember('browser', 'user', user)
  }

  /** Why a transport can't run here, in sentences: what the browser or this address lacks, or that the server has no such thing. */
  lackOf(offer: Offer): readonly string[] {
    const server = this.server.value
    if (server === null || offer.entry.name === auto || server.transports.includes(offer.entry.name))
      return offer.missing
    return [...offer.missing, 'This server does not offer it.']
  }

  switchTo(name: TransportName): void {
    const offer = this.offers.find(({ entry }) => entry.name === name)
    if (offer === undefined || this.lackOf(offer).length > 0) return
    remember('browser', 'transport', name)
    this.room.peek().switchTo(name)
  }

  /** Opens the room anew, after its session ended for good. */
  enterAgain(): void {
    const former = this.room.peek()
    void former.leave()
    this.room.value = this.makeRoom(former.name)
  }

  /** Asks the server what it serves where. */
  async ask(): Promise<void> {
    try {
      this.server.value = await askServer(this.base, globalThis.fetch.bind(globalThis))
      this.serverTrouble.value = null
    } catch (error) {
      this.serverTrouble.value = messageOf(error)
    }
  }

  private makeRoom(name: string): Room {
    return new Room({
      base: this.base,
      room: name,
      transport: this.firstTransport(),
      intervalMs: this.intervalMs.peek(),
      pauseWhenHidden: this.pauseWhenHidden.peek(),
    })
  }

  /** The transport that was chosen last, where it can run; else the ladder. */
  private firstTransport(): TransportName {
    const able = this.offers.filter((offer) => offer.missing.length === 0).map((offer) => offer.entry.name)
    return recall('browser', 'transport', acceptOneOf(able)) ?? auto
  }

  /** What is wrong with the room that the address asked for, which is not the one that is open. */
  private tellProblem(problem: string | null): void {
    const room = this.room.peek()
    if (problem !== null) room.note(roomNote(room.name, problem))
  }

  private showRoomInAddress(): void {
    const room = this.room.peek().name
    history.replaceState(null, '', roomAddress(this.base, room))
    document.title = `${room} · Parley`
  }

  private tick(): void {
    if (document.hidden) return
    this.nowMs.value = performance.now()
    this.room.peek().tick()
    void this.held.count()
  }
}

/** The name to start with: the one that the address gives, this tab's, the browser's, or one that is free to change. */
function firstName(asked: string | null): string {
  if (asked !== null && userProblem(asked) === null) return asked
  const known = recall('tab', 'user', acceptString) ?? recall('browser', 'user', acceptString)
  if (known !== null && userProblem(known) === null) return known
  return guestName()
}

/** A name for somebody who has not given one. */
export function guestName(): string {
  return `Guest ${100 + Math.floor(Math.random() * 900)}`
}
