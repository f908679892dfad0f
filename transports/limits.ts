// Every bound of the wire and of the hub, in one place. Units are in the names.

/** Bounds that both sides know: the server enforces them, the client checks before it sends. */
export const wireLimits = {
  /** A room's name: `[A-Za-z0-9_-]{1,64}`. */
  roomCharacters: 64,
  /** A user's name, in Unicode code points. */
  userCharacters: 40,
  /** A message's text, encoded in UTF-8. */
  textBytes: 8 * 1024,
  /** One draft as JSON: the text may be escaped to six times its size (`\u0001`). */
  draftBytes: 64 * 1024,
  /** A position on the wire, see `cursor.ts`. */
  cursorCharacters: 57,
  /** How long a read may wait for something to read (`wait=`), in seconds. */
  waitSeconds: 30,
  /** Messages in one answer to a read. */
  pageMessages: 500,
  /** Messages that a read gives when it does not say how many. */
  pageMessagesDefault: 100,
} as const

/** Bounds of the server alone. */
export const serverLimits = {
  /** A batch or a page is at most this long when encoded, or one message: it bounds what a stopped reader costs (R38). */
  batchBytes: 32 * 1024,
  /** Drafts in one commit, so that a commit never holds the event loop for long. */
  commitDrafts: 256,
  /** Drafts that wait for a commit; beyond it a send is refused with 503 and `Retry-After`. */
  queuedDrafts: 16 * 1024,
  /** Rooms that hold messages. */
  rooms: 10_000,
  /** Subscribers of all rooms together. */
  subscribers: 50_000,
  /** Messages of a room that stay in memory behind its head, for readers that are a little late. */
  ringMessages: 1024,
  /** The same, in bytes of JSON. */
  ringBytes: 1024 * 1024,
  /** Drafts of one socket that wait for their receipt; beyond it the socket is not read. */
  socketDraftsInFlight: 256,
  /** What a socket may hold unsent before it is not read any more: a peer that asks and does not read the answers. */
  socketBacklogBytes: 96 * 1024,
  /** Answers to reads that a connection has not taken yet; beyond it the next ones wait (R38). */
  unreadAnswerBytes: 48 * 1024,
  /** An EventSource that was cut comes back by itself within this time, each after a wait of its own (R33). */
  eventSourceRetryMs: 2000,
  /** Parked polls of one connection, those included whose answers are not taken yet: the tabs of a browser share one over HTTP/2. */
  parkedPollsOnConnection: 128,
  /** Packets of Socket.IO that wait behind a write, or for the next poll: a batch, and answers to what was asked. Beyond it the session ends. */
  waitingPackets: 2048,
  waitingPacketBytes: 192 * 1024,
  /** Socket.IO's engine waits for so much of a heartbeat between a pong and the next ping: with a round trip on top, one comes each heartbeat. */
  enginePingShare: 0.75,
  /** Handshakes of Socket.IO that have joined no room yet, all together: some 7 KiB each, for `headSeconds` at most. */
  handshakes: 4096,
  /** What a refusal takes on the wire, about. */
  problemBytes: 512,
  /** Requests of one connection that wait for their turn; what is beyond is reset: the stream, or an HTTP/1.1 connection. */
  waitingRequests: 8,
  /** Requests of an HTTP/2 connection that are reset so, without an answer taken between; then the connection ends. */
  resetsInRow: 64,
  /** An answer that is not taken by then is ended: the clients of this lab have given it up long ago. */
  unreadAnswerMs: 20_000,
  /** A refused draft is named in the refusal when its id is no longer than this: else each answer could be as long as what is asked. */
  namedIdCharacters: 64,
  /** WebSockets on one HTTP/2 connection, as concurrent streams: all tabs of a browser share it. RFC 9113 §6.5.2 asks for 100 or more. */
  socketsOnConnection: 128,
  /** Sessions whose links are remembered. */
  sessions: 100_000,
  /** How long an older link of a session may live on after a newer one's hello (R24). */
  handoverMs: 1000,
  /** How long a session's number of links is remembered after its last sign of life. */
  sessionMemoryMs: 120_000,
  /** How often a link that is kept open says that it is alive, whatever else flows. */
  heartbeatMs: 10_000,
  /** How long a peer may owe an answer to a ping before it is taken for dead (R34). */
  pongMs: 10_000,
  /** A client's handshake or request head must be whole by then. */
  headSeconds: 10,
  /** How long an HTTP/1.1 connection is kept when nothing is asked: longer than the intervals of polls, and than a minute, which many clients and proxies keep one for. */
  keepAliveMs: 72_000,
  /** The head of a request. */
  headBytes: 16 * 1024,
  /** On a drain nobody is asked to come back earlier than this: the server that follows has to start first. */
  drainAwayMs: 1000,
  /** From then on they are asked to come back spread over so much time for each of them (R33): a few need not wait as a crowd must. */
  drainSpreadPerClientMs: 5,
  /** The same for all of them together, at most. */
  drainSpreadMs: 5000,
  /** A link that the server ends has this long to take its goodbye. */
  goodbyeDeadlineMs: 1000,
  /** On a drain, what has not taken its goodbye by then is destroyed (R5). */
  drainDeadlineMs: 700,
} as const
