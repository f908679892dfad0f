// Mutants of the transports: ends of links, signs of life, back-pressure, polls and POSTs.
import type { Mutant } from '../mutant.ts'

export const transportMutants: readonly Mutant[] = [
  {
    name: 'link-ends-twice',
    file: 'transports/link-end.ts',
    edits: [{ find: 'if (this.#reason !== null) return\n', replace: '' }],
    breaks: '`closed` comes once for every cause that there is.',
    caughtBy: 'contract',
  },
  {
    name: 'client-never-misses-the-server',
    file: 'transports/liveness.ts',
    edits: [
      { find: '} else {\n      this.stop()\n      this.#dead()', replace: '} else {\n      this.stop()' },
    ],
    breaks: 'A client never gives up a link that has gone silent (R34).',
    caughtBy: 'equivalence',
    only: 'half-open',
  },
  {
    name: 'server-never-misses-a-socket',
    file: 'transports/socket-liveness.ts',
    edits: [{ find: 'this.unwatch(socket)\n        socket.terminate()', replace: 'this.unwatch(socket)' }],
    breaks: 'The server keeps the place of a WebSocket whose peer is gone (R34).',
    caughtBy: 'equivalence',
    only: 'half-open',
  },
  {
    name: 'server-never-misses-a-stream',
    file: 'transports/session-pulse.server.ts',
    edits: [{ find: '} else session.destroy()', replace: '}' }],
    breaks: 'The server keeps the place of a stream whose peer is gone (R34).',
    caughtBy: 'equivalence',
    only: 'half-open',
  },
  {
    name: 'stream-has-no-heartbeats',
    file: 'transports/http2-push/server.ts',
    edits: [
      {
        find: 'if (!this.#ended && !stream.writableNeedDrain) stream.write(document)',
        replace: 'void document',
      },
    ],
    breaks: 'A stream without messages gives no sign of life.',
    caughtBy: 'contract',
  },
  {
    name: 'stream-says-no-goodbye',
    file: 'transports/http2-push/server.ts',
    edits: [
      { find: "this.#stream.end(line({ kind: 'goodbye', ...reason }))", replace: 'this.#stream.end()' },
    ],
    breaks: 'A stream that the server ends looks like one that broke.',
    caughtBy: 'contract',
  },
  {
    name: 'socket-client-reads-on',
    file: 'transports/socket-link.ts',
    edits: [{ find: '        socket.pause?.()\n', replace: '' }],
    breaks: 'A client whose application is slow takes in all that comes (R39).',
    caughtBy: 'equivalence',
    only: 'slow application',
  },
  {
    name: 'stream-client-reads-on',
    file: 'transports/http2-push/client.ts',
    edits: [{ find: 'if (taken !== undefined) await this.#waitFor(taken)', replace: 'void taken' }],
    breaks: 'An application that is slow is called again before it is ready.',
    caughtBy: 'equivalence',
    only: 'slow application',
  },
  {
    name: 'polls-overlap',
    file: 'transports/polling/client.ts',
    edits: [{ find: 'void link.run()\n', replace: 'void link.run()\n    void link.run()\n' }],
    breaks: 'Two polls of one link are under way at a time (R36).',
    caughtBy: 'contract',
  },
  {
    name: 'poll-forgets-its-cursor',
    file: 'transports/polling/client.ts',
    edits: [
      {
        find: 'cursor = reached\n',
        replace: 'if (sameCursor(document?.head ?? reached, reached)) cursor = reached\n',
      },
    ],
    breaks: 'A poll that has more to fetch asks from the same place again.',
    caughtBy: 'contract',
  },
  {
    name: 'unchanged-is-said-of-what-has-changed',
    file: 'transports/polling/unchanged.server.ts',
    edits: [
      {
        find: ' && after === formatCursor(head)',
        replace: ' && head.offset - Number(after.split(".")[1]) < 2',
      },
    ],
    breaks: 'One new message is answered as none.',
    caughtBy: 'contract',
  },
  {
    name: 'posts-overtake-a-failed-one',
    file: 'transports/http.client.ts',
    edits: [{ find: 'if (failure.retry)\n', replace: 'if (failure.retry && false)\n' }],
    breaks: 'Drafts behind one that must be sent again are sent before it (R29).',
    caughtBy: 'storm',
  },
  {
    name: 'long-poll-asks-from-the-beginning',
    file: 'transports/long-polling/client.ts',
    edits: [{ find: 'await this.#next(document.cursor)', replace: 'await this.#next(this.start)' }],
    breaks: 'A long poll is asked again from where its link began: all comes twice.',
    caughtBy: 'contract',
  },
  {
    name: 'event-stream-forgets-where-it-was',
    file: 'transports/server-sent-events/server.ts',
    edits: [
      {
        find: "if (lastEventId === undefined || lastEventId === '') return startOf(query)",
        replace: "if (lastEventId !== 'never') return startOf(query)",
      },
    ],
    breaks: 'An EventSource that reconnects is given again what it has had (Last-Event-ID).',
    caughtBy: 'equivalence',
    only: 'cut .RST',
  },
]
