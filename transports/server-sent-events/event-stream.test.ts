// The format of event streams: what is written is read back, whatever it is, however the bytes are split (R3); and the examples of the standard.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { LinkError, UsageError } from '../errors.ts'
import { EventStreamDecoder, encodeEvent, type StreamEvent } from './event-stream.ts'

const seed = Number(process.env.PARLEY_SEED ?? 20_261_123)
const bytes = (text: string) => new TextEncoder().encode(text)

function read(text: string, cuts: readonly number[] = []): StreamEvent[] {
  const all = bytes(text)
  const decoder = new EventStreamDecoder(1_000_000)
  const edges = [
    0,
    ...cuts.map((cut) => cut % (all.length + 1)).sort((one, other) => one - other),
    all.length,
  ]
  return edges.slice(1).flatMap((edge, index) => decoder.push(all.slice(edges[index], edge)))
}

const dataOf = (text: string) => read(text).map(({ data }) => data)

describe('the examples of WHATWG HTML §9.2.6', () => {
  test('three lines of data are one event', () => {
    expect(dataOf('data: YHOO\ndata: +2\ndata: 10\n\n')).toEqual(['YHOO\n+2\n10'])
  })

  test('a comment, an id, an empty id, and an event that is not ended', () => {
    const stream =
      ': test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n'
    expect(read(stream)).toEqual([
      { type: 'message', data: 'first event', lastEventId: '1' },
      { type: 'message', data: 'second event', lastEventId: '' },
    ])
  })

  test('empty data is an event; data of two empty lines is a line feed; what is not ended is nothing', () => {
    expect(dataOf('data\n\ndata\ndata\n\ndata:')).toEqual(['', '\n'])
  })

  test('one space behind the colon is left out, and no more', () => {
    expect(dataOf('data:test\n\ndata: test\n\ndata:  test\n\n')).toEqual(['test', 'test', ' test'])
  })
})

describe('reading', () => {
  test('every kind of line end, mixed, and a byte order mark', () => {
    expect(dataOf('\ufeffdata: a\r\n\r\ndata: b\r\rdata: c\n\n')).toEqual(['a', 'b', 'c'])
  })

  test('a byte order mark that is not the first is a part of what stands there', () => {
    expect(dataOf('data: a\n\n\ufeffdata: b\n\ndata: \ufeffc\n\n')).toEqual(['a', '\ufeffc'])
  })

  test('a name is for one event, an id for all that follow; an id with NUL is none', () => {
    expect(read('event: news\nid: 7\ndata: a\n\ndata: b\n\nid: 8\0\ndata: c\n\n')).toEqual([
      { type: 'news', data: 'a', lastEventId: '7' },
      { type: 'message', data: 'b', lastEventId: '7' },
      { type: 'message', data: 'c', lastEventId: '7' },
    ])
  })

  test('an id without data is remembered, and no event', () => {
    const decoder = new EventStreamDecoder(1000)
    expect(decoder.push(bytes('id: 9\n\n'))).toEqual([])
    expect(decoder.lastEventId).toBe('9')
  })

  test('an id whose event is not ended is not the last one yet', () => {
    const decoder = new EventStreamDecoder(1000, '4')
    decoder.push(bytes('id: 5\ndata: x\n'))
    expect(decoder.lastEventId).toBe('4')
    decoder.push(bytes('\n'))
    expect(decoder.lastEventId).toBe('5')
  })

  test('retry is digits alone', () => {
    const decoder = new EventStreamDecoder(1000)
    decoder.push(bytes('retry: 1e3\nretry: -1\nretry:\n'))
    expect(decoder.retryMs).toBeNull()
    decoder.push(bytes('retry: 1500\n'))
    expect(decoder.retryMs).toBe(1500)
  })

  test('fields that nobody knows, and lines without a colon, are passed over', () => {
    expect(dataOf('whatever: x\nwhatever\ndata: a\n\n')).toEqual(['a'])
  })

  test('bytes that are no UTF-8 are read as the replacement character', () => {
    const decoder = new EventStreamDecoder(1000)
    expect(decoder.push(Uint8Array.of(...bytes('data: '), 0xff, 0x0a, 0x0a))[0]?.data).toBe('\ufffd')
  })

  test('an event that is too long is a protocol error, comments are not counted', () => {
    const decoder = new EventStreamDecoder(100)
    for (let line = 0; line < 50; line++) decoder.push(bytes(`: ${'x'.repeat(50)}\n`))
    for (let event = 0; event < 50; event++) decoder.push(bytes(`data: ${'x'.repeat(50)}\n\n`))
    expect(() => decoder.push(bytes('data: '.padEnd(200, 'x')))).toThrow(LinkError)
    const many = new EventStreamDecoder(100)
    expect(() => {
      for (let line = 0; line < 50; line++) many.push(bytes('data: xxxxxxxx\n'))
    }).toThrow(LinkError)
  })
})

describe('writing', () => {
  test('the fields in order, and a blank line', () => {
    expect(encodeEvent({ data: '{"a":1}', id: 'e.5', event: 'news', retryMs: 1234.5 })).toBe(
      'retry: 1235\nevent: news\nid: e.5\ndata: {"a":1}\n\n',
    )
  })

  test('lines of data become fields, whatever ended them: none can break out of its event', () => {
    expect(encodeEvent({ data: 'a\nb\r\nc\rd\n\nid: evil' })).toBe(
      'data: a\ndata: b\ndata: c\ndata: d\ndata: \ndata: id: evil\n\n',
    )
  })

  test.each(['a\nb', 'a\rb', 'a\0b'])('an id or a name of more than one line is refused: %j', (value) => {
    expect(() => encodeEvent({ data: '', id: value })).toThrow(UsageError)
    expect(() => encodeEvent({ data: '', event: value })).toThrow(UsageError)
  })
})

describe(`properties (seed ${seed})`, () => {
  /** Texts with what matters: line ends, characters of one to four bytes, colons, spaces, marks. */
  const text = fc
    .array(
      fc.constantFrom('\n', '\r', '\r\n', ':', ' ', 'data: ', 'é', '漢', '𝒳', '🧪', '\ufeff', 'x', '\0'),
      {
        maxLength: 40,
      },
    )
    .map((parts) => parts.join(''))
  const line = text.map((value) => value.replace(/[\r\n\0]/g, ''))
  const event = fc.record({ data: text, id: line, event: line.filter((value) => value !== '') })
  const cuts = fc.array(fc.nat(), { maxLength: 60 })

  test('what is written is read back, its line ends as line feeds', () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 8 }), cuts, (events, where) => {
        expect(read(events.map(encodeEvent).join(''), where)).toEqual(
          events.map(({ data, id, event: type }) => ({
            type,
            data: data.replace(/\r\n|\r/g, '\n'),
            lastEventId: id,
          })),
        )
      }),
      { seed },
    )
  })

  test('every split of any stream gives the same events, one byte at a time included', () => {
    fc.assert(
      fc.property(text, cuts, (stream, where) => {
        const whole = read(stream)
        expect(read(stream, where)).toEqual(whole)
        expect(
          read(
            stream,
            Array.from(bytes(stream), (_, index) => index),
          ),
        ).toEqual(whole)
      }),
      { seed, numRuns: 500 },
    )
  })
})
