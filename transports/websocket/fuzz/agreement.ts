// What the two sides of a trace with compressed messages have agreed on: the trace begins with a byte that says it.
import type { Role } from '../protocol/connection.ts'
import { maxWindowBits } from '../protocol/deflate.ts'

/** Of the direction in which the trace is sent. */
export interface Agreement {
  readonly windowBits: number
  readonly noContextTakeover: boolean
}

/** Bytes of a trace before its frames. */
export const agreementBytes = 1
const noContextBit = 8

export function readAgreement(trace: Uint8Array): Agreement {
  const byte = trace[0] ?? 0
  // A zero, the plainest byte, is what holds if nothing is said.
  return { windowBits: maxWindowBits - (byte & 7), noContextTakeover: (byte & noContextBit) !== 0 }
}

export function writeAgreement({ windowBits, noContextTakeover }: Agreement): Uint8Array {
  return Uint8Array.of((maxWindowBits - windowBits) | (noContextTakeover ? noContextBit : 0))
}

/** The extension as it stands in the handshake, in the offer to a server or the answer to a client. */
export function agreementText(role: Role, { windowBits, noContextTakeover }: Agreement): string {
  const sender = role === 'server' ? 'client' : 'server'
  const takeover = noContextTakeover ? `; ${sender}_no_context_takeover` : ''
  return `permessage-deflate; ${sender}_max_window_bits=${windowBits}${takeover}`
}
