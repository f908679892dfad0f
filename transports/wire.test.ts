// The documents of the wire: what is written is read as it was, and nothing hostile is taken (always a LinkError of cause 'protocol').
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { LinkError } from './errors.ts'
import { problem } from './problem.ts'
import {
  decodeDocument,
  decodePoll,
  decodeProblem,
  decodeReceipt,
  encodeDocument,
  type ServerDocument,
} from './wire.ts'

const at = (offset: number, epoch = 'here') => ({ epoch, offset })
const message = (offset: number) => ({
  id: `id-${offset}`,
  user: 'ada',
  text: `text ${offset}`,
  offset,
  time: 5,
})

const documents: ServerDocument[] = [
  {
    kind: 'hello',
    transport: 'websocket',
    negotiated: { protocol: 'http/1.1', tls: true, subprotocol: 'json', extensions: ['permessage-deflate'] },
    cursor: at(3),
    head: at(7),
    heartbeatMs: 10_000,
  },
  { kind: 'heartbeat', time: 1_700_000_000_000 },
  { kind: 'messages', after: at(3), messages: [message(4), message(5)], cursor: at(5) },
  { kind: 'messages', after: at(3), messages: [], cursor: at(3) },
  { kind: 'gap', after: at(3), cursor: at(9) },
  { kind: 'reset', cursor: at(0, 'other') },
  { kind: 'receipt', id: 'id-1', offset: 1, time: 5, created: false },
  { kind: 'error', problem: problem('bad-draft', 'Why.', { id: 'id-1', retryAfterMs: 100 }) },
  { kind: 'goodbye', cause: 'replaced', retry: false, detail: 'A newer link.' },
  { kind: 'goodbye', cause: 'peer', retry: true, retryAfterMs: 1234, detail: 'Soon back.' },
]

/** What reading throws, which must be a LinkError; null when it throws nothing. */
function refusal(read: () => unknown): LinkError | null {
  try {
    read()
  } catch (error) {
    if (error instanceof LinkError) return error
    throw error
  }
  return null
}

function expectProtocol(read: () => unknown): void {
  expect(refusal(read)).toMatchObject({ cause: 'protocol', retry: true })
}

describe('documents', () => {
  test.each(documents)('$kind is read as it was written', (document) => {
    expect(decodeDocument(encodeDocument(document))).toEqual(document)
  })

  test('fields that nobody knows are left out', () => {
    const text = '{"kind":"heartbeat","time":5,"__proto__":{"a":1},"more":[]}'
    expect(decodeDocument(text)).toEqual({ kind: 'heartbeat', time: 5 })
  })

  test('what the server calls its own doing is the peer’s doing from here', () => {
    const text = '{"kind":"goodbye","cause":"local","retry":true,"detail":"x"}'
    expect(decodeDocument(text)).toMatchObject({ cause: 'peer' })
  })
})

describe('is refused', () => {
  test.each([
    '',
    ' ',
    'null',
    'true',
    '1',
    '"hello"',
    '[]',
    '{}',
    '{',
    '<!doctype html><title>Sign in</title>',
    '{"kind":"unheard-of"}',
    '{"kind":["messages"]}',
    '{"kind":"__proto__"}',
    '{"kind":"heartbeat"}',
    '{"kind":"heartbeat","time":"5"}',
    '{"kind":"heartbeat","time":1e999}',
    '{"kind":"reset"}',
    '{"kind":"reset","cursor":{"epoch":"e","offset":1}}',
    '{"kind":"reset","cursor":"e.-1"}',
    '{"kind":"gap","cursor":"e.1"}',
    '{"kind":"error"}',
    '{"kind":"error","problem":null}',
    '{"kind":"error","problem":{"type":"x","title":"y","status":1e999}}',
    '{"kind":"goodbye","cause":"unheard-of","retry":true,"detail":""}',
    '{"kind":"goodbye","cause":"toString","retry":true,"detail":""}',
    '{"kind":"goodbye","cause":"peer","retry":true}',
    '{"kind":"receipt","id":1,"offset":1,"time":1}',
    '{"kind":"receipt","id":"x","offset":0,"time":1}',
    '{"kind":"receipt","id":"x","offset":1.5,"time":1}',
    '{"kind":"receipt","id":"x","offset":1e300,"time":1}',
    `${'['.repeat(200_000)}`,
    `{"kind":${'{"a":'.repeat(50_000)}1${'}'.repeat(50_000)}}`,
  ])('document %#', (text) => {
    expectProtocol(() => decodeDocument(text))
    expectProtocol(() => decodePoll(text))
    expectProtocol(() => decodeReceipt(text, true))
  })

  test.each([
    ['no list', { messages: {} }],
    ['a hole', { messages: [message(4), message(6)], cursor: 'here.6' }],
    ['a message twice', { messages: [message(4), message(4)], cursor: 'here.5' }],
    ['a wrong order', { messages: [message(5), message(4)] }],
    ['a beginning elsewhere', { messages: [message(5)], cursor: 'here.5' }],
    ['an end elsewhere', { messages: [message(4)], cursor: 'here.6' }],
    ['an end in another log', { messages: [message(4)], cursor: 'there.4' }],
    ['nothing, and an end elsewhere', { messages: [], cursor: 'here.4' }],
    ['null for a message', { messages: [null, message(5)] }],
    ['a message without a text', { messages: [{ ...message(4), text: undefined }], cursor: 'here.4' }],
    ['a message whose user is an object', { messages: [{ ...message(4), user: {} }], cursor: 'here.4' }],
    ['a message whose offset is a text', { messages: [{ ...message(4), offset: '4' }], cursor: 'here.4' }],
    ['no position', { after: undefined }],
  ])('a delivery with %s', (_what, wrong) => {
    const good = { kind: 'messages', after: 'here.3', messages: [message(4), message(5)], cursor: 'here.5' }
    expect(refusal(() => decodeDocument(JSON.stringify(good)))).toBeNull()
    expectProtocol(() => decodeDocument(JSON.stringify({ ...good, ...wrong })))
    expectProtocol(() => decodePoll(JSON.stringify({ ...good, ...wrong, head: 'here.9' })))
  })

  test.each([
    ['no protocol', { negotiated: { tls: true } }],
    ['another protocol', { negotiated: { protocol: 'h3' } }],
    ['nothing negotiated', { negotiated: null }],
    ['no head', { head: 'x' }],
    ['heartbeats that never come', { heartbeatMs: 1e12 }],
    ['heartbeats without a pause', { heartbeatMs: 0 }],
    ['heartbeats before the last one', { heartbeatMs: -1 }],
    ['heartbeats in words', { heartbeatMs: '10 s' }],
  ])('a hello with %s', (_what, wrong) => {
    const good = JSON.parse(encodeDocument(documents[0] as ServerDocument))
    expect(refusal(() => decodeDocument(JSON.stringify(good)))).toBeNull()
    expectProtocol(() => decodeDocument(JSON.stringify({ ...good, ...wrong })))
  })

  test('a poll without the head', () => {
    expectProtocol(() => decodePoll('{"kind":"reset","cursor":"e.1"}'))
    expect(decodePoll('{"kind":"reset","cursor":"e.1","head":"e.2"}')).toMatchObject({ head: { offset: 2 } })
  })

  test('whatever a peer says: it is read, or refused as a breach of the protocol', () => {
    const hostile = fc.oneof(
      fc.string(),
      fc.jsonValue().map((value) => JSON.stringify(value)),
      // A good document with one field that is anything.
      fc.tuple(fc.constantFrom(...documents), fc.nat(20), fc.jsonValue()).map(([document, index, value]) => {
        const fields = JSON.parse(encodeDocument(document)) as Record<string, unknown>
        const names = Object.keys(fields)
        return JSON.stringify({ ...fields, [names[index % names.length] ?? '']: value })
      }),
      // A good document that is cut short.
      fc
        .tuple(fc.constantFrom(...documents), fc.nat(300))
        .map(([document, length]) => encodeDocument(document).slice(0, length)),
    )
    fc.assert(
      fc.property(hostile, (text) => {
        for (const read of [decodeDocument, decodePoll, (one: string) => decodeReceipt(one, true)]) {
          const error = refusal(() => read(text))
          if (error !== null) expect(error.cause).toBe('protocol')
        }
        decodeProblem(text)
      }),
      { numRuns: 2000 },
    )
  })
})

describe('problems', () => {
  test('a proxy’s page is none', () => {
    for (const text of ['', '<html>502</html>', '[]', '{"error":"x"}', '{"type":1,"title":"x","status":400}'])
      expect(decodeProblem(text)).toBeNull()
  })

  test('a wish that cannot be kept is left out', () => {
    const base = { type: '/problems/overloaded', title: 'x', status: 503, detail: 'y' }
    for (const retryAfterMs of ['1e999', '-1', '"5"', 'null']) {
      const text = `${JSON.stringify(base).slice(0, -1)},"retryAfterMs":${retryAfterMs}}`
      expect(decodeProblem(text)).toEqual(base)
    }
  })
})

test('a receipt is read from the stored message', () => {
  expect(decodeReceipt(JSON.stringify(message(4)), true)).toEqual({
    id: 'id-4',
    offset: 4,
    time: 5,
    created: true,
  })
})
