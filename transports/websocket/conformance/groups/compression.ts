// Groups 12 and 13: permessage-deflate (RFC 7692), a thousand messages each, over five kinds of data and seven sets of parameters.
import { answered, type Case, type DeflatePlan } from '../case.ts'
import { type Corpus, corpora } from '../payloads.ts'

const kibi = 1024
const messages = 1000
const timeLimitMs = 100_000

/** A case's last number, payload bytes a message, and payload bytes a frame if not all in one. */
const sizes: readonly (readonly [number, number, number?])[] = [
  [1, 16],
  [2, 64],
  [3, 256],
  [4, kibi],
  [5, 4 * kibi],
  [6, 8 * kibi],
  [7, 16 * kibi],
  [8, 32 * kibi],
  [9, 64 * kibi],
  [10, 128 * kibi],
  [11, 8 * kibi, 256],
  [12, 16 * kibi, 512],
  [13, 32 * kibi, kibi],
  [14, 64 * kibi, 2 * kibi],
  [15, 128 * kibi, 4 * kibi],
  [16, 128 * kibi, 8 * kibi],
  [17, 128 * kibi, 32 * kibi],
  [18, 128 * kibi, 128 * kibi],
]

/** What a client knows to do if it is asked to: a server may ask or not. */
const knows = 'client_no_context_takeover; client_max_window_bits'
const usual: DeflatePlan = {
  offer: `permessage-deflate; ${knows}`,
  answer: 'permessage-deflate',
}

/** A set's number, what is asked of a server in order of preference, and what a fuzzing server asks of a client. */
const sets: readonly (readonly [string, readonly string[], string])[] = [
  ['13.1', [''], ''],
  ['13.2', ['server_no_context_takeover'], 'client_no_context_takeover'],
  ['13.3', ['server_max_window_bits=9'], 'client_max_window_bits=9'],
  ['13.4', ['server_max_window_bits=15'], 'client_max_window_bits=15'],
  [
    '13.5',
    ['server_no_context_takeover; server_max_window_bits=9'],
    'client_no_context_takeover; client_max_window_bits=9',
  ],
  [
    '13.6',
    ['server_no_context_takeover; server_max_window_bits=15'],
    'client_no_context_takeover; client_max_window_bits=15',
  ],
  [
    '13.7',
    ['server_no_context_takeover; server_max_window_bits=9', 'server_no_context_takeover', ''],
    'client_no_context_takeover; client_max_window_bits=9',
  ],
]

function extension(...parameters: readonly string[]): string {
  return ['permessage-deflate', ...parameters].filter((part) => part !== '').join('; ')
}

function sizeCases(group: string, corpus: Corpus, deflate: DeflatePlan, said: string): readonly Case[] {
  return sizes.map(([number, bytes, frameBytes]) => ({
    number: `${group}.${number}`,
    title: `${messages} messages of ${bytes} bytes of ${corpus.name}${frameBytes === undefined ? '' : ` in frames of ${frameBytes}`}${said}`,
    script: () => ({
      ...answered(
        [
          {
            do: 'exchange',
            opcode: corpus.opcode,
            messages,
            message: (index) => corpus.message(index, bytes),
            compress: true,
            ...(frameBytes === undefined ? {} : { frameBytes }),
          },
        ],
        [],
      ),
      deflate,
      timeLimitMs,
    }),
  }))
}

export const compression: readonly Case[] = corpora.flatMap((corpus, index) =>
  sizeCases(`12.${index + 1}`, corpus, usual, ''),
)

/** The kinds of data by turns, so that each set of parameters meets another one. */
export const compressionParameters: readonly Case[] = sets.flatMap(([group, asked, askedOfClient], index) => {
  const deflate: DeflatePlan = {
    offer: asked.map((parameters) => extension(knows, parameters)).join(', '),
    answer: extension(askedOfClient),
  }
  const said = asked.map((parameters) => (parameters === '' ? 'no parameters' : parameters)).join(', or ')
  const corpus = corpora[index % corpora.length]
  return corpus === undefined ? [] : sizeCases(group, corpus, deflate, `; ${said}`)
})
