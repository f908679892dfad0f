// What a client says on a WebSocket, as JSON in text messages. What the server says is in wire.ts.
import type { Draft } from './message.ts'

/** The one subprotocol of these transports. */
export const jsonSubprotocol = 'json'

/** A draft to store: answered by a receipt, or by an error with the draft's id. */
export function sendDocument(draft: Draft): string {
  return JSON.stringify({ kind: 'send', id: draft.id, user: draft.user, text: draft.text })
}

/** Asks for a heartbeat at once: pages cannot send pings. */
export const probeDocument = '{"kind":"probe"}'

/** Close codes (RFC 6455 §7.4) that the server ends a link with, behind its goodbye. */
export const closeCodes = {
  goingAway: 1001,
  unsupportedData: 1003,
  policyViolation: 1008,
  tryAgainLater: 1013,
  /** Of the private range (RFC 6455 §7.4.2): a newer link of the session took over. */
  replaced: 4001,
} as const
