// The session's links with the protocol that each really speaks. While a switch lasts there are two, in a race more.
import { describeTransport } from '../../transports/catalogue.ts'
import type { Negotiated } from '../../transports/contract.ts'
import type { LinkView } from '../../transports/session.state.ts'
import { roomAddress } from '../address.ts'
import { connectionsOfBrowser, isWebSocket } from '../held-connections.ts'
import type { Lab } from '../lab.ts'
import type { Room } from '../room.ts'
import { hueOf } from '../theme.ts'
import { Explained } from './explain.tsx'

interface LinksProps {
  readonly lab: Lab
  readonly room: Room
}

const phaseWords: Record<LinkView['phase'], string> = {
  opening: 'opening',
  'catching-up': 'catching up',
  live: 'live',
  closing: 'closing',
}

export function LinksView({ lab, room }: LinksProps) {
  const { links } = room.state.value
  const racing = links.filter(({ phase }) => phase === 'opening')
  return (
    <section class="part" aria-labelledby="links-title">
      <h2 id="links-title">Link</h2>
      <div class="links">
        <ul>
          {(racing.length > 1 ? links.filter((link) => !racing.includes(link)) : links).map((link) => (
            <LinkRow key={link.number} link={link} />
          ))}
          {racing.length > 1 ? <RaceRow links={racing} /> : null}
          {links.length === 0 ? <li class="link-none">No link is open.</li> : null}
        </ul>
        {links.length === 1 ? <ConnectionLimit lab={lab} room={room} /> : null}
      </div>
    </section>
  )
}

function LinkRow({ link }: { readonly link: LinkView }) {
  const entry = describeTransport(link.transport)
  return (
    <li class={`link link-${link.phase}`} style={{ '--hue': hueOf(entry) }}>
      <span class="swatch" aria-hidden="true" />
      <span class="link-title">{entry.title}</span>
      <span class="link-phase">{phaseWords[link.phase]}</span>
      {link.negotiated === null ? (
        <span class="badge badge-none">not negotiated yet</span>
      ) : (
        <Badge negotiated={link.negotiated} pushesBack={entry.pushesBack} />
      )}
    </li>
  )
}

/** Several that are being opened, of which one will carry the room: one row, so that nothing moves when another joins them. */
function RaceRow({ links }: { readonly links: readonly LinkView[] }) {
  return (
    <li class="link link-race">
      <span class="link-title">
        {links.map(({ number, transport }) => {
          const entry = describeTransport(transport)
          return (
            <span key={number} class="link-racer" style={{ '--hue': hueOf(entry) }}>
              <span class="swatch" aria-hidden="true" />
              {entry.short}{' '}
            </span>
          )
        })}
      </span>
      <span class="link-phase">{phaseWords.opening}: the first to open wins</span>
    </li>
  )
}

interface BadgeProps {
  readonly negotiated: Negotiated
  readonly pushesBack: boolean
}

function Badge({ negotiated, pushesBack }: BadgeProps) {
  const { protocol, tls, subprotocol, extensions } = negotiated
  const parts = [protocol === 'h2' ? 'HTTP/2' : 'HTTP/1.1', tls ? 'TLS' : 'no TLS']
  if (subprotocol !== null) parts.push(subprotocol)
  return (
    <Explained
      class="badge"
      words={`The protocol that this link really speaks: said by the server when the link opened, and checked by the page as far as a browser shows it.${
        // R39: a response is read as fast as it is taken; a page's WebSocket or EventSource has no such brake.
        pushesBack
          ? ''
          : ' In a browser the other end can’t be told to wait: what the page does not take in time piles up in its tab.'
      }`}
    >
      {[...parts, ...extensions].join(' · ')}
    </Explained>
  )
}

/** From so many on it is said before it hurts: the next tab takes the last one. */
const fewLeft = 5

/** Over HTTP/1.1 the tabs of an origin share six connections: said where it can hurt, with their number where streams hold them (R9). */
function ConnectionLimit({ lab, room }: LinksProps) {
  const live = room.state.value.links.find((link) => link.phase === 'live')
  const held = lab.held.inBrowser.value ?? 0
  // A WebSocket is not counted among them.
  if (live?.negotiated?.protocol !== 'http/1.1' || isWebSocket(live.negotiated)) return null
  return (
    <p class={`aside-note ${held >= fewLeft ? 'aside-note-strong' : ''}`}>
      {held < fewLeft ? 'HTTP/1.1: six connections to an address, shared by all tabs.' : heldWords(held)}{' '}
      HTTP/2 needs one
      <OverTls lab={lab} room={room} />.
    </p>
  )
}

/** What it means that so many of the six are held. */
export function heldWords(held: number): string {
  const isLast = held >= connectionsOfBrowser
  return `${held} links of this browser’s tabs hold a connection to this address each, and over HTTP/1.1 it opens ${connectionsOfBrowser}: ${
    isLast ? 'what is sent, and the next tab, wait until one is free.' : 'the next tab takes the last one.'
  }`
}

/** Where the same room is served over HTTP/2. */
export function OverTls({ lab, room }: LinksProps) {
  const tls = lab.server.value?.tls ?? null
  if (tls === null || tls.origin === lab.base.origin) return null
  return (
    <>
      : <a href={roomAddress(tls, room.name, lab.user.value).href}>{tls.host}</a>
    </>
  )
}
