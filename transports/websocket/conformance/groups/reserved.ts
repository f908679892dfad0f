// Groups 3 and 4: reserved bits and reserved opcodes (RFC 6455 §5.2), where no extension has given them a meaning.
import { type Case, type Event, failed, protocolError, send } from '../case.ts'
import { binary, close, closePayload, type Frame, ping, text, utf8 } from '../frames.ts'

const hello = utf8('Hello, wörld!')
const right: Frame = { opcode: text, payload: hello }
const asked: Frame = { opcode: ping }
const echoed: readonly Event[] = [{ kind: 'text', payload: hello }]

/** Number, frames, how they are written, and what has to come before the failure. */
type Row = readonly [string, string, readonly Frame[], 'one write' | 'frames' | number, readonly Event[]]

const wrongBits = (reserved: number, opcode = text): Frame => ({ opcode, payload: hello, reserved })

const bitRows: readonly Row[] = [
  ['3.1', 'text with RSV = 1', [wrongBits(1)], 'one write', []],
  ['3.2', 'text, text with RSV = 2, ping', [right, wrongBits(2), asked], 'one write', echoed],
  ['3.3', 'text, text with RSV = 3, ping, frame by frame', [right, wrongBits(3), asked], 'frames', echoed],
  ['3.4', 'text, text with RSV = 4, ping, octet by octet', [right, wrongBits(4), asked], 1, echoed],
  ['3.5', 'binary with RSV = 5', [wrongBits(5, binary)], 'one write', []],
  ['3.6', 'ping with RSV = 6', [wrongBits(6, ping)], 'one write', []],
  [
    '3.7',
    'close with RSV = 7',
    [{ opcode: close, payload: closePayload(1000), reserved: 7 }],
    'one write',
    [],
  ],
]

const opcodeRows: readonly Row[] = [
  ['4.1.1', 'opcode 3', [{ opcode: 3 }], 'one write', []],
  ['4.1.2', 'opcode 4 with a payload', [{ opcode: 4, payload: hello }], 'one write', []],
  ['4.1.3', 'text, opcode 5, ping', [right, { opcode: 5 }, asked], 'one write', echoed],
  [
    '4.1.4',
    'text, opcode 6 with a payload, ping',
    [right, { opcode: 6, payload: hello }, asked],
    'one write',
    echoed,
  ],
  [
    '4.1.5',
    'text, opcode 7 with a payload, ping, octet by octet',
    [right, { opcode: 7, payload: hello }, asked],
    1,
    echoed,
  ],
  ['4.2.1', 'opcode 11', [{ opcode: 11 }], 'one write', []],
  ['4.2.2', 'opcode 12 with a payload', [{ opcode: 12, payload: hello }], 'one write', []],
  ['4.2.3', 'text, opcode 13, ping', [right, { opcode: 13 }, asked], 'one write', echoed],
  [
    '4.2.4',
    'text, opcode 14 with a payload, ping',
    [right, { opcode: 14, payload: hello }, asked],
    'one write',
    echoed,
  ],
  [
    '4.2.5',
    'text, opcode 15 with a payload, ping, octet by octet',
    [right, { opcode: 15, payload: hello }, asked],
    1,
    echoed,
  ],
]

function toCase([number, title, frames, how, before]: Row): Case {
  return { number, title, script: () => failed([send(frames, how)], protocolError, before) }
}

export const reservedBits: readonly Case[] = bitRows.map(toCase)
export const reservedOpcodes: readonly Case[] = opcodeRows.map(toCase)
