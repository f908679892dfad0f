// UTF-8 (RFC 3629) checked as it arrives, so that a text fails at its first wrong byte (RFC 6455 §8.1).

/** A whole-buffer check that is faster than a loop here: `isUtf8` of `node:buffer`, say. */
export type IsUtf8 = (bytes: Uint8Array) => boolean

/** Between two characters: the state to start with, and the only one in which a text may end. */
export const utf8Accept = 0
/** A wrong byte was seen. */
export const utf8Reject = -1

/** From here on the native check is worth its call and its view. */
const nativeFromBytes = 64

/**
 * Goes on checking with the bytes from `start` to `end`.
 *
 * @param state what the last call returned, at first `utf8Accept`
 * @returns `utf8Accept`, `utf8Reject`, or another number: a character has begun well and needs more bytes
 */
export function advanceUtf8(
  state: number,
  bytes: Uint8Array,
  start: number,
  end: number,
  isUtf8: IsUtf8 | null,
): number {
  let index = start
  let current = state
  while (current > utf8Accept && index < end) current = step(current, bytes[index++] as number)
  if (current === utf8Accept && isUtf8 !== null && end - index >= nativeFromBytes) {
    const whole = lastCharacterStart(bytes, index, end)
    if (!isUtf8(bytes.subarray(index, whole))) return utf8Reject
    index = whole
  }
  for (; index < end && current !== utf8Reject; index++) {
    const byte = bytes[index] as number
    if (current !== utf8Accept || byte > 0x7f) current = step(current, byte)
  }
  return current
}

/** One whole text at once. */
export function isWholeUtf8(bytes: Uint8Array, isUtf8: IsUtf8 | null): boolean {
  return isUtf8 !== null
    ? isUtf8(bytes)
    : advanceUtf8(utf8Accept, bytes, 0, bytes.length, null) === utf8Accept
}

/** The start of the character that the last bytes belong to: what stands before is whole, if it is UTF-8 at all. */
function lastCharacterStart(bytes: Uint8Array, start: number, end: number): number {
  let index = end - 1
  const earliest = Math.max(start, end - 4)
  while (index > earliest && ((bytes[index] as number) & 0xc0) === 0x80) index--
  return (bytes[index] as number) < 0x80 ? end : index
}

/**
 * The state machine, after the grammar of RFC 3629 §4: a state holds how many bytes are missing and the range of the next
 * one, for the second byte of a character is where overlong forms, surrogates and numbers above U+10FFFF show.
 */
function step(state: number, byte: number): number {
  if (state === utf8Accept) {
    if (byte < 0x80) return utf8Accept
    if (byte < 0xc2) return utf8Reject // a continuation byte alone, or an overlong form of ASCII
    if (byte < 0xe0) return expect(1, 0x80, 0xbf)
    if (byte === 0xe0) return expect(2, 0xa0, 0xbf) // below: overlong
    if (byte === 0xed) return expect(2, 0x80, 0x9f) // above: surrogates
    if (byte < 0xf0) return expect(2, 0x80, 0xbf)
    if (byte === 0xf0) return expect(3, 0x90, 0xbf) // below: overlong
    if (byte < 0xf4) return expect(3, 0x80, 0xbf)
    if (byte === 0xf4) return expect(3, 0x80, 0x8f) // above: beyond U+10FFFF
    return utf8Reject
  }
  if (byte < ((state >>> 8) & 0xff) || byte > state >>> 16) return utf8Reject
  const missing = (state & 0xff) - 1
  return missing === 0 ? utf8Accept : expect(missing, 0x80, 0xbf)
}

function expect(missing: number, lowest: number, highest: number): number {
  return missing | (lowest << 8) | (highest << 16)
}
