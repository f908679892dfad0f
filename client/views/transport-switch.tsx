// The switch: one radio group, the ladder on top and the transports in their groups, with what each lacks here and where it can be had.
import { signal } from '@preact/signals'
import { useId } from 'preact/hooks'
import { describeTransport, groupTitles, type TransportGroup } from '../../transports/catalogue.ts'
import { auto, type TransportName } from '../../transports/contract.ts'
import { roomAddress } from '../address.ts'
import { formatDuration, secondsUntil } from '../format.ts'
import { transportInUse } from '../in-use.ts'
import type { Lab } from '../lab.ts'
import type { Offer } from '../offers.ts'
import type { Room } from '../room.ts'
import { hueOf } from '../theme.ts'
import { LadderSteps } from './ladder-steps.tsx'
import { PollingInterval } from './polling-interval.tsx'

interface TransportSwitchProps {
  readonly lab: Lab
  readonly room: Room
}

/** The key of an offer, from 1: Alt+1 … Alt+9, and Alt+0 for the tenth. What lies behind has none. */
function keyOf(place: number): string | undefined {
  return place <= 10 ? `Alt+${place % 10}` : undefined
}

const groups = Object.keys(groupTitles) as TransportGroup[]

/** Those whose cost and use are shown though they are not chosen. */
const opened = signal<ReadonlySet<TransportName>>(new Set())

function toggle(name: TransportName): void {
  const next = new Set(opened.value)
  if (!next.delete(name)) next.add(name)
  opened.value = next
}

export function TransportSwitch({ lab, room }: TransportSwitchProps) {
  const name = useId()
  const rows = lab.offers.map((offer, index) => ({ offer, place: index + 1 }))
  return (
    <fieldset class="part switch">
      <legend>
        <h2>Transport</h2>
      </legend>
      {rows
        .filter(({ offer }) => offer.entry.name === auto)
        .map((row) => (
          <OfferRow key={auto} lab={lab} room={room} name={name} {...row} />
        ))}
      {groups.map((group) => (
        // biome-ignore lint/a11y/useSemanticElements: a fieldset in a fieldset would be read out as another group of choices.
        <div key={group} class="offers" role="group" aria-labelledby={`${name}-${group}`}>
          <h3 id={`${name}-${group}`}>{groupTitles[group]}</h3>
          {rows
            .filter(({ offer }) => offer.entry.name !== auto && offer.entry.group === group)
            .map((row) => (
              <OfferRow key={row.offer.entry.name} lab={lab} room={room} name={name} {...row} />
            ))}
        </div>
      ))}
    </fieldset>
  )
}

interface OfferRowProps extends TransportSwitchProps {
  readonly offer: Offer
  /** Of the radio group. */
  readonly name: string
  /** Among all offers, from 1. */
  readonly place: number
}

function OfferRow({ lab, room, offer, name, place }: OfferRowProps) {
  const id = useId()
  const { entry } = offer
  const missing = lab.lackOf(offer)
  const latency = room.figures.value.latency.get(entry.name)
  const able = missing.length === 0
  const chosen = room.chosen.value === entry.name
  // The ladder shows its steps instead.
  const always = chosen && entry.name !== auto
  const shown = always || opened.value.has(entry.name)
  const used = describeTransport(transportInUse(room.state.value))
  // While nothing is open the ladder goes from one to the next.
  const isOpen = chosen && room.state.value.phase === 'open'
  return (
    <div
      class={`offer ${able ? '' : 'unable'} ${shown || chosen ? 'offer-shown' : ''}`}
      style={{ '--hue': hueOf(entry.name === auto && isOpen ? used : entry) }}
    >
      <div class="offer-head">
        <label>
          <input
            type="radio"
            name={name}
            value={entry.name}
            checked={chosen}
            disabled={!able}
            aria-labelledby={`${id}-title`}
            aria-describedby={`${id}-how ${id}-lack`}
            aria-keyshortcuts={keyOf(place)}
            onChange={() => lab.switchTo(entry.name)}
          />
          <span class="swatch" aria-hidden="true" />
          <span class="offer-title">
            <span id={`${id}-title`}>{entry.title}</span>
            {entry.name === auto && isOpen ? <span class="offer-used"> · {used.short}</span> : null}
          </span>
          <span class="offer-figure">
            {latency === undefined ? null : `p50 ${formatDuration(latency.p50Ms)}`}
          </span>
          <kbd>{keyOf(place)}</kbd>
          <span class="offer-how" id={`${id}-how`} title={entry.note ?? undefined}>
            {entry.how}
          </span>
        </label>
        <button
          type="button"
          class="offer-more"
          aria-expanded={shown}
          aria-controls={`${id}-more`}
          aria-label={`${entry.short}: what it costs, and when to use it`}
          disabled={always}
          onClick={() => toggle(entry.name)}
        >
          <span aria-hidden="true">{shown ? '−' : '+'}</span>
        </button>
      </div>
      <dl class="offer-more-words" id={`${id}-more`} hidden={!shown}>
        <dt>Cost</dt>
        <dd>{entry.cost}</dd>
        <dt>When</dt>
        <dd>{entry.when}</dd>
      </dl>
      {entry.name === auto && chosen ? <LadderSteps lab={lab} room={room} /> : null}
      {entry.name === 'polling' && chosen ? <PollingInterval lab={lab} /> : null}
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

/** Why another one stands in for what was chosen, and until when (R32). The ladder says it of its own steps. */
function LeftAlone({ lab, room, name }: LeftAloneProps) {
  const { skipped, links } = room.state.value
  const skip = room.chosen.value === auto ? undefined : skipped.find((one) => one.transport === name)
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
