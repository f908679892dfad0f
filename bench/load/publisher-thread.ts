// The publisher, in a thread of the generator's process: what the subscribers' callbacks do does not make it late, and the clock is theirs.
import { parentPort } from 'node:worker_threads'
import { messageOf } from '../../transports/errors.ts'
import { nowMs } from './clock.ts'
import { type PacingClock, pace, realClock } from './pacing.ts'
import { Poster } from './poster.ts'
import { newId } from './publisher.ts'
import type { PublisherAnswer, PublisherOrder, PublishOrder } from './publishing.ts'
import { textOf } from './text.ts'

const clock: PacingClock = { ...realClock, nowMs }
const posters = new Map<string, Poster>()

async function publish(order: PublishOrder): Promise<readonly string[]> {
  const { url, rooms, roomOf, firstIndex, times, sentMs, stop, startMs, textBytes } = order
  const poster = await warmed(url, order.connections)
  const before = poster.problems.length
  const bodies = Array.from({ length: times.length }, (_, place) =>
    JSON.stringify({ id: newId(), user: 'bench', text: textOf(firstIndex + place, textBytes) }),
  )
  const send = (place: number): void => {
    poster.send(rooms[roomOf[place] ?? 0] ?? '', bodies[place] ?? '', () => {
      sentMs[firstIndex + place] = nowMs()
    })
  }
  await pace(clock, startMs, times, send, () => stop[0] === 1)
  await poster.settled()
  return poster.problems.slice(before)
}

async function warmed(url: string, connections: number): Promise<Poster> {
  let poster = posters.get(url)
  // One that has had trouble is not used again.
  if (poster !== undefined && poster.problems.length > 0) {
    poster.close()
    poster = undefined
  }
  if (poster === undefined) {
    poster = new Poster(new URL(url))
    posters.set(url, poster)
  }
  await poster.warm(connections)
  return poster
}

async function carryOut(order: PublisherOrder): Promise<PublisherAnswer> {
  try {
    switch (order.kind) {
      case 'warm':
        await warmed(order.url, order.connections)
        return { problems: [] }
      case 'publish':
        return { problems: await publish(order) }
      case 'forget': {
        for (const poster of posters.values()) poster.close()
        posters.clear()
        return { problems: [] }
      }
    }
  } catch (error) {
    return { problems: [messageOf(error)] }
  }
}

parentPort?.on('message', (order: PublisherOrder) => {
  carryOut(order).then((answer) => parentPort?.postMessage(answer))
})
