// A conformance case as data: what the fuzzer does, what may come back, and how the connection has to end.
import { close as closeOpcode, closePayload, type Frame } from './frames.ts'

/** What became of a case, in the words of Autobahn|Testsuite, so that results can be compared. */
export type Verdict = 'OK' | 'NON-STRICT' | 'INFORMATIONAL' | 'UNIMPLEMENTED' | 'FAILED'
/** How the connection was closed, in the same words. `FAILED BY CLIENT`: the server didn't end TCP first (RFC 6455 §7.1.1). */
export type CloseVerdict = 'OK' | 'INFORMATIONAL' | 'WRONG CODE' | 'UNCLEAN' | 'FAILED BY CLIENT' | 'FAILED'
/** Whom the fuzzer tests. */
export type Role = 'server' | 'client'

/** What came back, or what the fuzzer notes of itself (`mark`). */
export type Event =
  | { readonly kind: 'text' | 'binary' | 'ping' | 'pong'; readonly payload: Uint8Array }
  | { readonly kind: 'mark'; readonly name: string }

export type Step =
  /** Sends frames: all in one write, each in one, or in chops of so many bytes, each in one. */
  | {
      readonly do: 'send'
      readonly frames: readonly Frame[]
      readonly in: 'one write' | 'frames' | number
      /** Goes on before the system has taken it all. */
      readonly unawaited?: boolean
    }
  /** Sends a frame up to the last of these places in its payload, cut at each of them; `send rest` sends what is left. */
  | { readonly do: 'send start'; readonly frame: Frame; readonly cutsBytes: readonly number[] }
  | { readonly do: 'send rest' }
  /** Waits until so many events have come in all. */
  | { readonly do: 'await'; readonly events: number }
  | { readonly do: 'pause'; readonly milliseconds: number }
  /** Waits for the peer to fail the connection, as long as one that fails fast may take. If it doesn't: notes `mark`, goes on. */
  | { readonly do: 'expect failure'; readonly mark: string }
  | Exchange
  | { readonly do: 'stop reading' | 'read on' | 'end' }

/** Messages one by one, each sent when the last one's echo is there and right. */
export interface Exchange {
  readonly do: 'exchange'
  readonly opcode: number
  /** Not more than the fuzzer was told to. */
  readonly messages: number
  readonly message: (index: number) => Uint8Array
  /** Each message in frames of at most so many bytes. */
  readonly frameBytes?: number
  readonly compress?: boolean
}

/** How the connection has to be closed. */
export interface Closing {
  /** Who sends the first close frame, or ends the connection. */
  readonly by: 'fuzzer' | 'peer'
  /** What the peer's close frame may say; null for a frame without a code. */
  readonly codes: readonly (number | null)[]
  /** Whether both must have said goodbye. A connection that is failed may also just be ended (§7.1.7). */
  readonly clean: boolean
  /** Whether TCP must end in order: a reset may destroy the close frame before the other side has read it. */
  readonly noReset?: boolean
  /** Whether the fuzzer answers the peer's close frame; it does, unless said otherwise. */
  readonly answered?: boolean
}

/** One of the events that may come of a case, and what that is worth. */
export interface Outcome {
  readonly verdict: Verdict
  readonly events: readonly Event[]
}

export interface Script {
  readonly steps: readonly Step[]
  readonly outcomes: readonly Outcome[]
  /** Null: the connection doesn't open, or whatever end it finds is right. */
  readonly closing: Closing | null
  readonly opening?: Opening
  readonly deflate?: DeflatePlan
  /** For all of it. */
  readonly timeLimitMs?: number
}

/** An opening handshake that isn't the usual one. */
export interface Opening {
  /** The fuzzing client's request line and fields, with the key and the rest left to it: see `requestText`. */
  readonly request?: (usual: readonly string[]) => readonly string[]
  /** The fuzzing server's answer. */
  readonly response?: (usual: readonly string[]) => readonly string[]
  /** In writes of so many bytes. */
  readonly chopBytes?: number
  /** Frames in the same write as the handshake. */
  readonly firstFrames?: readonly Frame[]
  /** What a server answers: 101 without it. A client that must not accept an answer has `'none'`: it sends no frame and ends. */
  readonly expected?: readonly number[] | 'none'
}

/** permessage-deflate in the opening handshake, for both kinds of peer. */
export interface DeflatePlan {
  /** What a fuzzing client offers. */
  readonly offer: string
  /** What a fuzzing server answers; '' for nothing. */
  readonly answer: string
  /** A server must not accept the offer, but go on without compression (RFC 7692 §7.1). */
  readonly declined?: boolean
  /** Goes on, too, without an extension. */
  readonly optional?: boolean
}

export interface Case {
  readonly number: string
  /** What it does, in one line. */
  readonly title: string
  /** Whom it can test; both without it. */
  readonly role?: Role
  readonly script: () => Script
}

/** What the peer may say of a fault in the protocol. */
export const protocolError = 1002
export const wrongPayload = 1007
export const tooBig = 1009

/** A close frame with a code, or without one. */
export function closeFrame(code: number | null, reason?: Uint8Array): Frame {
  return { opcode: closeOpcode, payload: code === null ? new Uint8Array(0) : closePayload(code, reason) }
}

export function send(frames: readonly Frame[], how: 'one write' | 'frames' | number = 'one write'): Step {
  return { do: 'send', frames, in: how }
}

const closedNormally: Closing = { by: 'fuzzer', codes: [1000], clean: true }

/** Steps after which `events` have to come, and nothing else; then the fuzzer closes with 1000. */
export function answered(steps: readonly Step[], events: readonly Event[]): Script {
  return {
    steps: [...steps, { do: 'await', events: events.length }, send([closeFrame(1000)])],
    outcomes: [{ verdict: 'OK', events }],
    closing: closedNormally,
  }
}

/**
 * Steps after which the peer has to fail the connection.
 *
 * @param before what has to come before that. A peer that fails at once, without an answer to what was right before, isn't wrong,
 *   but not strict
 */
export function failed(steps: readonly Step[], code: number, before: readonly Event[] = []): Script {
  const outcomes: Outcome[] = [{ verdict: 'OK', events: before }]
  if (before.length > 0) outcomes.push({ verdict: 'NON-STRICT', events: [] })
  return { steps, outcomes, closing: { by: 'peer', codes: [code], clean: false } }
}
