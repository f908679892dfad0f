// The virtual list as a hook: TanStack's virtualizer, which keeps the reader's row in place when rows come in above, and follows the end while the reader is there.
import {
  elementScroll,
  observeElementOffset,
  observeElementRect,
  Virtualizer,
  type VirtualizerOptions,
} from '@tanstack/virtual-core'
import { useLayoutEffect, useReducer, useState } from 'preact/hooks'

type ListVirtualizer = Virtualizer<HTMLElement, HTMLElement>
type ListOptions = Pick<
  VirtualizerOptions<HTMLElement, HTMLElement>,
  'count' | 'getScrollElement' | 'estimateSize' | 'getItemKey' | 'paddingStart' | 'paddingEnd'
>

export function useVirtualList(
  options: ListOptions,
  onChange: (list: ListVirtualizer) => void,
): ListVirtualizer {
  const [, draw] = useReducer((count: number) => count + 1, 0)
  const all: VirtualizerOptions<HTMLElement, HTMLElement> = {
    ...options,
    observeElementRect,
    observeElementOffset,
    scrollToFn: elementScroll,
    overscan: 8,
    anchorTo: 'end',
    followOnAppend: true,
    scrollEndThreshold: 32,
    onChange: (list) => {
      draw(undefined)
      onChange(list)
    },
  }
  const [list] = useState(() => new Virtualizer(all))
  list.setOptions(all)
  useLayoutEffect(() => list._didMount(), [list])
  useLayoutEffect(() => list._willUpdate())
  return list
}
