// The judge: it must find what is wrong, and call it by its name.
import type { Server, Socket } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { listen } from '../testing.node.ts'
import { select } from './catalogue.ts'
import { createFaultyServer, type Fault } from './faulty.harness.ts'
import { isFine, type Result, worst } from './judge.ts'
import { testServer } from './run.node.ts'
import { defaultSettings } from './settings.ts'

const clean: (() => void)[] = []
afterEach(() => {
  for (const each of clean.splice(0)) each()
})

async function start(server: Server): Promise<number> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket) => sockets.add(socket))
  clean.push(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return await listen(server)
}

/** With little patience: what takes as long as that has to fail here. */
async function judged(fault: Fault, number: string, patienceMs: number): Promise<Result> {
  const target = { host: '127.0.0.1', port: await start(createFaultyServer(fault)), path: '/' }
  const settings = { ...defaultSettings, messages: 1, patienceMs, failFastMs: patienceMs }
  const options = { groups: select('server', [number]), settings, connections: 1, judged: () => undefined }
  const [result] = await testServer(target, options)
  if (result === undefined) throw new Error(`there is no case ${number}`)
  return result
}

const soon = 100
const late = 5000

describe('the judge', () => {
  it.each<[Fault, string, number, string, RegExp | '']>([
    ['none', '1.1.2', late, 'OK', ''],
    ['none', '2.4', late, 'OK', ''],
    ['none', '4.1.3', late, 'OK', ''],
    ['none', '7.7.10', late, 'OK', ''],
    [
      'none',
      '9.2.2',
      late,
      'FAILED',
      /^expected binary .* of 262,144 bytes, came binary .* of 100,000 bytes$/,
    ],
    [
      'never answers',
      '1.1.2',
      soon,
      'FAILED',
      /^expected text .* of 125 bytes, came nothing; expected a close frame, came nothing$/,
    ],
    ['never answers', '3.1', soon, 'CLOSE FAILED', /^the server did not fail the connection in time$/],
    ['drops TCP', '1.1.1', late, 'CLOSE UNCLEAN', /^expected a close frame, came the end of TCP$/],
    ['never ends TCP', '1.1.1', soon, 'CLOSE FAILED BY CLIENT', /^the server did not end TCP$/],
    ['never ends TCP', '4.1.1', soon, 'CLOSE FAILED BY CLIENT', /^the server did not end TCP$/],
    ['speaks after its close', '7.3.3', late, 'CLOSE FAILED', /^2 bytes behind the close frame$/],
    ['answers 1001', '7.3.3', late, 'CLOSE WRONG CODE', /^expected close 1000, came 1001$/],
    ['answers 1001', '4.1.1', late, 'CLOSE WRONG CODE', /^expected close 1002, came 1001$/],
    [
      'closes by itself',
      '1.2.2',
      late,
      'FAILED',
      /came nothing; the server closed \(1000: \), not the fuzzer$/,
    ],
    ['changes a byte', '1.2.8', late, 'FAILED', /^expected binary .* came binary /],
    ['changes a byte', '9.7.2', late, 'FAILED', /came message 1 of 1 came back as a different text/],
    ['masks', '1.1.1', late, 'FAILED', /came a masked frame of a server/],
    [
      'marks the second fragment as compressed',
      '21.4.7',
      late,
      'FAILED',
      /came reserved bits 4 with opcode 0/,
    ],
    [
      'refers beyond the window',
      '21.2.5',
      late,
      'FAILED',
      /came a reference of 1000 bytes back in a window of 512/,
    ],
    [
      'accepts what was not offered',
      '1.1.1',
      late,
      'FAILED',
      /^came an answer to none of the offers: permessage-deflate$/,
    ],
    [
      'declines compression',
      '12.1.1',
      late,
      'UNIMPLEMENTED',
      /^no extension agreed on for permessage-deflate; client_no_context_takeover; client_max_window_bits$/,
    ],
    ['declines compression', '21.1.1', late, 'OK', ''],
  ])(
    'of a server that %s says in %s, with %i ms of patience: %s',
    async (fault, number, patienceMs, verdict, remark) => {
      const result = await judged(fault, number, patienceMs)
      expect({ verdict: worst(result), remark: result.remark }).toEqual({
        verdict,
        remark: remark === '' ? '' : expect.stringMatching(remark),
      })
      expect(isFine(result)).toBe(verdict === 'OK')
    },
  )

  it('says FAILED where a wrong request is answered as if it were right, and where nobody listens', async () => {
    const server = createFaultyServer('none')
    const port = await start(server)
    const groups = select('server', ['20.2.1'])
    const settings = { ...defaultSettings, patienceMs: late }
    const options = { groups, settings, connections: 1, judged: () => undefined }
    // It opens whatever is asked.
    const [opened] = await testServer({ host: '127.0.0.1', port, path: '/' }, options)
    expect(opened).toMatchObject({
      verdict: 'FAILED',
      remark: expect.stringMatching(/^expected status 426, came HTTP\/1.1 101/),
    })
    server.close()
    const [refused] = await testServer({ host: '127.0.0.1', port, path: '/' }, options)
    expect(refused).toMatchObject({
      verdict: 'FAILED',
      remark: expect.stringMatching(/^no connection: .*ECONNREFUSED/),
    })
  })
})
