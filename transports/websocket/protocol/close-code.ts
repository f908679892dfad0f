// Close codes and the payload of a close frame (RFC 6455 §5.5.1, §7.4).
import { ProtocolError, UsageError } from './errors.ts'
import { maxControlPayloadBytes } from './frame.ts'
import { type IsUtf8, isWholeUtf8 } from './utf8.ts'

/** The codes of RFC 6455 §7.4.1 and of the registry that it opened. */
export const CloseCode = {
  normal: 1000,
  goingAway: 1001,
  protocolError: 1002,
  unsupportedData: 1003,
  /** Never on the wire: the peer's close frame had no code. */
  noCode: 1005,
  /** Never on the wire: the connection ended without a close frame. */
  abnormal: 1006,
  invalidData: 1007,
  policyViolation: 1008,
  messageTooBig: 1009,
  mandatoryExtension: 1010,
  internalError: 1011,
  serviceRestart: 1012,
  tryAgainLater: 1013,
} as const

/** What a close frame says. */
export interface CloseFrame {
  /** 1005 when the frame has no code. */
  readonly code: number
  readonly reason: string
}

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { ignoreBOM: true })

/** Whether a code may stand in a close frame (RFC 6455 §7.4.2, and 1012–1014 from the registry). */
export function mayBeSent(code: number): boolean {
  if (code >= 3000 && code <= 4999) return Number.isInteger(code)
  return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014)
}

/** Reads a close frame's payload; a wrong one gives the error to fail with. */
export function decodeClose(payload: Uint8Array, isUtf8: IsUtf8 | null): CloseFrame | ProtocolError {
  if (payload.length === 0) return { code: CloseCode.noCode, reason: '' }
  // RFC 6455 §5.5.1: if there is a body, its first two bytes MUST be a code.
  if (payload.length === 1) {
    return new ProtocolError(CloseCode.protocolError, 'a close frame has a payload of one byte')
  }
  const code = ((payload[0] as number) << 8) | (payload[1] as number)
  if (!mayBeSent(code))
    return new ProtocolError(CloseCode.protocolError, `close code ${code} may not be sent`)
  const reason = payload.subarray(2)
  // RFC 6455 §5.5.1, §8.1: the reason is UTF-8.
  if (!isWholeUtf8(reason, isUtf8)) {
    return new ProtocolError(CloseCode.invalidData, 'a close reason is not UTF-8')
  }
  return { code, reason: decoder.decode(reason) }
}

/**
 * A close frame's payload.
 *
 * @param code null for a frame without one; then the reason must be empty
 * @throws UsageError for a code that may not be sent, or a reason of more than 123 bytes of UTF-8
 */
export function encodeClose(code: number | null, reason: string): Uint8Array {
  if (code === null) {
    if (reason !== '') throw new UsageError('a close reason needs a close code')
    return new Uint8Array(0)
  }
  if (!mayBeSent(code)) throw new UsageError(`close code ${code} may not be sent`)
  const text = encoder.encode(reason)
  if (text.length > maxControlPayloadBytes - 2) {
    throw new UsageError(`a close reason has at most ${maxControlPayloadBytes - 2} bytes, not ${text.length}`)
  }
  const payload = new Uint8Array(2 + text.length)
  payload[0] = code >>> 8
  payload[1] = code
  payload.set(text, 2)
  return payload
}
