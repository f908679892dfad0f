// Frames for the load, any length, and the counter of those that come back. Neither checks anything: what is measured is the server.
const mask = [0x11, 0x22, 0x33, 0x44] as const

/** The bytes of a header without a mask (RFC 6455 §5.2). */
export function headerBytes(payloadBytes: number): number {
  return payloadBytes < 126 ? 2 : payloadBytes < 65_536 ? 4 : 10
}

/** A client's frame: whole, final, masked. */
export function clientFrame(kind: 'text' | 'binary', payload: Uint8Array): Buffer {
  const maskStart = headerBytes(payload.length)
  const frame = Buffer.alloc(maskStart + 4 + payload.length)
  frame[0] = kind === 'text' ? 0x81 : 0x82
  if (maskStart === 2) frame[1] = 0x80 | payload.length
  else if (maskStart === 4) {
    frame[1] = 0x80 | 126
    frame.writeUInt16BE(payload.length, 2)
  } else {
    frame[1] = 0x80 | 127
    frame.writeBigUInt64BE(BigInt(payload.length), 2)
  }
  for (const [index, byte] of mask.entries()) frame[maskStart + index] = byte
  for (const [index, byte] of payload.entries()) frame[maskStart + 4 + index] = byte ^ (mask[index & 3] ?? 0)
  return frame
}

/** Counts the server's frames where their length isn't known beforehand: compressed ones. */
export class FrameCounter {
  #header: number[] = []
  #skip = 0

  /** The frames that end in this chunk. */
  push(chunk: Uint8Array): number {
    let ended = 0
    for (let at = 0; at < chunk.length; ) {
      if (this.#skip > 0) {
        const skipped = Math.min(this.#skip, chunk.length - at)
        this.#skip -= skipped
        at += skipped
        if (this.#skip === 0) ended++
        continue
      }
      this.#header.push(chunk[at++] as number)
      const short = (this.#header[1] ?? 0) & 0x7f
      const needed = short === 126 ? 4 : short === 127 ? 10 : 2
      if (this.#header.length < needed) continue
      this.#skip = needed === 2 ? short : this.#header.slice(2).reduce((sum, byte) => sum * 256 + byte, 0)
      this.#header = []
      if (this.#skip === 0) ended++
    }
    return ended
  }
}

/** About what a room's server sends: JSON of messages whose words repeat as people's do, cut to the length. */
export function jsonPayload(bytes: number): Buffer {
  const words = 'the a of to and in that is it for you was on are with as have be this from'.split(' ')
  const messages: object[] = []
  let state = 1
  const draw = (count: number): number => {
    state = Math.imul(state, 1_103_515_245) + 12_345
    return (state >>> 16) % count
  }
  let json = ''
  for (let offset = 4711; json.length < bytes; offset++) {
    const said = Array.from({ length: 4 + draw(8) }, () => words[draw(words.length)]).join(' ')
    messages.push({
      id: `0190-${draw(65_536).toString(16)}-${draw(65_536).toString(16)}`,
      user: `user ${draw(20)}`,
      text: said,
      offset,
    })
    json = JSON.stringify({ messages })
  }
  return Buffer.from(json.slice(0, bytes), 'latin1')
}
