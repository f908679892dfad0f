// A session on a random walk: switches, cuts, refusals, silences and the way back cross as they like, and what it promises holds after each step.
import { describe, expect, test } from 'vitest'
import { ManualClock, seededRandom } from './clock.harness.ts'
import { auto } from './contract.ts'
import { LinkError } from './errors.ts'
import { problem } from './problem.ts'
import { messages, type Opening, playedTransport, turn } from './session.harness.ts'
import { Session } from './session.ts'
import { raceStepMs } from './session-openings.ts'

const names = ['socket', 'stream', 'polls', 'spare'] as const
/** `spare` may be chosen and stands in for nothing. */
const order = ['socket', 'stream', 'polls'] as const
const seed = Number(process.env.PARLEY_SEED ?? 20_261_122)
const walks = 40
const steps = 250

/** What becomes of an opening: it opens, is refused at once, never answered, or turned away by the server for now. */
const weathers = ['fine', 'refused', 'swallowed', 'busy'] as const
type Weather = (typeof weathers)[number]

interface Line {
  readonly opening: Opening
  phase: 'opening' | 'open' | 'ended'
  /** The offset up to which it has delivered. */
  offset: number
  /** How many of the drafts that it was given it has stored. */
  stored: number
}

class Walk {
  readonly clock = new ManualClock()
  readonly random: () => number
  /** Every other one begins with a race, and with so little of the history that what is said meanwhile is more. */
  readonly races: boolean
  readonly session: Session
  readonly weather = new Map<string, Weather>()
  readonly lines: Line[] = []
  /** Offsets as they were handed up. */
  readonly offsets: number[] = []
  readonly openings: Opening[] = []
  /** The texts of the drafts that were stored, as they were. */
  readonly log: string[] = []
  drafts = 0
  head = 0
  unsettled = 0

  constructor(ownSeed: number) {
    this.random = seededRandom(ownSeed)
    this.races = ownSeed % 2 === 1
    const { races } = this
    for (const name of names) this.weather.set(name, 'fine')
    this.session = new Session({
      base: new URL('http://127.0.0.1'),
      room: 'walk',
      transports: names.map((name) => playedTransport(name, this.openings)),
      transport: races ? auto : 'socket',
      fallback: order,
      last: races ? Math.floor(this.random() * 4) : 50,
      onEvent: (event) => {
        if (event.kind === 'messages') this.offsets.push(...event.messages.map(({ offset }) => offset))
      },
      clock: this.clock,
      random: this.random,
    })
    this.session.start()
  }

  pick<T>(list: readonly T[]): T | undefined {
    return list[Math.floor(this.random() * list.length)]
  }

  /** Takes up the openings that are new, and lets those go that were given up or closed. */
  look(): void {
    for (const opening of this.openings.splice(0)) {
      const { start } = opening.request
      const line: Line = {
        opening,
        phase: 'opening',
        // Where the newest messages begin is known when the server answers.
        offset: 'after' in start ? start.after.offset : Number.NaN,
        stored: 0,
      }
      this.lines.push(line)
      const giveUp = (): void => {
        if (line.phase === 'opening') opening.refuse(new LinkError('local', 'Given up.'))
        line.phase = 'ended'
      }
      if (opening.request.signal.aborted) giveUp()
      else opening.request.signal.addEventListener('abort', giveUp)
    }
    for (const line of this.lines) if (line.opening.closes > 0) line.phase = 'ended'
  }

  of(phase: Line['phase']): readonly Line[] {
    this.look()
    return this.lines.filter((line) => line.phase === phase)
  }

  /** What is opened at the same time needn't be answered at the same time. */
  answerSome(): void {
    for (const line of this.of('opening')) if (this.random() < 0.6) this.answer(line)
  }

  answer(line: Line): void {
    switch (this.weather.get(line.opening.transport)) {
      case 'fine':
        line.phase = 'open'
        if ('last' in line.opening.request.start)
          line.offset = Math.max(0, this.head - line.opening.request.start.last)
        line.opening.open(this.head, line.offset)
        break
      case 'refused':
        line.phase = 'ended'
        line.opening.refuse(new LinkError('network', 'refused'))
        break
      case 'busy':
        line.phase = 'ended'
        line.opening.refuse(
          new LinkError('refused', 'Busy.', {
            retry: true,
            retryAfterMs: 500,
            problem: problem('overloaded', 'Busy.', { retryAfterMs: 500 }),
          }),
        )
        break
      default:
    }
  }

  /** Stores what the link was given, acknowledges it, and delivers some of what there is. */
  deliver(line: Line): void {
    for (; line.stored < line.opening.sent.length; line.stored++) {
      const sent = line.opening.sent[line.stored]
      if (sent === undefined) continue
      if (!this.log.includes(sent.draft.text)) {
        this.log.push(sent.draft.text)
        this.head += 1
      }
      sent.accept(this.head)
    }
    if (line.offset >= this.head) return
    const upTo = line.offset + 1 + Math.floor(this.random() * (this.head - line.offset))
    line.opening.deliver(messages(line.offset + 1, upTo))
    line.offset = upTo
  }

  /** The links of the first race are answered one after the other, the worst first, as fast ones often are, while people talk. */
  async race(): Promise<void> {
    for (let joined = 1; joined < order.length; joined++) {
      this.clock.advance(raceStepMs)
      await turn()
    }
    for (const line of this.of('opening').toReversed()) {
      this.head += Math.floor(this.random() * 4)
      this.answer(line)
      await turn()
      for (const open of this.of('open')) if (this.random() < 0.5) this.deliver(open)
      this.check()
    }
  }

  async step(): Promise<void> {
    const draw = this.random()
    if (draw < 0.25) this.clock.advance(this.random() * (this.random() < 0.1 ? 70_000 : 700))
    else if (draw < 0.5) this.answerSome()
    else if (draw < 0.6) this.head += 1
    else if (draw < 0.72) for (const line of this.of('open')) this.deliver(line)
    else if (draw < 0.75) this.session.send('ada', `draft ${this.drafts++}`)
    else if (draw < 0.83) this.cut()
    else if (draw < 0.91) this.ask()
    else if (draw < 0.94) this.session.reconnect()
    else this.weather.set(this.pick(names) ?? 'socket', this.pick(weathers) ?? 'fine')
    // Now and then the next step comes before this one has been noticed.
    if (this.random() < 0.7) await turn()
    this.check()
  }

  cut(): void {
    const line = this.pick(this.of('open'))
    if (line === undefined) return
    line.phase = 'ended'
    line.opening.end({ cause: this.pick(['network', 'idle', 'peer'] as const) ?? 'network' })
  }

  ask(): void {
    this.unsettled += 1
    this.session
      .switchTo(this.pick([...names, auto]) ?? auto)
      .catch((error: unknown) => expect(error).toBeInstanceOf(LinkError))
      .finally(() => {
        this.unsettled -= 1
      })
  }

  check(): void {
    // One, or those of a race.
    expect(this.of('opening').length).toBeLessThanOrEqual(order.length)
    expect(this.of('open').length).toBeLessThanOrEqual(3)
    const first = this.first ?? 0
    this.offsets.forEach((offset, index) => {
      if (offset !== first + index) expect.fail(`handed up as number ${index + 1}: ${offset}`)
    })
    // This server skips nothing, so nobody may say that it has.
    expect(this.session.state.trouble?.cause).not.toBe('protocol')
  }

  /** The first offset that was handed up. */
  get first(): number | undefined {
    return this.offsets[0]
  }

  /** Time passes; whatever is opened is answered, and all that there is arrives. */
  async pass(seconds: number, until: () => boolean = () => false): Promise<void> {
    for (let second = 0; second < seconds && !until(); second++) {
      for (const line of this.of('opening')) this.answer(line)
      await turn()
      for (const line of this.of('open')) this.deliver(line)
      await turn()
      this.check()
      this.clock.advance(1000)
      await turn()
    }
  }
}

describe(`sessions on ${walks} random walks (seed ${seed})`, () => {
  const seeds = Array.from({ length: walks }, (_, index) => seed + index)

  test.each(seeds)('walk %i: once and in order, and in the end all is as wished', async (ownSeed) => {
    const walk = new Walk(ownSeed)
    if (walk.races) await walk.race()
    for (let step = 0; step < steps; step++) await walk.step()
    for (const name of names) walk.weather.set(name, 'fine')
    // As long as the longest skip, and another that was found meanwhile.
    await walk.pass(1300)
    const { phase, transport, wished, skipped, links, cursor } = walk.session.state
    expect({ phase, transport, skipped, links: links.map(({ phase: shown }) => shown) }).toEqual({
      phase: 'open',
      transport: wished === auto ? order[0] : wished,
      skipped: [],
      links: ['live'],
    })
    expect(walk.unsettled).toBe(0)
    if (walk.first !== undefined) expect(walk.offsets.length).toBe(walk.head - walk.first + 1)
    expect(walk.log).toEqual(Array.from({ length: walk.drafts }, (_, index) => `draft ${index}`))
    expect(walk.session.state.pending).toBe(0)
    expect(cursor?.offset ?? 0).toBe(walk.head)
    await walk.session.close()
    await turn()
    walk.look()
    expect(walk.lines.filter((line) => line.phase !== 'ended')).toEqual([])
    expect(walk.clock.nextInMs).toBeNull()
  })

  test.each(seeds)('walk %i: with one transport that works the session is open soon', async (ownSeed) => {
    const walk = new Walk(ownSeed)
    if (walk.races) await walk.race()
    for (let step = 0; step < steps; step++) await walk.step()
    for (const name of names) walk.weather.set(name, walk.pick(['refused', 'swallowed']) ?? 'refused')
    walk.weather.set(walk.pick(order) ?? 'polls', 'fine')
    for (const line of walk.of('open')) line.opening.end()
    await walk.pass(150, () => walk.session.state.phase === 'open')
    expect(walk.session.state.phase).toBe('open')
    await walk.session.close()
    await turn()
    expect(walk.unsettled).toBe(0)
    expect(walk.clock.nextInMs).toBeNull()
  })
})
