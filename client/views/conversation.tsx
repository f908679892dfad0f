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
  const [atEnd, setAtEnd] = useState(true)
  const [seen, setSeen] = useState(0)
  const list = useVirtualList(
    {
      count: rows.length,
      getScrollElement: () => scroller.current,
      estimateSize: () => 28,
      getItemKey: useCallback((index: number) => rows[index]?.key ?? index, [rows]),
      paddingStart: 40,
      paddingEnd: 12,
    },
    (changed) => setAtEnd(changed.isAtEnd(endPx)),
  )
  scrollToEnd.current = () => list.scrollToEnd()

  useEffect(() => {
    if (!atEnd) return
    setSeen(room.conversation.arrived)
    room.conversation.trim()
  }, [atEnd, rows, room])

  useLayoutEffect(() => {
    const element = scroller.current
    if (element === null || rows.length === 0) return
    const readOlder = () => {
      const scrolls = element.scrollHeight > element.clientHeight
      if (element.scrollTop < readAheadPx && (!scrolls || !list.isAtEnd(endPx))) void room.readOlder()
    }
    element.addEventListener('scroll', readOlder, { passive: true })
    return () => element.removeEventListener('scroll', readOlder)
  }, [list, room, rows.length])

  const items = list.getVirtualItems()
  const fresh = room.conversation.arrived - seen
  const today = new Date().toDateString()
  return (
    <div class="conversation">
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
      {rows.length === 0 ? <EmptyRoom lab={lab} room={room} /> : null}
      {!atEnd && fresh > 0 ? (
        <button type="button" class="pill" onClick={() => list.scrollToEnd()}>
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
      ) : (
        'Reading older messages …'
      )}
    </p>
  )
}
