// Tells screen readers what came in: the list itself is virtual, and reading its rows out as they scroll in would be noise.
import { useEffect, useRef, useState } from 'preact/hooks'
import { formatPlural } from '../format.ts'
import type { Room } from '../room.ts'

/** At most one announcement in this time. */
const pauseMs = 2000

export function Announcer({ room }: { readonly room: Room }) {
  const [words, setWords] = useState('')
  const told = useRef(room.conversation.arrived)
  useEffect(() => {
    const timer = setInterval(() => {
      const arrived = room.conversation.arrived
      const count = arrived - told.current
      if (count === 0) return
      told.current = arrived
      setWords(wordsFor(room, count))
    }, pauseMs)
    return () => clearInterval(timer)
  }, [room])
  return (
    <div class="unseen" role="status" aria-live="polite">
      {words}
    </div>
  )
}

function wordsFor(room: Room, count: number): string {
  const last = room.conversation.rows().findLast((row) => row.kind === 'message')
  if (last?.kind !== 'message') return ''
  // One's own message is no news.
  if (count === 1) return last.own ? '' : `${last.message.user}: ${last.message.text}`
  return `${formatPlural(count, 'new message', 'new messages')}, the last from ${last.message.user}`
}
