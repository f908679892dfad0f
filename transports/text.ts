// What a room, a user and a text may be, in plain functions that both sides run. Each gives a sentence, or null when all is well.
import { wireLimits } from './limits.ts'

const roomPattern = /^[A-Za-z0-9_-]{1,64}$/
// C0, DEL and C1 control characters, and the line and paragraph separators.
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for.
const controlPattern = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/

/** Why this cannot name a room. */
export function roomProblem(room: string): string | null {
  return roomPattern.test(room) ? null : 'A room is named with 1 to 64 letters, digits, "_" or "-".'
}

/** Why this cannot name a user. */
export function userProblem(user: string): string | null {
  if (user.trim() === '') return 'A user needs a name.'
  if (!user.isWellFormed()) return 'A name must be valid Unicode: it has half of a surrogate pair.'
  if (controlPattern.test(user)) return 'A name has no line breaks or control characters.'
  if (user.length > wireLimits.userCharacters && [...user].length > wireLimits.userCharacters) {
    return `A name has at most ${wireLimits.userCharacters} characters.`
  }
  return null
}

/** Why this cannot be a message's text. */
export function textProblem(text: string): string | null {
  if (text.trim() === '') return 'A message needs a text.'
  if (!text.isWellFormed()) return 'A text must be valid Unicode: it has half of a surrogate pair.'
  if (text.length * 3 > wireLimits.textBytes && utf8Bytes(text) > wireLimits.textBytes) {
    return `A text has at most ${wireLimits.textBytes} bytes in UTF-8; this one has ${utf8Bytes(text)}.`
  }
  return null
}

/** How many bytes a string takes in UTF-8; half of a surrogate pair counts as the three bytes of U+FFFD. */
export function utf8Bytes(text: string): number {
  let bytes = 0
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index)
    if (unit < 0x80) bytes += 1
    else if (unit < 0x800) bytes += 2
    else if (unit >= 0xd800 && unit < 0xdc00 && isLowSurrogate(text.charCodeAt(index + 1))) {
      bytes += 4
      index += 1
    } else bytes += 3
  }
  return bytes
}

function isLowSurrogate(unit: number): boolean {
  return unit >= 0xdc00 && unit < 0xe000
}
