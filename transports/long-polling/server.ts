// Long polling, server half: `GET /rooms/:room/messages?wait=SECONDS` is answered when there is something to say, or when its time is over.
import type { IncomingMessage, ServerResponse } from 'node:http'
import { hostOf } from '../before-router.server.ts'
import type { MountContext, Query, ServerTransport } from '../contract.server.ts'
import { wireLimits } from '../limits.ts'
import { ProblemError, problem } from '../problem.ts'
import {
  answerProblem,
  identityOf,
  one,
  problemFor,
  queryOf,
  startOf,
  wholeNumber,
} from '../request.server.ts'
import { roomProblem } from '../text.ts'
import { ParkedPoll } from './parked-poll.server.ts'
import { ParkingLot } from './parking-lot.server.ts'

/** A read that says how long it would wait. */
const longPoll = /^\/rooms\/([^/?#]*)\/messages\?((?:[^#]*&)?wait=[^#]*)$/

export const longPollingServer: ServerTransport = {
  name: 'long-polling',
  mount(app, context) {
    const lot = new ParkingLot(context.heartbeatMs)
    const log = (error: unknown): void => app.log.error(error)
    context.hub.alsoHolds(() => lot.queued())
    app.addHook('onClose', () => lot.stop())
    // Before the router: what Fastify keeps for a request would be kept for each that is parked. Of 5,000, each keeps 3.3 KiB alive over
    // HTTP/1.1 and 5.3 KiB on 100 HTTP/2 connections, beside its connection (resident, with all that belongs to it: 23 and 21 KiB).
    // Answering one takes 40 and 60 µs of CPU, its next question included; an ordinary poll with the same news takes 41 and 49 µs.
    context.quick((request, response) => {
      const [, room, search] = (request.method === 'GET' && longPoll.exec(request.url ?? '')) || []
      if (room === undefined || search === undefined) return false
      try {
        park(context, lot, { request, response, room, query: queryOf(search) })
      } catch (error) {
        answerProblem(response, problemFor(error, log))
      }
      return true
    })
  },
}

interface Asked {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly room: string
  readonly query: Query
}

/** Throws a `ProblemError` when it may not wait; nothing is left of it then. */
function park(context: MountContext, lot: ParkingLot, { request, response, room, query }: Asked): void {
  const { hub, guard } = context
  const { origin } = request.headers
  const refused = guard({ host: hostOf(request.headers), origin })
  if (refused !== null) throw new ProblemError(refused)
  const wrongRoom = roomProblem(room)
  if (wrongRoom !== null) throw new ProblemError(problem('bad-room', wrongRoom))
  hub.assertServing()
  if (one(query, 'before') !== undefined || one(query, 'limit') !== undefined)
    throw new ProblemError(problem('bad-request', '"wait" goes with "after" or "last", and nothing else.'))
  const waitSeconds = wholeNumber(query, 'wait', 0, wireLimits.waitSeconds) ?? 0
  const start = startOf(query)
  const identity = identityOf(query, origin)
  const poll = new ParkedPoll({ hub, lot, request, response, room })
  try {
    poll.subscription = hub.subscribe(room, start, poll)
    // Only now: one that has no place must not end one that has (R30).
    if (identity !== null) poll.identify(identity)
  } catch (error) {
    poll.forget()
    throw error
  }
  poll.wait(waitSeconds * 1000)
}
