// Heads of requests and responses from raw bytes: at every split, within bounds, strictly.
import { describe, expect, it } from 'vitest'
import { HeadReader, parseHead, type WholeHead } from './head.ts'
import { concat, everySplit, utf8 } from './testing.ts'

const latin1 = (text: string): Uint8Array => Uint8Array.from(text, (character) => character.charCodeAt(0))
const lines = (...all: string[]): Uint8Array => latin1(`${all.join('\r\n')}\r\n\r\n`)

describe('RFC 9112 §2.1 where a head ends', () => {
  const head = lines('GET / HTTP/1.1', 'host: a')
  const rest = utf8('\r\n\r\nrest')

  it('finds the empty line at every split, and keeps what follows', () => {
    for (const chunks of everySplit(concat(head, rest))) {
      const reader = new HeadReader(head.length)
      let found: WholeHead | null = null
      const after: Uint8Array[] = []
      for (const chunk of chunks) {
        if (found !== null) {
          after.push(chunk)
          continue
        }
        const read = reader.push(chunk)
        expect(read).not.toBe('too large')
        if (read !== 'too large') found = read
      }
      expect(found?.head).toEqual(head)
      expect(concat(found?.rest ?? utf8(''), ...after)).toEqual(rest)
    }
  })

  it('is not taken in by other line ends', () => {
    const reader = new HeadReader(1000)
    for (const almost of ['\r\n\r', '\r\r\n', '\n\n', '\r\n \r\n', '\r\n\r\r\n', '\n\r\n']) {
      expect(reader.push(latin1(`a${almost}`))).toBeNull()
    }
    expect(reader.push(latin1('b\r\r\n\r\n'))).toMatchObject({ rest: latin1('') })
  })

  it('stops at the limit, however the bytes come', () => {
    for (const chunks of everySplit(head)) {
      const reader = new HeadReader(head.length - 1)
      expect(chunks.map((chunk) => reader.push(chunk))).toContain('too large')
    }
    const endless = new HeadReader(16_384)
    let pushes = 0
    while (endless.push(latin1('x')) !== 'too large') pushes++
    expect(pushes).toBe(16_384)
  })
})

describe('RFC 9112 §5 fields', () => {
  it('reads names without case, values without the white space around them', () => {
    const head = parseHead(
      lines('GET /x HTTP/1.1', 'Host:a', 'X-Empty:', 'x-spaced: \t a b\t ', 'X-Latin: \xe9'),
    )
    expect(head).toMatchObject({ startLine: 'GET /x HTTP/1.1' })
    expect(typeof head === 'string' ? {} : { ...head.headers }).toEqual({
      host: 'a',
      'x-empty': '',
      'x-spaced': 'a b',
      'x-latin': '\xe9',
    })
  })

  it('joins fields that occur more than once (RFC 9110 §5.3)', () => {
    expect(parseHead(lines('GET / HTTP/1.1', 'a: 1', 'b: x', 'A: 2'))).toMatchObject({
      headers: { a: '1, 2', b: 'x' },
    })
  })

  it('keeps a field with a special name to itself', () => {
    const head = parseHead(lines('GET / HTTP/1.1', '__proto__: x', 'constructor: y'))
    expect(typeof head === 'string' ? [] : Object.keys(head.headers)).toEqual(['__proto__', 'constructor'])
  })

  it.each([
    ['white space before the colon', 'host : a'],
    ['no colon', 'host'],
    ['no name', ': a'],
    ['a folded line', ' folded'],
    ['a bare line feed', 'host: a\nx: b'],
    ['a bare carriage return', 'host: a\rx: b'],
    ['a NUL', 'host: a\0b'],
    ['a name that is no token', 'hö: a'],
  ])('refuses %s', (_, line) => {
    expect(parseHead(lines('GET / HTTP/1.1', line))).toMatch(/malformed/)
  })

  it('refuses a first line that is empty or has control characters, and too many fields', () => {
    expect(parseHead(latin1('\r\n\r\n'))).toMatch(/first line/)
    expect(parseHead(lines('GET /\0 HTTP/1.1'))).toMatch(/first line/)
    expect(parseHead(lines('GET / HTTP/1.1', ...Array(101).fill('a: b')))).toMatch(/100/)
    expect(parseHead(lines('GET / HTTP/1.1', ...Array(100).fill('a: b')))).toBeTypeOf('object')
  })

  it('takes long white space in linear time', () => {
    const spaces = ' '.repeat(2_000_000)
    expect(parseHead(lines('GET / HTTP/1.1', `a: ${spaces}x${spaces}y`))).toBeTypeOf('object')
  })
})
