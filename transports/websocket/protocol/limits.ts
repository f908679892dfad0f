// What one peer may make a connection hold or do. Every bound of the protocol is here, with its unit in its name.

export interface Limits {
  /** Payload bytes of one whole message, all its fragments together; more gets close 1009. */
  readonly maxMessageBytes: number
  /** Payload bytes of one data frame; a longer declared length gets close 1009 before any of it is read. */
  readonly maxFrameBytes: number
  /** Frames that one message may consist of, empty ones included; more gets close 1008. */
  readonly maxFragments: number
  /** Control frames between the fragments of one message; more gets close 1008. */
  readonly maxControlFramesPerMessage: number
}

/** Fit for chat. 4,096 fragments of a message are more than any browser makes; `ws` takes 16,384. */
export const defaultLimits: Limits = {
  maxMessageBytes: 1024 * 1024,
  maxFrameBytes: 1024 * 1024,
  maxFragments: 4096,
  maxControlFramesPerMessage: 4096,
}
