// A stream that passes everything on to another one: what changes one thing about a stream extends it.
import type { FlateStream } from '../protocol/flate.ts'

export class Passing implements FlateStream {
  protected readonly stream: FlateStream

  constructor(stream: FlateStream) {
    this.stream = stream
  }

  get pending(): boolean {
    return this.stream.pending
  }

  push(bytes: Uint8Array, flush: boolean): void {
    this.stream.push(bytes, flush)
  }

  pull(maxBytes?: number): Uint8Array | 'not now' | 'corrupt' {
    return this.stream.pull(maxBytes)
  }

  endMessage(): void {
    this.stream.endMessage()
  }

  forgetContext(): void {
    this.stream.forgetContext()
  }

  close(): void {
    this.stream.close()
  }
}
