// The frames of a trace, read in the plainest way after the picture in RFC 6455 §5.2: evidence for the rules, no decoder.

export interface ScannedFrame {
  /** Where its header starts, its payload starts, and what is there of it ends. */
  readonly start: number
  readonly payloadStart: number
  readonly end: number
  readonly final: boolean
  /** RSV1 is 4, RSV2 is 2, RSV3 is 1. */
  readonly reserved: number
  readonly opcode: number
  /** 7, 16 or 64: how the length is encoded. */
  readonly lengthBits: number
  readonly declaredBytes: bigint
  /** What is there of the payload, unmasked. */
  readonly payload: Uint8Array
  /** The payload is all there. */
  readonly whole: boolean
  /** Events that the frames before this one give, if all is well with them: control frames and last fragments. */
  readonly eventsBefore: number
}

export interface Scan {
  readonly frames: readonly ScannedFrame[]
  /** Bytes of a header that isn't whole, at the end of the trace. */
  readonly restBytes: number
}

export function scan(trace: Uint8Array): Scan {
  const frames: ScannedFrame[] = []
  const view = new DataView(trace.buffer, trace.byteOffset, trace.length)
  let offset = 0
  let eventsBefore = 0
  while (trace.length - offset >= 2) {
    const first = view.getUint8(offset)
    const second = view.getUint8(offset + 1)
    const short = second & 0x7f
    const lengthBits = short === 126 ? 16 : short === 127 ? 64 : 7
    const masked = (second & 0x80) !== 0
    const maskStart = offset + 2 + (lengthBits === 7 ? 0 : lengthBits / 8)
    const payloadStart = maskStart + (masked ? 4 : 0)
    if (payloadStart > trace.length) break
    const declaredBytes =
      lengthBits === 7
        ? BigInt(short)
        : lengthBits === 16
          ? BigInt(view.getUint16(offset + 2))
          : view.getBigUint64(offset + 2)
    const availableBytes = trace.length - payloadStart
    const whole = declaredBytes <= BigInt(availableBytes)
    const payloadEnd = payloadStart + (whole ? Number(declaredBytes) : availableBytes)
    const payload = trace.slice(payloadStart, payloadEnd)
    if (masked)
      for (let at = 0; at < payload.length; at++)
        payload[at] = (payload[at] as number) ^ (trace[maskStart + (at % 4)] as number)
    const final = first >= 0x80
    const reserved = (first >> 4) & 7
    const opcode = first & 0x0f
    const place = { start: offset, payloadStart, end: payloadEnd }
    frames.push({
      ...place,
      final,
      reserved,
      opcode,
      lengthBits,
      declaredBytes,
      payload,
      whole,
      eventsBefore,
    })
    if (opcode >= 8 || final) eventsBefore++
    offset = payloadEnd
  }
  return { frames, restBytes: trace.length - offset }
}

/** Whether the length has a shorter encoding. */
export function isLengthTooLong({ lengthBits, declaredBytes }: ScannedFrame): boolean {
  return (lengthBits === 16 && declaredBytes < 126n) || (lengthBits === 64 && declaredBytes < 65_536n)
}

/** Whether no text begins like this, whatever may follow. */
export function isWrongFromHereOn(text: Uint8Array): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(text, { stream: true })
    return false
  } catch (error) {
    if (error instanceof TypeError) return true
    throw error
  }
}
