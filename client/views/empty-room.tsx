// An empty room invites: to the first message, to a second window, and to a robot, so that one person alone sees something happen.
import { useState } from 'preact/hooks'
import { roomAddress } from '../address.ts'
import { guestName, type Lab } from '../lab.ts'
import type { Room } from '../room.ts'

export function EmptyRoom({ lab, room }: { readonly lab: Lab; readonly room: Room }) {
  const [other] = useState(guestName)
  return (
    <section class="empty" aria-label="The room is empty">
      <h2>
        Nothing has been said in <bdi>{room.name}</bdi> yet
      </h2>
      <p>
        Write the first message below, or bring somebody in. Then switch the transport while the conversation
        goes on: the figures change, the proof line stays at zero.
      </p>
      <p class="empty-ways">
        <a class="button" href={roomAddress(lab.base, room.name, other).href} target="_blank" rel="noopener">
          Open a second window
        </a>
        <button type="button" onClick={() => room.letRobotTalk(1)}>
          Let a robot talk
        </button>
      </p>
    </section>
  )
}
