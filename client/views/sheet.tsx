// Where there is no room for both: a bar at the thumb that keeps the light, the transport and the latency in sight, and opens the instrument as a sheet.
import { useRef } from 'preact/hooks'
import { formatDuration } from '../format.ts'
import { entryInUse, inUseWords } from '../in-use.ts'
import type { Lab } from '../lab.ts'
import { presenceOf } from '../presence.ts'
import type { Room } from '../room.ts'
import { hueOf } from '../theme.ts'
import { Instrument } from './instrument.tsx'
import { Light } from './presence-light.tsx'
import { ThemeSwitch } from './theme-switch.tsx'

export function Sheet({ lab, room }: { readonly lab: Lab; readonly room: Room }) {
  const dialog = useRef<HTMLDialogElement>(null)
  const state = room.state.value
  const presence = presenceOf(state, lab.nowMs.value)
  const entry = entryInUse(state)
  const summary = room.figures.value.latency.get(entry.name)
  return (
    <>
      <button
        type="button"
        class="sheet-handle"
        aria-haspopup="dialog"
        style={{ '--hue': hueOf(entry) }}
        onClick={() => dialog.current?.showModal()}
      >
        <Light tone={presence.tone} />
        <span class="unseen">{presence.word}, </span>
        <span class="swatch" aria-hidden="true" />
        <span class="sheet-transport">{inUseWords(state)}</span>
        <span class="sheet-latency">
          {presence.seconds !== null
            ? `next try ${presence.seconds} s`
            : summary === undefined
              ? presence.word
              : `p50 ${formatDuration(summary.p50Ms)}`}
        </span>
        <span class="sheet-open">
          <span class="sheet-open-word">Instrument </span>
          <span aria-hidden="true">↑</span>
        </span>
      </button>
      <dialog ref={dialog} class="sheet" aria-label="Instrument" closedby="any">
        <div class="sheet-body">
          <div class="sheet-top">
            <ThemeSwitch />
            <button type="button" class="small" onClick={() => dialog.current?.close()}>
              Close
            </button>
          </div>
          <Instrument key={room.name} lab={lab} room={room} narrow />
        </div>
      </dialog>
    </>
  )
}
