// Mutants of the hub and the logs: commits, the pump, rings and pages, resume, the drain.
import type { Mutant } from '../mutant.ts'

const room = 'transports/hub/room.ts'
const queue = 'transports/hub/commit-queue.ts'
const ring = 'transports/hub/ring.ts'
const sqlite = 'server/log/sqlite.ts'

export const hubMutants: readonly Mutant[] = [
  {
    name: 'log-acknowledges-before-the-commit',
    file: sqlite,
    edits: [
      {
        find: 'this.#begin.run()\n',
        replace: 'if (!this.#database.isTransaction) this.#begin.run()\n',
      },
      {
        find: 'this.#commit.run()\n',
        replace:
          'setTimeout(() => {\n        if (this.#database.isOpen && this.#database.isTransaction) this.#commit.run()\n      }, 100)\n',
      },
    ],
    breaks: 'Senders hear "stored" a moment before it is on disk.',
    caughtBy: 'crash',
  },
  {
    name: 'log-forgets-ids-in-memory',
    file: 'transports/hub/memory-log.ts',
    edits: [{ find: 'log.byId.set(draft.id, message)', replace: '' }],
    breaks: 'A draft that comes again is stored twice.',
    caughtBy: 'storm',
  },
  {
    name: 'log-forgets-ids-on-disk',
    file: 'server/log/transaction.ts',
    edits: [
      {
        find: 'const identifiers = drafts.map((draft) => identifierBytes(draft.id))',
        replace:
          'const identifiers = drafts.map((draft) => {\n        const bytes = identifierBytes(draft.id)\n        if (bytes !== null) crypto.getRandomValues(bytes.subarray(12))\n        return bytes\n      })',
      },
    ],
    breaks: 'The log on disk keeps an id that is not the draft’s, so one that comes again is stored twice.',
    caughtBy: 'crash',
  },
  {
    name: 'commit-loses-what-is-over',
    file: queue,
    edits: [{ find: ': this.#waiting.slice(taken)\n', replace: ': this.#waiting.slice(taken + 1)\n' }],
    breaks: 'Of more than 256 drafts in a tick, the first of the next commit is lost.',
    caughtBy: 'equivalence',
    only: '× none',
  },
  {
    name: 'commit-reorders',
    file: queue,
    edits: [{ find: 'this.#commit(batch)\n', replace: 'this.#commit([...batch].reverse())\n' }],
    breaks: 'What comes in one tick is stored in the reverse order.',
    caughtBy: 'storm',
  },
  {
    name: 'batch-reorders',
    file: ring,
    edits: [
      {
        find: 'const entries = messages.map((message) => {',
        replace: 'const entries = [...messages].reverse().map((message) => {',
      },
    ],
    breaks: 'A tick’s messages go out in the reverse order.',
    caughtBy: 'storm',
  },
  {
    name: 'ring-reads-one-too-far',
    file: ring,
    edits: [
      { find: 'const from = cursor.offset - tail\n', replace: 'const from = cursor.offset - tail + 1\n' },
    ],
    breaks: 'A page from memory begins behind its first message.',
    caughtBy: 'storm',
  },
  {
    name: 'pump-forgets-who-drained',
    file: room,
    edits: [{ find: 'this.blocked = false\n    this.#room.advance(this)', replace: 'this.blocked = false' }],
    breaks: 'A reader whose wire was full once gets nothing any more.',
    caughtBy: 'equivalence',
    only: 'slow reader',
  },
  {
    name: 'pump-ignores-a-full-wire',
    file: room,
    edits: [
      { find: 'if (!subscription.write(batch)) {', replace: 'if (!subscription.write(batch) && false) {' },
    ],
    breaks: 'A reader that stops is written to all the same, and its wire queues it all.',
    caughtBy: 'equivalence',
    only: 'slow reader',
  },
  {
    name: 'pump-resumes-one-too-late',
    file: room,
    edits: [
      {
        find: 'subscription.blocked = true\n        subscription.cursor = batch.cursor',
        replace:
          'subscription.blocked = true\n        subscription.cursor = { ...batch.cursor, offset: batch.cursor.offset + 1 }',
      },
    ],
    breaks: 'A reader that was full goes on one message too late.',
    caughtBy: 'equivalence',
    only: 'slow application',
  },
  {
    name: 'room-joins-one-too-early',
    file: room,
    edits: [
      {
        find: 'subscription.cursor.offset === head.offset &&',
        replace: 'subscription.cursor.offset >= head.offset - 1 &&',
      },
    ],
    breaks: 'A reader that is one message behind counts as being at the head.',
    caughtBy: 'contract',
  },
  {
    name: 'room-resumes-at-the-head',
    file: room,
    edits: [
      {
        find: 'new RoomSubscription(this, start, this.head(), subscriber)',
        replace: 'new RoomSubscription(this, this.head(), this.head(), subscriber)',
      },
    ],
    breaks: 'The server starts a link at the head, whatever its cursor.',
    caughtBy: 'contract',
  },
  {
    name: 'room-keeps-stale-pages',
    file: room,
    edits: [{ find: 'this.#forgetPages()\n      this.#pump(batch)', replace: 'this.#pump(batch)' }],
    breaks: 'A page that was remembered before there was more is given out afterwards.',
    caughtBy: 'storm',
  },
  {
    name: 'range-skips-what-was-trimmed',
    file: 'transports/hub/range.ts',
    edits: [
      {
        find: "if (cursor.offset < tail.offset) return { kind: 'gap', after: cursor, cursor: tail }",
        replace:
          "if (cursor.offset < tail.offset) return { kind: 'span', after: tail.offset, until: head.offset, keep: 'oldest' }",
      },
    ],
    breaks: 'What was trimmed is skipped without a word.',
    caughtBy: 'equivalence',
    only: 'trimmed',
  },
  {
    name: 'range-continues-another-log',
    file: 'transports/hub/range.ts',
    edits: [{ find: 'cursor.epoch !== head.epoch || cursor.offset', replace: 'cursor.offset' }],
    breaks: 'A cursor of a log that was lost is continued in the new one.',
    caughtBy: 'equivalence',
    only: 'epoch',
  },
  {
    name: 'drain-says-nothing',
    file: 'transports/hub/hub.ts',
    edits: [
      {
        find: "subscription.close({ cause: 'peer', retry: true, retryAfterMs: this.#comeBackMs(), detail })",
        replace: 'void detail',
      },
    ],
    breaks: 'A server that goes away tells its streams and sockets nothing.',
    caughtBy: 'contract',
  },
  {
    name: 'replaced-links-stay',
    file: 'transports/hub/links.ts',
    edits: [{ find: 'entry.open.delete(link)\n        replace()', replace: 'entry.open.delete(link)' }],
    breaks: 'A link that a newer one took over from is never closed (R24).',
    caughtBy: 'contract',
  },
]
