// The names on Socket.IO's wire that both halves know.

/** Down: hello, negotiated, delivery and goodbye. Up, with an acknowledgement: send and probe. */
export const events = {
  hello: 'hello',
  /** What is spoken now: after the upgrade of the engine's transport. */
  negotiated: 'negotiated',
  delivery: 'delivery',
  goodbye: 'goodbye',
  send: 'send',
  probe: 'probe',
} as const

/** How the engine's transport is told, in the place of a WebSocket's extensions. */
export function engineExtension(transport: string): string {
  return `engine.io ${transport}`
}
