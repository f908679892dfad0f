// What the protocol needs from the runtime around it, given as plain functions.
import type { ApplyMask } from './mask.ts'
import type { IsUtf8 } from './utf8.ts'

export interface Primitives {
  /** Fresh bytes that nobody else holds; they need not be zero. */
  allocate(bytes: number): Uint8Array
  /** A fast check of a whole buffer, or null for the one that is written here. */
  readonly isUtf8: IsUtf8 | null
  /** `applyMask` of `mask.ts`, or a faster one. */
  readonly applyMask: ApplyMask
  /** 32 unpredictable bits, new for each frame (RFC 6455 §5.3, §10.3). Only clients call it. */
  randomMaskKey(): number
}
