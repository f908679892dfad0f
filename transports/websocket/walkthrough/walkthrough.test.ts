// docs/websocket.md against the code: its bytes are what the code makes, its links lead to what they name, its numbers hold.
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { allRules } from '../fuzz/report.ts'
import { decodeHeader, emptyHeader, headerFault } from '../protocol/frame.ts'
import { defaultLimits } from '../protocol/limits.ts'
import { handshakeBlocks, hexBlocks, spaced } from './blocks.node.ts'
import { codeLinks, linkFault, page, repaired } from './links.node.ts'

const bytesOf = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex.replaceAll(' ', ''), 'hex'))
const text = readFileSync(page, 'utf8')
/** The fenced blocks of a language: name and content. */
const fenced = (language: string): readonly (readonly [string, string])[] =>
  Array.from(
    text.matchAll(new RegExp(`^\`\`\`${language} (\\S+)\\n([\\s\\S]*?)^\`\`\`$`, 'gm')),
    ([, name = '', content = '']) => [name, content],
  )

describe('the bytes of docs/websocket.md', () => {
  const made = hexBlocks()

  it.each(fenced('hex'))('%s', (name, content) => {
    // Whatever stands behind a semicolon is told to the reader.
    const digits = content.replace(/;.*$/gm, '').replace(/\s+/g, ' ').trim()
    expect(digits).toBe(spaced(made.get(name) ?? new Uint8Array(0)))
  })

  it('are all shown', () => {
    expect(
      fenced('hex')
        .map(([name]) => name)
        .sort(),
    ).toEqual([...made.keys()].sort())
  })

  it('begin with the handshake', () => {
    const { request, response } = handshakeBlocks()
    const shown = Object.fromEntries(fenced('http'))
    expect(shown).toEqual({
      request: request.replaceAll('\r\n', '\n'),
      response: response.replaceAll('\r\n', '\n'),
    })
  })

  it('are shown as bits where the header is explained', () => {
    const [first = 0, second = 0] = made.get('hello') ?? []
    const bits = (byte: number): string => [...byte.toString(2).padStart(8, '0')].join(' ')
    expect(text).toContain(`|${bits(first).replaceAll(' ', '|')}|${bits(second).replaceAll(' ', '|')}|`)
  })

  it('are right in the running text, too', () => {
    const decode = (hex: string): string => new TextDecoder('utf-8', { fatal: true }).decode(bytesOf(hex))
    /** What the text says of bytes that are in no block. */
    const claims: Readonly<Record<string, () => void>> = {
      '82 7e 00 05': () => {
        const header = emptyHeader()
        expect(decodeHeader(bytesOf('82 7e 00 05'), 0, 4, header)).toBe(4)
        expect(headerFault(header, false, 0)).toMatch(/shortest/)
      },
      'f4 8f bf bf': () => expect(decode('f4 8f bf bf')).toBe('\u{10ffff}'),
      'c0 af': () => expect(() => decode('c0 af')).toThrow(TypeError),
    }
    const known = [...made.values()].map(spaced)
    const quoted = Array.from(text.matchAll(/`((?:[0-9a-f]{2} )+[0-9a-f]{2})`/g), ([, bytes = '']) => bytes)
    expect(quoted).toEqual(expect.arrayContaining(Object.keys(claims)))
    for (const bytes of quoted) {
      if (!known.includes(bytes)) expect(Object.keys(claims), bytes).toContain(bytes)
      claims[bytes]?.()
    }
  })
})

describe('the links of docs/websocket.md', () => {
  const links = codeLinks(text)

  it('lead to the lines that they name; if not: node transports/websocket/walkthrough/links.node.ts', () => {
    expect(links.length).toBeGreaterThan(30)
    expect(links.map(linkFault).filter((fault) => fault !== null)).toEqual([])
  })

  it('are all there are to code', () => {
    expect(text.match(/\.ts#L\d+/g)).toHaveLength(links.length)
  })

  it('are found again when lines have moved', () => {
    const moved = text.replace(/#L(\d+)\)/g, (_, line: string) => `#L${Number(line) + 3})`)
    expect(
      codeLinks(moved)
        .map(linkFault)
        .some((fault) => fault !== null),
    ).toBe(true)
    expect(
      codeLinks(repaired(moved))
        .map(linkFault)
        .filter((fault) => fault !== null),
    ).toEqual([])
    expect(() => repaired('[`nowhereToBeFound`](../transports/websocket/protocol/frame.ts#L1)')).toThrow(
      /any more/,
    )
  })
})

describe('the tables of docs/websocket.md', () => {
  it('have every limit with its default', () => {
    for (const [name, value] of Object.entries(defaultLimits)) {
      expect(text).toMatch(new RegExp(`\\| \`${name}\` \\| ${value.toLocaleString('en')} \\|`))
    }
  })

  it('have every rule by which the fuzzer lets us differ from ws', () => {
    for (const { name, clause } of allRules) {
      // The first table is about RFC 6455 alone.
      const short = clause.replace(/^RFC 6455 /, '')
      const rows = [clause, short].filter((one) => text.includes(`| \`${name}\` | ${one} |`))
      expect(rows, name).not.toEqual([])
    }
  })
})
