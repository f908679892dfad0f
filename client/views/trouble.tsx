// What went wrong, what Parley does about it, and what the person can do: a strip above the composer, only while it lasts.
import { describeTransport } from '../../transports/catalogue.ts'
import { auto } from '../../transports/contract.ts'
import type { SessionState } from '../../transports/session.state.ts'
import { formatPlural } from '../format.ts'
import { connectionsOfBrowser } from '../held-connections.ts'
import type { Lab } from '../lab.ts'
import { presenceOf } from '../presence.ts'
import type { Room } from '../room.ts'
import { heldWords, OverTls } from './links.tsx'
import { TryNow } from './presence-light.tsx'

/** What is under way for less has no need of words. */
const patienceMs = 1000

interface TroubleProps {
  readonly lab: Lab
  readonly room: Room
}

export function Trouble({ lab, room }: TroubleProps) {
  const state = room.state.value
  if (state.phase === 'open' || state.trouble === null) return <Starved lab={lab} room={room} />
  const presence = presenceOf(state, lab.nowMs.value)
  return (
    <section class="trouble" aria-label="Connection">
      <p role="alert">
        {describeTransport(state.wished === auto ? auto : state.transport).short}: {state.trouble.detail}
      </p>
      <p>
        {state.phase === 'closed'
          ? 'Parley does not try again by itself.'
          : presence.seconds === null
            ? 'Parley is trying again.'
            : `Parley tries again in ${presence.seconds} s.`}{' '}
        What you write is kept and sent once
        {state.pending === 0 ? '' : `; ${formatPlural(state.pending, 'message waits', 'messages wait')}`}.
      </p>
      <AllHeld lab={lab} room={room} />
      <Advice lab={lab} state={state} />
      <div class="trouble-try">
        <TryNow lab={lab} room={room} />
      </div>
    </section>
  )
}

/** Nothing has failed yet, but what waits does so for a connection that the other tabs have. */
function Starved({ lab, room }: TroubleProps) {
  const held = lab.held.inBrowser.value ?? 0
  const waitingSinceMs = room.waitingSinceMs.value
  if (held < connectionsOfBrowser || waitingSinceMs === null) return null
  if (lab.nowMs.value - waitingSinceMs < patienceMs) return null
  const { pending } = room.state.value
  return (
    <section class="trouble" aria-label="Connection">
      <p role="alert">
        {pending === 0 ? 'No connection is free.' : 'What you sent waits for a free connection.'}
      </p>
      <AllHeld lab={lab} room={room} />
      <p>
        What you write is kept and sent once
        {pending === 0 ? '' : `; ${formatPlural(pending, 'message waits', 'messages wait')}`}.
      </p>
    </section>
  )
}

/** The other tabs have all connections: nothing can be opened, and nobody else says so (R9). */
function AllHeld({ lab, room }: TroubleProps) {
  const held = lab.held.inBrowser.value ?? 0
  if (held < connectionsOfBrowser) return null
  return (
    <p>
      {heldWords(held)} Close a tab, or open this room over HTTP/2
      <OverTls lab={lab} room={room} />.
    </p>
  )
}

function Advice({ lab, state }: { readonly lab: Lab; readonly state: SessionState }) {
  if (state.trouble?.cause !== 'network') return null
  // A browser does not tell a page why a connection failed: a certificate that it refuses looks like a server that is gone.
  // Once a link was open, it is known.
  if (lab.base.protocol === 'https:' && state.cursor === null) {
    return (
      <p>
        If the lab is running: Your browser doesn’t know this lab’s certificate yet. Open{' '}
        <a href={lab.base.href} target="_blank" rel="noopener">
          {lab.base.origin}
        </a>{' '}
        once and accept it.
      </p>
    )
  }
  return (
    <p>
      If the lab has stopped, start it again with <code>npm start</code>. If it runs,{' '}
      {state.wished === auto
        ? 'no transport of the ladder gets through: something on the way stops them all.'
        : 'choose another transport, or Auto.'}
    </p>
  )
}

/** The server could not say what it serves. */
export function ServerTrouble({ lab }: { readonly lab: Lab }) {
  const trouble = lab.serverTrouble.value
  if (trouble === null) return null
  return (
    <section class="trouble" aria-label="Server">
      <p role="alert">{trouble}</p>
      <p>
        The page works on without knowing the lab’s other ports. Start the lab with <code>npm start</code>,
        then ask again.
      </p>
      <button type="button" class="small" onClick={() => void lab.ask()}>
        Ask again
      </button>
    </section>
  )
}
