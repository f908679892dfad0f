// DER, the byte form of certificates: the few types that X.509 is written with (ITU-T X.690 §8 and §10).

/** One value: its tag, its length and its content. */
function value(tag: number, ...contents: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(contents)
  return Buffer.concat([Buffer.from([tag]), length(content.length), content])
}

/** X.690 §8.1.3: one byte below 128, else the number of bytes and the bytes. */
function length(bytes: number): Buffer {
  if (bytes < 0x80) return Buffer.from([bytes])
  const digits = Buffer.from(
    bytes.toString(16).padStart(bytes > 0xffff ? 6 : bytes > 0xff ? 4 : 2, '0'),
    'hex',
  )
  return Buffer.concat([Buffer.from([0x80 | digits.length]), digits])
}

export function sequence(...values: readonly Uint8Array[]): Buffer {
  return value(0x30, ...values)
}

export function set(...values: readonly Uint8Array[]): Buffer {
  return value(0x31, ...values)
}

export function boolean(truth: boolean): Buffer {
  return value(0x01, Buffer.from([truth ? 0xff : 0]))
}

/** A number that is not negative, from its bytes: shortest form, a zero in front when it would look negative. */
export function integer(bytes: Uint8Array): Buffer {
  let start = 0
  while (start < bytes.length - 1 && bytes[start] === 0) start += 1
  const digits = bytes.subarray(start)
  return value(0x02, ...((digits[0] ?? 0) >= 0x80 ? [Buffer.from([0]), digits] : [digits]))
}

/** Bits; `unused` of them at the end do not count. */
export function bitString(bytes: Uint8Array, unused = 0): Buffer {
  return value(0x03, Buffer.from([unused]), bytes)
}

export function octetString(bytes: Uint8Array): Buffer {
  return value(0x04, bytes)
}

/** `1.2.840.10045.4.3.2` and the like: base 128, the first two numbers in one (X.690 §8.19). */
export function objectIdentifier(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number)
  return value(0x06, Buffer.from([first * 40 + second, ...rest.flatMap(base128)]))
}

function base128(number: number): number[] {
  const digits = [number & 0x7f]
  for (let left = number >>> 7; left > 0; left >>>= 7) digits.unshift((left & 0x7f) | 0x80)
  return digits
}

export function utf8String(text: string): Buffer {
  return value(0x0c, Buffer.from(text, 'utf8'))
}

/** RFC 5280 §4.1.2.5: two digits of the year until 2049, four from 2050 on; whole seconds, UTC. */
export function time(date: Date): Buffer {
  const digits = `${date.toISOString().slice(0, 19).replace(/[-:T]/g, '')}Z`
  return date.getUTCFullYear() < 2050
    ? value(0x17, Buffer.from(digits.slice(2), 'latin1'))
    : value(0x18, Buffer.from(digits, 'latin1'))
}

/** `[n]` that wraps whole values (EXPLICIT), or a constructed one in place of its type (IMPLICIT). */
export function contextConstructed(number: number, ...values: readonly Uint8Array[]): Buffer {
  return value(0xa0 | number, ...values)
}

/** `[n]` in place of the type of plain bytes (IMPLICIT). */
export function contextPrimitive(number: number, bytes: Uint8Array): Buffer {
  return value(0x80 | number, bytes)
}
