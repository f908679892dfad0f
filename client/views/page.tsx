// The whole page: the bar, the conversation on the left, the instrument on the right, or in a sheet where there is no room for both.
import { signal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import type { Lab } from '../lab.ts'
import { Bar } from './bar.tsx'
import { Composer } from './composer.tsx'
import { ConversationView } from './conversation.tsx'
import { Instrument } from './instrument.tsx'
import { Sheet } from './sheet.tsx'
import { ServerTrouble, Trouble } from './trouble.tsx'

const narrowQuery = matchMedia('(max-width: 799.9px)')
const narrow = signal(narrowQuery.matches)
narrowQuery.addEventListener('change', () => {
  narrow.value = narrowQuery.matches
})

export function Page({ lab }: { readonly lab: Lab }) {
  useShortcuts(lab)
  const room = lab.room.value
  const scrollToEnd = useRef<() => void>(() => undefined)
  return (
    <div class="page">
      <Bar lab={lab} narrow={narrow.value} />
      <main class="talk">
        <h1 class="unseen">Conversation in {room.name}</h1>
        <ConversationView key={room.name} lab={lab} room={room} scrollToEnd={scrollToEnd} />
        <ServerTrouble lab={lab} />
        <Trouble lab={lab} room={room} />
        <Composer lab={lab} room={room} narrow={narrow.value} onSent={() => scrollToEnd.current()} />
      </main>
      {narrow.value ? (
        <Sheet lab={lab} room={room} />
      ) : (
        <aside class="side" aria-label="Instrument">
          <Instrument key={room.name} lab={lab} room={room} narrow={false} />
        </aside>
      )}
    </div>
  )
}

/** Alt+1 … Alt+9, and Alt+0 for the tenth, choose a transport, wherever the focus is. */
function useShortcuts(lab: Lab): void {
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (!event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return
      // The key's place, not its character: with Alt some layouts write another one.
      const digit = /^Digit([0-9])$/.exec(event.code)?.[1]
      const offer = digit === undefined ? undefined : lab.offers[(Number(digit) + 9) % 10]
      if (offer === undefined) return
      event.preventDefault()
      lab.switchTo(offer.entry.name)
    }
    addEventListener('keydown', onKey)
    return () => removeEventListener('keydown', onKey)
  }, [lab])
}
