// One row of the conversation: a message, a draft that is not settled yet, or a quiet line of the lab.
import { describeTransport } from '../../transports/catalogue.ts'
import type { DraftRow, MessageRow, Row } from '../conversation.ts'
import { formatCount, formatMoment } from '../format.ts'
import { linkify } from '../linkify.ts'
import type { Room } from '../room.ts'
import { hueOf } from '../theme.ts'

interface RowProps {
  readonly row: Row
  readonly room: Room
  readonly today: string
}

export function RowView({ row, room, today }: RowProps) {
  switch (row.kind) {
    case 'message':
      return <MessageView row={row} today={today} />
    case 'draft':
      return <DraftView row={row} room={room} />
    case 'note':
      return (
        <p
          class={`note note-${row.tone}`}
          style={row.transport === null ? {} : { '--hue': hueOf(describeTransport(row.transport)) }}
        >
          {row.transport === null ? null : <span class="swatch" aria-hidden="true" />}
          <span>{row.text}</span>
        </p>
      )
    default:
      return row satisfies never
  }
}

function MessageView({ row, today }: { readonly row: MessageRow; readonly today: string }) {
  const { message, own, first, transport } = row
  const entry = transport === null ? null : describeTransport(transport)
  return (
    <article
      class={`message ${own ? 'own' : ''} ${first ? 'first' : ''}`}
      style={entry === null ? {} : { '--hue': hueOf(entry) }}
      title={entry === null ? 'from the history' : `over ${entry.title}`}
    >
      {first ? <Head user={message.user} own={own} timeMs={message.time} today={today} /> : null}
      <Text text={message.text} />
      <span class="message-end">
        {own ? (
          <>
            <span aria-hidden="true">✓ </span>
            <span class="unseen">stored as number </span>
          </>
        ) : (
          <span class="unseen">number </span>
        )}
        {formatCount(message.offset)}
      </span>
    </article>
  )
}

function DraftView({ row, room }: { readonly row: DraftRow; readonly room: Room }) {
  const { view, first } = row
  const { id, user, text } = view.draft
  return (
    <article class={`message own ${view.fate} ${first ? 'first' : ''}`}>
      {first ? <Head user={user} own timeMs={null} today="" /> : null}
      <Text text={text} />
      <span class="message-end">{fateWords[view.fate]}</span>
      {view.fate === 'failed' ? (
        <p class="failure">
          <span>Not sent: {view.detail}</span>{' '}
          <button type="button" class="small" onClick={() => room.resend(id)}>
            Try again
          </button>{' '}
          <button type="button" class="small" onClick={() => room.discard(id)}>
            Discard
          </button>
        </p>
      ) : null}
    </article>
  )
}

const fateWords = { pending: '○ pending', stored: '✓ stored', failed: '✕ failed' } as const

interface HeadProps {
  readonly user: string
  readonly own: boolean
  /** ms since the Unix epoch, server clock; null when there is none yet. */
  readonly timeMs: number | null
  readonly today: string
}

function Head({ user, own, timeMs, today }: HeadProps) {
  return (
    <header class="message-head">
      <bdi class="author">{user}</bdi>
      {own ? <span class="you">you</span> : null}
      {timeMs === null ? null : (
        <time dateTime={new Date(timeMs).toISOString()}>{formatMoment(timeMs, today)}</time>
      )}
    </header>
  )
}

function Text({ text }: { readonly text: string }) {
  return (
    <p class="text" dir="auto">
      {linkify(text).map((part, index) =>
        part.kind === 'text' ? (
          part.text
        ) : (
          <a key={index} href={part.href} target="_blank" rel="noopener noreferrer nofollow ugc">
            {part.text}
          </a>
        ),
      )}
    </p>
  )
}
