// The grammar of Sec-WebSocket-Extensions.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Extension, formatExtension, parseExtensions } from './extensions.ts'

/** `name(parameter=value,other)`, one a line's element: easy to compare. */
function read(header: string): string | null {
  const extensions = parseExtensions(header)
  if (extensions === null) return null
  return extensions
    .map(({ name, parameters }) => {
      const inside = parameters.map((one) => (one.value === null ? one.name : `${one.name}=${one.value}`))
      return `${name}(${inside.join(',')})`
    })
    .join(' ')
}

describe('RFC 6455 §9.1 negotiating extensions', () => {
  it.each([
    ['', ''],
    ['foo', 'foo()'],
    ['foo, bar; baz=2', 'foo() bar(baz=2)'],
    ['bar; baz=2, foo', 'bar(baz=2) foo()'],
    ['deflate-stream', 'deflate-stream()'],
    [
      'mux; max-channels=4; flow-control, deflate-stream',
      'mux(max-channels=4,flow-control) deflate-stream()',
    ],
    ['private-extension', 'private-extension()'],
    // RFC 7692 §5.1 and §7.1.3
    ['permessage-foo; use_y, permessage-foo', 'permessage-foo(use_y) permessage-foo()'],
    [
      'permessage-deflate; client_max_window_bits; server_max_window_bits=10',
      'permessage-deflate(client_max_window_bits,server_max_window_bits=10)',
    ],
    ['  a \t;  b =\t"c"\t , d', 'a(b=c) d()'],
    ['a; b="\\c\\d"', 'a(b=cd)'],
    // RFC 9110 §5.6.1.2: empty elements.
    [',a,, ,b,', 'a() b()'],
    [' , ', ''],
  ])('reads %j', (header, expected) => {
    expect(read(header)).toBe(expected)
  })

  it.each([
    ';',
    'a;',
    'a; ;b',
    'a b',
    'a;b=',
    'a;b=c d',
    'a;b=;c',
    'a=b',
    'a;=b',
    'a;b="c',
    'a;b="c\\',
    'a;b=""',
    'a;b="c d"',
    'a;b="c,d"',
    'a;b="c"d',
    'a;b=c"d"',
    'ä',
    'a;b=\u0000',
    'a/b',
    '"a"',
    'a\n',
  ])('refuses %j', (header) => {
    expect(parseExtensions(header)).toBeNull()
  })

  it('bounds its length and its parts (R18)', () => {
    expect(parseExtensions(`${'a'.repeat(4096)}`)).toHaveLength(1)
    expect(parseExtensions(`${'a'.repeat(4097)}`)).toBeNull()
    expect(parseExtensions(Array(128).fill('a').join(','))).toHaveLength(128)
    expect(parseExtensions(Array(129).fill('a').join(','))).toBeNull()
    expect(parseExtensions(`a${';b'.repeat(128)}`)).toBeNull()
    expect(parseExtensions(','.repeat(4096))).toEqual([])
  })

  it('never throws, and reads again what it writes', () => {
    const token = fc.stringMatching(/^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,8}$/)
    const parameter = fc.record({ name: token, value: fc.option(token, { nil: null }) })
    const extension: fc.Arbitrary<Extension> = fc.record({
      name: token,
      parameters: fc.array(parameter, { maxLength: 4 }),
    })
    fc.assert(
      fc.property(fc.array(extension, { maxLength: 5 }), (extensions) => {
        expect(parseExtensions(extensions.map(formatExtension).join(', '))).toEqual(extensions)
      }),
    )
    fc.assert(
      fc.property(fc.stringMatching(/^[a,;="\\ ]*$/), (soup) => {
        const extensions = parseExtensions(soup)
        if (extensions === null) return
        expect(parseExtensions(extensions.map(formatExtension).join(','))).toEqual(extensions)
      }),
    )
  })
})
