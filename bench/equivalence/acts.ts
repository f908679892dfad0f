// What faults are made of: the people and the path of a cell, and what can be done to them.
import { setTimeout as sleep } from 'node:timers/promises'
import { describeTransport } from '../../transports/catalogue.ts'
import type { TransportName } from '../../transports/contract.ts'
import { wireLimits } from '../../transports/limits.ts'
import { type Profile, profiles } from '../relay/profile.ts'
import { draftOf, type Follower, type SessionPerson } from './people.ts'
import { scale } from './scale.ts'
import type { Stage } from './stage.ts'

export interface Scene {
  readonly stage: Stage
  /** On bare links. */
  readonly follower: Follower
  /** Reads and writes. */
  readonly person: SessionPerson
  /** In the room where nothing is said before the fault. */
  readonly quiet: SessionPerson
  /** Resolves when it holds; rejects with what was waited for when it does not in time. */
  until(what: string, condition: () => boolean): Promise<void>
}

/** Plays a fault from its beginning to its end. */
export type Play = (scene: Scene) => Promise<void>

const profile = (name: string, changes: Partial<Profile>): Profile => ({
  ...profiles.none,
  name,
  summary: name,
  ...changes,
})

/** A path that is worse for a time and stays up. */
export function standing(changes: Partial<Profile>): Play {
  return async ({ stage }) => {
    stage.path.all((relay) => relay.setProfile(profile('worse', changes)))
    await sleep(scale.longStallMs / 2)
    stage.path.all((relay) => relay.setProfile(profiles.none))
  }
}

export function cutting(how: 'rst' | 'fin'): Play {
  return async ({ stage }) => {
    // Three in a row: a session that is only just back is cut again (R27).
    for (let times = 0; times < 3; times++) {
      stage.path.all((relay) => relay.cut(how))
      await sleep(scale.pollMs * 2.5)
    }
  }
}

/** Publishes messages of the greatest length: more than any wire takes while nobody reads, or, for polls, than any answer. */
export async function flood({ stage, follower }: Scene): Promise<void> {
  const text = 'flood '.padEnd(wireLimits.textBytes, 'x')
  const inTurn = 50
  const { floodMessages, pollingFloodMessages } = scale
  const count = staysOpen(follower.transportName) ? floodMessages : pollingFloodMessages
  for (let sent = 0; sent < count; sent += inTurn) {
    await publishMany(stage, inTurn, text)
    await sleep(5)
  }
}

export function staysOpen(transport: TransportName): boolean {
  return describeTransport(transport).link === 'stays'
}

export function publishMany(stage: Stage, count: number, text: string): Promise<void> {
  return stage.publish(
    'busy',
    Array.from({ length: count }, () => draftOf('publisher', text)),
  )
}
