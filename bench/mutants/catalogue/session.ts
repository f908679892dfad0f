// Mutants of the session and its outbox: order, resume, the switch, drafts.
import type { Mutant } from '../mutant.ts'

const session = 'transports/session.ts'
const position = 'transports/session-position.ts'
const outbox = 'transports/outbox.ts'

export const sessionMutants: readonly Mutant[] = [
  {
    name: 'session-hands-up-what-it-has',
    file: position,
    edits: [
      {
        find: 'const known = Math.min(at.offset - after.offset, messages.length)',
        replace: 'const known = 0',
      },
    ],
    breaks: 'What comes over both links of a switch is handed up twice.',
    caughtBy: 'storm',
  },
  {
    name: 'session-ignores-holes',
    file: position,
    edits: [
      {
        find: 'if (cursor.epoch !== at.epoch || after.offset > at.offset) {',
        replace: 'if (cursor.epoch !== at.epoch) {',
      },
    ],
    breaks: 'A delivery that skips messages is taken as if it continued.',
    caughtBy: 'equivalence',
    only: 'a delivery lost',
  },
  {
    name: 'session-resumes-at-the-head',
    file: session,
    edits: [
      {
        find: 'this.#position.cursor === null ? { last: this.#options.last } : { after: this.#position.cursor }',
        replace: '{ last: this.#options.last }',
      },
    ],
    breaks: 'A new link asks for the newest messages in place of what follows the cursor.',
    caughtBy: 'equivalence',
    only: 'cut',
  },
  {
    name: 'session-resumes-from-the-start',
    file: session,
    edits: [
      {
        find: '{ after: this.#position.cursor }',
        replace: '{ after: { ...this.#position.cursor, offset: 0 } }',
      },
    ],
    breaks: 'A new link asks for the whole log again; the dedupe hides it.',
    caughtBy: 'equivalence',
    only: 'cut',
  },
  {
    name: 'session-forgets-where-a-silent-link-began',
    file: session,
    edits: [{ find: 'this.#position.cursor ??= attempt.link?.start ?? null', replace: '' }],
    breaks: 'A link that is cut before its first message loses what follows (R26).',
    caughtBy: 'equivalence',
    only: 'cut',
  },
  {
    name: 'session-drops-a-gap',
    file: position,
    edits: [
      {
        find: 'if (delivery.cursor.offset <= after.offset) return nothing',
        replace: 'if (delivery) return nothing',
      },
    ],
    breaks: 'A gap is not told, and the cursor stays where nothing can follow it.',
    caughtBy: 'equivalence',
    only: 'trimmed',
  },
  {
    name: 'session-drops-a-reset',
    file: position,
    edits: [{ find: 'if (resets !== this.resets) return nothing', replace: 'if (delivery) return nothing' }],
    breaks: 'Another log is not told, and its messages are taken for a mistake.',
    caughtBy: 'equivalence',
    only: 'epoch',
  },
  {
    name: 'switch-lets-go-too-early',
    file: session,
    edits: [
      {
        find: 'this.#former = this.#live\n    this.#live = attempt',
        replace: 'void this.#live?.end()\n    this.#former = null\n    this.#live = attempt',
      },
    ],
    breaks: 'A switch closes the former link before the new one has caught up.',
    caughtBy: 'equivalence',
    only: 'switch',
  },
  {
    name: 'switch-never-lets-go',
    file: session,
    edits: [
      {
        find: 'const former = this.#former\n    this.#former = null\n    void former?.end()',
        replace: 'const former = this.#former\n    this.#former = null',
      },
    ],
    breaks: 'A switch leaves the former link open, to be cleared away by the server.',
    caughtBy: 'equivalence',
    only: 'switch',
  },
  {
    name: 'outbox-forgets-drafts',
    file: outbox,
    edits: [
      {
        find: 'use(link: Link | null): void {\n    this.#link = link',
        replace: 'use(link: Link | null): void {\n    this.#link = link\n    this.#pending.clear()',
      },
    ],
    breaks: 'What was not acknowledged is forgotten when the link changes.',
    caughtBy: 'equivalence',
    only: 'cut',
  },
  {
    name: 'outbox-sends-nothing-again',
    file: outbox,
    edits: [{ find: 'if (pending.on === link) continue', replace: 'if (pending.on !== null) continue' }],
    breaks: 'A draft whose former link still held it is never sent over the new one.',
    caughtBy: 'equivalence',
    only: 'switch',
  },
  {
    name: 'outbox-sends-the-newest-first',
    file: outbox,
    edits: [
      {
        find: 'for (const pending of this.#pending.values()) {',
        replace: 'for (const pending of [...this.#pending.values()].reverse()) {',
      },
    ],
    breaks: 'After a cut, new drafts are sent before the unacknowledged ones.',
    caughtBy: 'equivalence',
    only: 'cut',
  },
  {
    name: 'outbox-retries-under-a-new-id',
    file: outbox,
    edits: [
      { find: 'const pauseMs = 1000', replace: 'const pauseMs = 1000\nconst handed = new Set<unknown>()' },
      {
        find: 'link.send(pending.draft).then(',
        replace:
          "const again = handed.has(pending)\n      handed.add(pending)\n      const { draft } = pending\n      link.send(again ? { ...draft, id: draft.id.replace(/.$/, (last) => (last === '0' ? '1' : '0')) } : draft).then(",
      },
    ],
    breaks: 'A draft that is sent again is another message to the log.',
    caughtBy: 'equivalence',
    only: 'cut',
  },
]
