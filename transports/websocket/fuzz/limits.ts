// The limits under which the fuzzer runs both decoders: low enough that traces meet every one of them.
import type { Limits } from '../protocol/limits.ts'

export const fuzzLimits: Limits = {
  // Above 65,535, so that there are lengths which need 64 bits.
  maxMessageBytes: 70_000,
  maxFrameBytes: 70_000,
  maxFragments: 12,
  maxControlFramesPerMessage: 12,
}

/** Of a request's or a response's head. */
export const fuzzMaxHeadBytes = 2048
