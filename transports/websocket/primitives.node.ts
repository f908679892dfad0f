// The protocol's primitives on Node, and the one arena that all connections of the process write their frames in.
import { isUtf8 } from 'node:buffer'
import { hash, randomFillSync } from 'node:crypto'
import { applyMask } from './protocol/mask.ts'
import type { Message } from './protocol/message.ts'
import { FrameArena } from './protocol/output.ts'
import type { Primitives } from './protocol/primitives.ts'
import { createSimdMask } from './protocol/simd-mask.ts'

/** One call of the generator for so many frames: it costs about as much for 8 KiB as for 4 bytes. */
const maskKeys = new Int32Array(2048)
let nextMaskKey = maskKeys.length

function randomMaskKey(): number {
  if (nextMaskKey === maskKeys.length) {
    randomFillSync(maskKeys)
    nextMaskKey = 0
  }
  return maskKeys[nextMaskKey++] as number
}

/** What is read at a time, at most. With 64 KiB, which is Node's, an echo of 64 KiB took 42 µs instead of 33 (three rounds, before it copied). */
const readBufferBytes = 256 * 1024
const simdMask = createSimdMask(readBufferBytes)

/** Where TCP sockets are read to: where masking is fast. */
export const readBuffer: Buffer =
  simdMask === null
    ? Buffer.allocUnsafeSlow(readBufferBytes)
    : Buffer.from(simdMask.memory, 0, readBufferBytes)

export const nodePrimitives: Primitives = {
  // Buffers, as writing another kind of array wraps it in one first; unpooled, so that holding one holds nothing else.
  allocate: (bytes) => Buffer.allocUnsafeSlow(bytes),
  isUtf8,
  applyMask: simdMask === null ? applyMask : simdMask.applyMask,
  randomMaskKey,
}

export const frameArena = new FrameArena(nodePrimitives)

/** SHA-1 of a text in base64, for the handshake. */
export function sha1Base64(text: string): string {
  return hash('sha1', text, 'base64')
}

/** A message's payload as a string. */
export function messageText(message: Message): string {
  const [only] = message.parts
  const bytes = only !== undefined && message.parts.length === 1 ? only : message.bytes()
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8')
}
