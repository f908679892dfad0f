// The virtual list as a hook: TanStack's virtualizer, which keeps the reader's row in place when rows come in above.
import {
  elementScroll,
  observeElementOffset,
  observeElementRect,
  Virtualizer,
  type VirtualizerOptions,
} from '@tanstack/virtual-core'
import { useLayoutEffect, useReducer, useState } from 'preact/hooks'

type ListVirtualizer = Virtualizer<HTMLElement, HTMLElement>
/** As near the end as this counts as being there, in px. */
export const endPx = 32

type ListOptions = Pick<
  VirtualizerOptions<HTMLElement, HTMLElement>,
  'count' | 'getScrollElement' | 'estimateSize' | 'getItemKey' | 'paddingStart' | 'paddingEnd'
>

export function useVirtualList(options: ListOptions): ListVirtualizer {
  const [, draw] = useReducer((count: number) => count + 1, 0)
  const all: VirtualizerOptions<HTMLElement, HTMLElement> = {
    ...options,
    observeElementRect: (instance, changed) =>
      observeElementRect(instance, (rect) => {
        changed(rect)
        // By itself it draws only when other rows come into sight: the end would slip out of it by less than a row.
        draw(undefined)
      }),
    observeElementOffset,
    scrollToFn: elementScroll,
    overscan: 8,
    anchorTo: 'end',
    scrollEndThreshold: endPx,
    onChange: () => draw(undefined),
  }
  const [list] = useState(() => makeList(all))
  list.setOptions(all)
  useLayoutEffect(() => list._didMount(), [list])
  useLayoutEffect(() => list._willUpdate())
  return list
}

function makeList(options: VirtualizerOptions<HTMLElement, HTMLElement>): ListVirtualizer {
  const list = new Virtualizer(options)
  // Older messages take the head off the group that they continue: that row shrinks above the reader, while scrolling up
  // too, where the virtualizer by itself would let the text jump.
  list.shouldAdjustScrollPositionOnItemSizeChange = (item) => {
    const offset = list.scrollOffset ?? 0
    return list.itemSizeCache.has(item.key) ? item.end <= offset : item.start < offset
  }
  return list
}
