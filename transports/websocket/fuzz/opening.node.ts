// A whole conversation for the targets `socket` and `dial`: a head, and frames behind it, compressed or not.
import type { Role } from '../protocol/connection.ts'
import { concat, utf8 } from '../protocol/testing.ts'
import { agreementBytes, agreementText, readAgreement } from './agreement.ts'
import { makeTrace } from './conversation.ts'
import { makeDeflateTrace } from './deflate-conversation.node.ts'
import type { MadeHead } from './heads.ts'
import type { Random } from './random.ts'

const headEnd = utf8('\r\n\r\n')

/** @param makeHead mostly asked again until the head is fine: what is behind it is of more interest here */
export function makeOpening(role: Role, makeHead: () => MadeHead, random: Random): Uint8Array {
  let head = makeHead()
  for (let tries = 0; tries < 8 && head.expected !== '101'; tries++) head = makeHead()
  if (random.chance(0.3)) return concat(head.bytes, makeTrace(role, random))
  const end = Buffer.from(head.bytes).indexOf(headEnd)
  // Right behind the head, as it would be.
  if (end < 0 || random.chance(0.5))
    return concat(head.bytes.slice(0, end + headEnd.length), makeTrace(role, random))
  const trace = makeDeflateTrace(role, random)
  const field = `\r\nSec-WebSocket-Extensions: ${agreementText(role, readAgreement(trace))}`
  return concat(head.bytes.slice(0, end), utf8(field), headEnd, trace.subarray(agreementBytes))
}
