// A figure says on focus or hover what it means. The words stand in one place, so that nothing pops up over anything else.
import { signal } from '@preact/signals'
import type { ComponentChildren } from 'preact'
import { useEffect, useId } from 'preact/hooks'

const shown = signal<{ readonly id: string; readonly words: string } | null>(null)

interface ExplainedProps {
  readonly class?: string
  readonly words: string
  readonly children: ComponentChildren
}

/** Something that explains itself: focusable, and described by its words. */
export function Explained({ class: name = '', words, children }: ExplainedProps) {
  const id = useId()
  const show = () => {
    shown.value = { id, words }
  }
  // What it says may go on changing while it is shown.
  useEffect(() => {
    if (shown.peek()?.id === id) shown.value = { id, words }
  }, [id, words])
  const hide = () => {
    if (shown.value?.id === id) shown.value = null
  }
  return (
    <button
      type="button"
      class={`explained ${name}`}
      aria-describedby={id}
      onFocus={show}
      onBlur={hide}
      onMouseEnter={show}
      onMouseLeave={hide}
      onClick={show}
    >
      {children}
      <span id={id} hidden>
        {words}
      </span>
    </button>
  )
}

/** Where the words stand. */
export function Explanation() {
  return (
    <p class="explanation" aria-hidden="true">
      <span>
        {shown.value?.words ?? (
          <>
            <span class="by-pointer">Point at a figure, or tab to it,</span>
            <span class="by-touch">Tap a figure</span> to read what it means, since when it counts, and on
            which clock.
          </>
        )}
      </span>
    </p>
  )
}
