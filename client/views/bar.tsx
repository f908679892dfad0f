// The bar above everything: which room, under which name, and whether it is connected.
import { roomProblem, userProblem } from '../../transports/text.ts'
import type { Lab } from '../lab.ts'
import { Field } from './field.tsx'
import { InUse } from './in-use.tsx'
import { PresenceLight } from './presence-light.tsx'
import { ThemeSwitch } from './theme-switch.tsx'

export function Bar({ lab, narrow }: { readonly lab: Lab; readonly narrow: boolean }) {
  const room = lab.room.value
  return (
    <header class="bar">
      <span class="mark">Parley</span>
      <Field label="Room" value={room.name} problem={roomProblem} commit={(name) => lab.enter(name)} />
      <Field label="You" value={lab.user.value} problem={userProblem} commit={(user) => lab.rename(user)} />
      {narrow ? null : (
        <div class="bar-end">
          <PresenceLight lab={lab} room={room} />
          <InUse room={room} />
          <ThemeSwitch />
        </div>
      )}
    </header>
  )
}
