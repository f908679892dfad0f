// The header-block sizes against the examples of RFC 7541, Appendix C.
import { describe, expect, it } from 'vitest'
import { type HeaderField, HpackSizer, integerBytes, stringBytes } from './hpack.ts'
import { huffmanCodeBits } from './huffman.ts'

const requests: readonly (readonly HeaderField[])[] = [
  [
    [':method', 'GET'],
    [':scheme', 'http'],
    [':path', '/'],
    [':authority', 'www.example.com'],
  ],
  [
    [':method', 'GET'],
    [':scheme', 'http'],
    [':path', '/'],
    [':authority', 'www.example.com'],
    ['cache-control', 'no-cache'],
  ],
  [
    [':method', 'GET'],
    [':scheme', 'https'],
    [':path', '/index.html'],
    [':authority', 'www.example.com'],
    ['custom-key', 'custom-value'],
  ],
]

const responses: readonly (readonly HeaderField[])[] = [
  [
    [':status', '302'],
    ['cache-control', 'private'],
    ['date', 'Mon, 21 Oct 2013 20:13:21 GMT'],
    ['location', 'https://www.example.com'],
  ],
  [
    [':status', '307'],
    ['cache-control', 'private'],
    ['date', 'Mon, 21 Oct 2013 20:13:21 GMT'],
    ['location', 'https://www.example.com'],
  ],
  [
    [':status', '200'],
    ['cache-control', 'private'],
    ['date', 'Mon, 21 Oct 2013 20:13:22 GMT'],
    ['location', 'https://www.example.com'],
    ['content-encoding', 'gzip'],
    ['set-cookie', 'foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1'],
  ],
]

function sizes(options: ConstructorParameters<typeof HpackSizer>[0], blocks: typeof requests) {
  const sizer = new HpackSizer(options)
  return blocks.map((block) => [sizer.block(block), sizer.usedBytes])
}

describe('RFC 7541', () => {
  it('C.3, C.4: requests on one connection, without and with the Huffman code', () => {
    expect(sizes({ huffman: false }, requests)).toEqual([
      [20, 57],
      [14, 110],
      [29, 164],
    ])
    expect(sizes({}, requests)).toEqual([
      [17, 57],
      [12, 110],
      [24, 164],
    ])
  })

  it('C.5, C.6: responses with a table of 256 bytes, which forgets', () => {
    expect(sizes({ huffman: false, tableBytes: 256 }, responses)).toEqual([
      [70, 222],
      [8, 222],
      [98, 215],
    ])
    expect(sizes({ tableBytes: 256 }, responses)).toEqual([
      [54, 222],
      [8, 222],
      [79, 215],
    ])
  })

  it('C.1: integers', () => {
    expect([integerBytes(10, 5), integerBytes(1337, 5), integerBytes(42, 8)]).toEqual([1, 3, 1])
  })

  it('has a complete prefix code: Kraft’s sum is 1', () => {
    expect(huffmanCodeBits).toHaveLength(257)
    expect(huffmanCodeBits.reduce((sum, bits) => sum + 2 ** -bits, 0)).toBe(1)
  })

  it('takes the bytes themselves where the code would be longer', () => {
    expect(stringBytes('||||')).toBe(5)
    expect(stringBytes('aaaa')).toBe(4)
  })

  it('writes what is never indexed out each time', () => {
    const sizer = new HpackSizer({ neverIndexed: new Set([':path']) })
    const block: readonly HeaderField[] = [[':path', '/rooms']]
    expect(sizer.block(block)).toBe(sizer.block(block))
    expect(sizer.usedBytes).toBe(0)
  })
})
