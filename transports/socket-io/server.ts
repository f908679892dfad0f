// Socket.IO, server half: the library's server behind Parley's dispatch, its sockets as subscribers of the hub.
import { Server, type Socket } from 'socket.io'
import type { MountContext, Query, ServerTransport } from '../contract.server.ts'
import { serverLimits } from '../limits.ts'
import { type Problem, ProblemError, problem } from '../problem.ts'
import { problemFor } from '../request.server.ts'
import { RoomEngine } from './engine.server.ts'
import { SocketIoSubscriber } from './subscriber.server.ts'

export const socketIoServer: ServerTransport = {
  name: 'socket-io',
  mount(app, context) {
    const log = (error: unknown): void => app.log.error(error)
    const engine = new RoomEngine(context, log)
    const io = new Server({ serveClient: false, connectTimeout: serverLimits.headSeconds * 1000 })
    io.bind(engine)
    admitReaders(io, engine, context, log)
    context.quick((request, response) => engine.take(request, response))
    context.upgrade('socket-io', engine.upgrade)
    app.addHook('onClose', () => {
      engine.endAll()
      engine.close()
    })
    // Those that joined no room hold the server up; readers are told by the hub.
    app.addHook('preClose', (done) => {
      engine.endPlaceless()
      done()
    })
  },
}

/** A refusal as the library carries it: the client finds `data` in its `connect_error`. */
class Refusal extends Error {
  readonly data: Problem

  constructor(value: Problem) {
    super(value.title)
    this.data = value
  }
}

function admitReaders(
  io: Server,
  engine: RoomEngine,
  context: MountContext,
  log: (error: unknown) => void,
): void {
  const subscribers = new WeakMap<Socket, SocketIoSubscriber>()
  io.use((socket, next) => {
    try {
      const session = engine.sessionOf(socket.conn)
      // One that asks to be connected many times would have many places in the room.
      if (session === undefined || !session.claim() || socket.conn.readyState !== 'open') {
        socket.conn.close(true)
        throw new ProblemError(problem('bad-request', 'A session connects once.'))
      }
      const subscriber = new SocketIoSubscriber(context, session, socket, log)
      subscriber.enter(queryIn(socket.handshake.auth))
      subscribers.set(socket, subscriber)
    } catch (error) {
      next(new Refusal(problemFor(error, log)))
      return
    }
    next()
  })
  io.on('connection', (socket) => subscribers.get(socket)?.begin())
}

/** The handshake's fields as the parameters that they are elsewhere. Throws `bad-request`. */
function queryIn(auth: Readonly<Record<string, unknown>>): Query {
  const query: Record<string, string> = {}
  for (const name of ['after', 'last', 'session', 'link']) {
    const value = auth[name]
    if (value === undefined) continue
    if (typeof value !== 'string')
      throw new ProblemError(problem('bad-request', `"${name}" of the handshake is no string.`))
    query[name] = value
  }
  return query
}
