// The light: green when connected, amber while connecting, red with the seconds to the next try. Its shape says the same.
import type { Lab } from '../lab.ts'
import { type PresenceTone, presenceOf } from '../presence.ts'
import type { Room } from '../room.ts'

interface PresenceLightProps {
  readonly lab: Lab
  readonly room: Room
}

export function PresenceLight({ lab, room }: PresenceLightProps) {
  const state = room.state.value
  const presence = presenceOf(state, lab.nowMs.value)
  return (
    <div class={`presence presence-${presence.tone}`}>
      <Light tone={presence.tone} />
      {/* The seconds are left out of what is announced: they change too often to be read out. */}
      <span role="status" class="presence-word">
        {presence.word}
      </span>
      <span class="presence-seconds">
        {presence.seconds === null ? null : `next try in ${presence.seconds} s`}
      </span>
      {presence.tone === 'offline' ? <TryNow lab={lab} room={room} /> : null}
    </div>
  )
}

/** Does not wait for the next try; where none is planned, it opens the room anew. */
export function TryNow({ lab, room }: PresenceLightProps) {
  const ended = room.state.value.phase === 'closed'
  return (
    <button type="button" class="small" onClick={() => (ended ? lab.enterAgain() : room.reconnect())}>
      Try now
    </button>
  )
}

/** A full disc, a half one, an empty one with a stroke: told apart without colour. */
export function Light({ tone }: { readonly tone: PresenceTone }) {
  return (
    <svg class={`light light-${tone}`} viewBox="0 0 12 12" aria-hidden="true">
      <circle class="light-rim" cx="6" cy="6" r="4.75" />
      {tone === 'open' ? <circle class="light-core" cx="6" cy="6" r="4.75" /> : null}
      {tone === 'connecting' ? <path class="light-core" d="M6 1.25 A4.75 4.75 0 0 1 6 10.75 Z" /> : null}
      {tone === 'offline' ? <path class="light-bar" d="M3.5 6 H8.5" /> : null}
    </svg>
  )
}
