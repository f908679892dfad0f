// One sweep that gives every open link its sign of life, instead of a timer for each.

/** Hands one shared document to every member, each once in `intervalMs`, spread over the interval in slots. */
export class Heartbeats<T> {
  readonly #slots: Set<(document: T) => void>[]
  readonly #make: () => T
  readonly #timer: ReturnType<typeof setInterval>
  #at = 0
  #next = 0

  /** `make` is called once for each slot that has members. */
  constructor(intervalMs: number, make: () => T) {
    this.#make = make
    const slots = Math.max(1, Math.min(20, Math.floor(intervalMs / 50)))
    this.#slots = Array.from({ length: slots }, () => new Set())
    this.#timer = setInterval(() => this.#beat(), intervalMs / slots)
    this.#timer.unref()
  }

  /** Adds a member; gives the way to take it out again. */
  add(beat: (document: T) => void): () => void {
    const slot = this.#slots[this.#next % this.#slots.length]
    this.#next += 1
    slot?.add(beat)
    return () => slot?.delete(beat)
  }

  stop(): void {
    clearInterval(this.#timer)
    for (const slot of this.#slots) slot.clear()
  }

  #beat(): void {
    this.#at = (this.#at + 1) % this.#slots.length
    const slot = this.#slots[this.#at]
    if (slot === undefined || slot.size === 0) return
    const document = this.#make()
    for (const beat of slot) beat(document)
  }
}
