// The switch: a radio group, one row a transport, with what each lacks here and where it can be had.
import { useId } from 'preact/hooks'
import { describeTransport } from '../../transports/catalogue.ts'
import type { TransportName } from '../../transports/contract.ts'
import { roomAddress } from '../address.ts'
import { formatDuration, secondsUntil } from '../format.ts'
import type { Lab } from '../lab.ts'
import type { Offer } from '../offers.ts'
import type { Room } from '../room.ts'
import { hueOf } from '../theme.ts'
import { PollingInterval } from './polling-interval.tsx'

interface TransportSwitchProps {
  readonly lab: Lab
  readonly room: Room
}

export function TransportSwitch({ lab, room }: TransportSwitchProps) {
  const group = useId()
  return (
    <fieldset class="part switch">
      <legend>
        <h2>Transport</h2>
      </legend>
      {lab.offers.map((offer, index) => (
        <OfferRow
          key={offer.entry.name}
          lab={lab}
          room={room}
          offer={offer}
          group={group}
          digit={index + 1}
        />
      ))}
    </fieldset>
  )
}

interface OfferRowProps extends TransportSwitchProps {
  readonly offer: Offer
  readonly group: string
  readonly digit: number
}

function OfferRow({ lab, room, offer, group, digit }: OfferRowProps) {
  const id = useId()
  const { entry } = offer
  const missing = lab.lackOf(offer)
  const latency = room.figures.value.latency.get(entry.name)
  const able = missing.length === 0
  return (
    <div class={`offer ${able ? '' : 'unable'}`} style={{ '--hue': hueOf(entry) }}>
      <label>
        <input
          type="radio"
          name={group}
          value={entry.name}
          checked={room.chosen.value === entry.name}
          disabled={!able}
          aria-labelledby={`${id}-title`}
          aria-describedby={`${id}-how ${id}-lack`}
          aria-keyshortcuts={`Alt+${digit}`}
          onChange={() => lab.switchTo(entry.name)}
        />
        <span class="swatch" aria-hidden="true" />
        <span class="offer-title" id={`${id}-title`}>
          {entry.title}
        </span>
        <span class="offer-figure">
          {latency === undefined ? null : `p50 ${formatDuration(latency.p50Ms)}`}
        </span>
        <kbd>Alt+{digit}</kbd>
        <span class="offer-how" id={`${id}-how`} title={entry.note ?? undefined}>
          {entry.how}
        </span>
      </label>
      {entry.name === 'polling' && room.chosen.value === 'polling' ? <PollingInterval lab={lab} /> : null}
      <div id={`${id}-lack`}>
        {able ? (
          <LeftAlone lab={lab} room={room} name={entry.name} />
        ) : (
          <Lack lab={lab} room={room} missing={missing} />
        )}
      </div>
    </div>
  )
}

interface LeftAloneProps extends TransportSwitchProps {
  readonly name: TransportName
}

/** Why another one stands in for it, and until when (R32). */
function LeftAlone({ lab, room, name }: LeftAloneProps) {
  const { skipped, links } = room.state.value
  const skip = skipped.find((one) => one.transport === name)
  // Not the one that is being opened: that may be this one, which is tried again.
  const standIn = links.find(({ phase }) => phase === 'live' || phase === 'catching-up')
  if (skip === undefined || standIn === undefined) return null
  const seconds = secondsUntil(skip.untilMs, lab.nowMs.value)
  return (
    <p class="offer-lack">
      {describeTransport(standIn.transport).short} stands in: {skip.detail} Tried again in{' '}
      {formatDuration(seconds * 1000)}.
    </p>
  )
}

/** What it lacks here, and a link to where it can run: the same room, on the port that speaks TLS. */
function Lack({ lab, room, missing }: TransportSwitchProps & { readonly missing: readonly string[] }) {
  const tls = lab.server.value?.tls ?? null
  return (
    <p class="offer-lack">
      {missing.join(' ')}{' '}
      {tls !== null && tls.origin !== lab.base.origin ? (
        <a href={roomAddress(tls, room.name, lab.user.value).href}>Open this room on {tls.host}</a>
      ) : null}
    </p>
  )
}
