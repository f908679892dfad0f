// The stream below a socket: listeners that all sockets share, one write for many pieces, and its end without a word.
import { constants } from 'node:http2'
import type { Duplex } from 'node:stream'
import { readIntoShared } from './read-buffer.node.ts'

/** What a duplex reports to the socket on it. */
export interface DuplexEvents {
  /** @param borrowed whether the chunk is good only until this returns */
  onData(chunk: Uint8Array, borrowed: boolean): void
  onEnd(): void
  onDrain(): void
  onError(error: Error): void
  onClose(): void
}

/** A duplex that knows the socket on it: a listener of its own would be a closure for each event and connection. */
interface Listened extends Duplex {
  [above]?: DuplexEvents
  // What sockets have and other streams have not.
  setNoDelay?(noDelay: boolean): unknown
  setTimeout?(timeoutMs: number): unknown
  /** An HTTP/2 stream's: resets it. */
  close?(code: number): unknown
}

const above = Symbol('the socket on a duplex')

/** Up to here the pieces of a tick are joined into one buffer; beyond, the system joins them (writev). */
const joinedUpToBytes = 16 * 1024

/**
 * Reports what happens on `duplex` from now on, and has it neither wait nor time out nor end by itself.
 *
 * @returns whether it is a TCP socket that reads into the shared buffer. What such a socket is given to write is written when
 *   its `writableLength` is 0; another stream may keep it for longer
 */
export function listenTo(duplex: Listened, socket: DuplexEvents): boolean {
  duplex[above] = socket
  // Never a wait for the peer's acknowledgement of what was written before (R19).
  duplex.setNoDelay?.(true)
  duplex.setTimeout?.(0)
  // The end of what the peer sends isn't the end of what it is still owed: the socket ends, when all of that is written.
  duplex.allowHalfOpen = true
  duplex.on('data', onData)
  duplex.on('end', onEnd)
  duplex.on('drain', onDrain)
  duplex.on('error', onError)
  duplex.on('close', onClose)
  return readIntoShared(duplex, onRead)
}

/** One write, whatever the number of pieces (R19). False: the wire takes no more for now. */
export function writeParts(duplex: Duplex, parts: readonly Uint8Array[], totalBytes: number): boolean {
  const first = parts[0] as Uint8Array
  if (parts.length === 1) return duplex.write(first)
  if (totalBytes <= joinedUpToBytes) return duplex.write(Buffer.concat(parts, totalBytes))
  duplex.cork()
  let accepted = true
  for (const part of parts) accepted = duplex.write(part)
  duplex.uncork()
  return accepted
}

/** Ends it at once, whatever waits: TCP's reset, for which an HTTP/2 stream has RST_STREAM with CANCEL (RFC 8441 §5). */
export function cut(duplex: Listened): void {
  // By itself, destroying a stream says NO_ERROR, as if all were done.
  if (!duplex.destroyed) duplex.close?.(constants.NGHTTP2_CANCEL)
  duplex.destroy()
}

/** Also with the shared buffer: what came before it was in use. */
function onData(this: Listened, chunk: Uint8Array): void {
  this[above]?.onData(chunk, false)
}

function onRead(this: Listened, readBytes: number, buffer: Uint8Array): boolean {
  this[above]?.onData(buffer.subarray(0, readBytes), true)
  return true
}

function onEnd(this: Listened): void {
  this[above]?.onEnd()
}

function onDrain(this: Listened): void {
  this[above]?.onDrain()
}

function onError(this: Listened, error: Error): void {
  this[above]?.onError(error)
}

function onClose(this: Listened): void {
  this[above]?.onClose()
}
