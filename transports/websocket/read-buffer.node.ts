// One buffer that all TCP sockets of the process are read into, instead of a new one for each read.
import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { TLSSocket } from 'node:tls'
import { readBuffer } from './primitives.node.ts'

/** Takes what was read. The bytes are good until it returns. */
export type TakeRead = (this: Duplex, readBytes: number, buffer: Uint8Array) => boolean

/** The symbols by which a socket of Node finds the buffer that it was given by the option `onread`. */
interface ReadSymbols {
  readonly buffer: symbol
  readonly callback: symbol
}

const readSymbols = findSymbols()

/**
 * Has a TCP socket read into the one buffer from now on, and report that to `take` instead of its `data` listeners.
 *
 * By itself, Node allocates 64 KiB for each read and then shrinks them to what has come, which also keeps the garbage collector
 * busy. Without that, an echo of 64 KiB takes 31 µs instead of 59, of a short message, 16 in flight, 0.59 instead of 0.72. The option
 * `onread` of `net.connect` is the documented way around it, but the sockets of a server can't be given options; so this
 * sets what the option sets. Where a runtime has no such thing, nothing happens, and reading is as it was.
 *
 * @returns whether it does. Not for TLS, where a write to one socket may have another one read at once; and not on Windows,
 *   where a read begins before there is anything to read, so that sockets can't share its buffer
 */
export function readIntoShared(duplex: Duplex, take: TakeRead): boolean {
  if (readSymbols === null || !(duplex instanceof Socket) || duplex instanceof TLSSocket) return false
  const handle = (duplex as { readonly _handle?: { useUserBuffer?(buffer: Uint8Array): void } })._handle
  if (handle?.useUserBuffer === undefined) return false
  Object.assign(duplex, { [readSymbols.buffer]: readBuffer, [readSymbols.callback]: take })
  handle.useUserBuffer(readBuffer)
  return true
}

/** Whether `bytes` lie where the next read goes. */
export function isInReadBuffer(bytes: Uint8Array): boolean {
  return bytes.buffer === readBuffer.buffer
}

function findSymbols(): ReadSymbols | null {
  if (process.platform === 'win32') return null
  const symbols = Object.getOwnPropertySymbols(new Socket())
  const buffer = symbols.find(({ description }) => description === 'kBuffer')
  const callback = symbols.find(({ description }) => description === 'kBufferCb')
  return buffer === undefined || callback === undefined ? null : { buffer, callback }
}
