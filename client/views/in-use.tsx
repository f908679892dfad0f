// What carries the room at this moment, in its hue: in sight wherever the switch has scrolled to.
import { entryInUse, inUseWords } from '../in-use.ts'
import type { Room } from '../room.ts'
import { hueOf } from '../theme.ts'

export function InUse({ room }: { readonly room: Room }) {
  const state = room.state.value
  return (
    <span class="in-use" style={{ '--hue': hueOf(entryInUse(state)) }}>
      <span class="swatch" aria-hidden="true" />
      <span class="unseen">over </span>
      {inUseWords(state)}
    </span>
  )
}
