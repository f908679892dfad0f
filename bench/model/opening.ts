// How long it takes until a session has its first message, in round trips: what no transport can save, and what its handshakes add.
import { raceStepMs } from '../../transports/session-openings.ts'
import type { Wire } from './wire.ts'

/** Where WebSockets pass, are answered 502, or are never answered. */
export type Network = 'open' | 'refused' | 'swallowed'

/** TCP's handshake (RFC 9293 §3.5), TLS 1.3's (RFC 8446 §2), and a question with its answer, which brings the message too. */
const asked = 3

/**
 * Round trips of one transport; null where the model knows none. A stream of HTTP/2 may carry a WebSocket only once the server's settings
 * allow it, and they come a round trip after the handshake (RFC 8441 §3).
 */
export function roundTripsOf(wire: Wire): number | null {
  switch (wire) {
    case 'lines':
      return null
    case 'websocket-h2':
      return asked + 1
    // Its engine is opened by a question; the answer that admits the client comes to a second one, on a connection of its own.
    case 'socket-io':
      return asked + asked
    default:
      return asked
  }
}

/** Of a transport that is used straight away, ms. */
export function openingMs(wire: Wire, roundTripMs: number): number | null {
  const roundTrips = roundTripsOf(wire)
  return roundTrips === null ? null : roundTrips * roundTripMs
}

/**
 * Of the ladder, ms: where the first step is refused, the next begins then, or when the race says so; where it is never answered, when the
 * race says so. `first`, `second`: the wires of the step that upgrades and of the one that carries on.
 */
export function ladderMs(
  network: Network,
  first: Wire,
  second: Wire | null,
  roundTripMs: number,
): number | null {
  const alone = openingMs(first, roundTripMs)
  if (network === 'open' || alone === null) return alone
  const after = second === null ? null : openingMs(second, roundTripMs)
  if (after === null) return null
  return (network === 'refused' ? Math.min(alone, raceStepMs) : raceStepMs) + after
}
