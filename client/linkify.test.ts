// Links in texts: found, safe, and never at the cost of a character.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { linkify } from './linkify.ts'

function hrefs(text: string): readonly string[] {
  return linkify(text).flatMap((part) => (part.kind === 'link' ? [part.href] : []))
}

describe('what becomes a link', () => {
  test('an address with its scheme, without the full stop after it', () => {
    expect(linkify('See https://example.com/a?b=1. Or not')).toEqual([
      { kind: 'text', text: 'See ' },
      { kind: 'link', text: 'https://example.com/a?b=1', href: 'https://example.com/a?b=1' },
      { kind: 'text', text: '. Or not' },
    ])
  })

  test('several, and mail', () => {
    expect(hrefs('http://a.example mailto:b@c.example')).toEqual(['http://a.example/', 'mailto:b@c.example'])
  })

  test('the lab’s own address', () => {
    expect(hrefs('https://localhost:8443/#room=lobby')).toEqual(['https://localhost:8443/#room=lobby'])
  })
})

describe('what stays text', () => {
  test.each([
    'javascript:alert(1)',
    'JaVaScRiPt:alert(1)',
    'data:text/html,<script>alert(1)</script>',
    'vbscript:x',
    'file:///etc/passwd',
    'ftp://example.com/x',
    '//example.com/x',
    'example.com',
    'a@b.example',
    '<img src=x onerror=alert(1)>',
    '12:30',
  ])('%s', (text) => expect(linkify(text)).toEqual([{ kind: 'text', text }]))
})

test('the parts of any text join to the text, and every link has a safe scheme', () => {
  const pieces = fc.constantFrom(
    'https://',
    'http://',
    'javascript:',
    'mailto:',
    'a.example',
    '/',
    '@',
    ' ',
    '<',
    '"',
    '\n',
    '.',
    ')',
    '(',
  )
  const texts = fc
    .array(fc.oneof(pieces, fc.string({ unit: 'grapheme' })), { maxLength: 12 })
    .map((list) => list.join(''))
  fc.assert(
    fc.property(texts, (text) => {
      const parts = linkify(text)
      expect(parts.map((part) => part.text).join('')).toBe(text)
      for (const part of parts) if (part.kind === 'link') expect(part.href).toMatch(/^(https?:|mailto:)/)
    }),
  )
})
