// How long the fuzzer waits for what, and how much it sends.

export interface Settings {
  /** Of the cases that send many, at most. */
  readonly messages: number
  /** For a close frame that is due, and for the end of TCP behind it. */
  readonly patienceMs: number
  /** For a peer to notice the first wrong byte. */
  readonly failFastMs: number
  /** The pauses between fragments, in seconds. */
  readonly pauseScale: number
  readonly seed: number
}

/** Autobahn's times are the same. */
export const defaultSettings: Settings = {
  messages: 1000,
  patienceMs: 1000,
  failFastMs: 1000,
  pauseScale: 1,
  seed: 1,
}
