// The conversation: a virtual list that loads older messages at its top and follows its end only while the reader is there.
import { useCallback, useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks'
import { formatPlural } from '../format.ts'
import type { Lab } from '../lab.ts'
import type { Room } from '../room.ts'
import { Announcer } from './announcer.tsx'
import { EmptyRoom } from './empty-room.tsx'
import { RowView } from './row.tsx'
import { endPx, useVirtualList } from './virtual.ts'

interface ConversationProps {
  readonly lab: Lab
  readonly room: Room
  readonly scrollToEnd: { current: () => void }
}

/** Older messages are read when the reader is this close to the top, in px. */
const readAheadPx = 600

export function ConversationView({ lab, room, scrollToEnd }: ConversationProps) {
  // Read for its effect: the rows below are new whenever it is.
  room.version.value
  const rows = room.conversation.rows()
  const scroller = useRef<HTMLDivElement>(null)
  /** Whether the reader is at the end, and new messages are followed. */
  const [follows, setFollows] = useState(true)
  const [seen, setSeen] = useState(0)
  const list = useVirtualList({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => 28,
    getItemKey: useCallback((index: number) => rows[index]?.key ?? index, [rows]),
    paddingStart: 40,
    paddingEnd: 12,
  })
  const goToEnd = () => {
    setFollows(true)
    list.scrollToEnd()
  }
  scrollToEnd.current = goToEnd
  // After each drawing: what came in may be higher than was estimated, and is known only once it is measured.
  useLayoutEffect(() => {
    if (follows && list.getDistanceFromEnd() > 1) list.scrollToEnd()
  })
  useEffect(() => {
    if (!follows) return
    setSeen(room.conversation.arrived)
    room.conversation.trim()
    // What does not fill the screen can't be scrolled up.
    const element = scroller.current
    if (element !== null && element.scrollHeight <= element.clientHeight) void room.readOlder()
  }, [follows, rows, room])

  useLayoutEffect(() => {
    const element = scroller.current
    if (element === null) return
    let topPx = element.scrollTop
    const onScroll = () => {
      const up = element.scrollTop < topPx - 1
      topPx = element.scrollTop
      const atEnd = element.scrollHeight - element.clientHeight - topPx <= endPx
      // Only a person scrolls up: what the list does by itself, it does to stay at the end.
      if (atEnd) setFollows(true)
      else if (up) setFollows(false)
      if (topPx < readAheadPx && !atEnd) void room.readOlder()
    }
    // Ahead of the virtualizer's own listener, after which the list is drawn at once, at the end if it still follows.
    element.addEventListener('scroll', onScroll, { capture: true, passive: true })
    return () => element.removeEventListener('scroll', onScroll, { capture: true })
  }, [room])

  const items = list.getVirtualItems()
  const fresh = room.conversation.arrived - seen
  const today = new Date().toDateString()
  // The lab's own notes are no conversation.
  const isEmpty = rows.every(({ kind }) => kind === 'note')
  return (
    <div class={isEmpty ? 'conversation conversation-inviting' : 'conversation'}>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable with the keyboard. */}
      <div ref={scroller} class="scroller" role="log" aria-label="Messages" aria-live="off" tabIndex={0}>
        <div class="rows" style={{ height: `${list.getTotalSize()}px` }}>
          {rows.length === 0 ? null : <TopLine room={room} complete={room.conversation.complete} />}
          <div class="rows-shown" style={{ transform: `translateY(${items[0]?.start ?? 0}px)` }}>
            {items.map((item) => {
              const row = rows[item.index]
              return row === undefined ? null : (
                <div key={item.key} data-index={item.index} ref={list.measureElement}>
                  <RowView row={row} room={room} today={today} />
                </div>
              )
            })}
          </div>
        </div>
      </div>
      {isEmpty ? <EmptyRoom lab={lab} room={room} /> : null}
      {!follows && fresh > 0 ? (
        <button type="button" class="pill" onClick={goToEnd}>
          {formatPlural(fresh, 'new message', 'new messages')} <span aria-hidden="true">↓</span>
        </button>
      ) : null}
      <Announcer room={room} />
    </div>
  )
}

/** What is above the oldest message. */
function TopLine({ room, complete }: { readonly room: Room; readonly complete: boolean }) {
  const older = room.older.value
  return (
    <p class="top-line">
      {older === 'failed' ? (
        <>
          Older messages could not be read.{' '}
          <button type="button" class="small" onClick={() => void room.readOlder()}>
            Try again
          </button>
        </>
      ) : older === 'removed' ? (
        'Older messages are no longer kept.'
      ) : complete ? (
        'The room begins here.'
      ) : older === 'reading' ? (
        'Reading older messages …'
      ) : null}
    </p>
  )
}
