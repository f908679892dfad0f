// The suite against the library that most people use: it finds what is known of it, so it can find something.
import { once } from 'node:events'
import { afterEach, expect, it } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import { select } from './catalogue.ts'
import { isFine, worst } from './judge.ts'
import { testClient, testServer } from './run.node.ts'
import { defaultSettings } from './settings.ts'

const clean: (() => void)[] = []
afterEach(() => {
  for (const each of clean.splice(0)) each()
})

async function startLibrary(): Promise<number> {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: true })
  clean.push(() => {
    for (const socket of server.clients) socket.terminate()
    server.close()
  })
  server.on('connection', (socket) => {
    // A peer's fault is an error of the socket: the suite judges it.
    socket.on('error', () => undefined)
    socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }))
  })
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the server has no port')
  return address.port
}

/** As `echoTo` does it with ours. */
async function libraryEchoesTo(base: string, count: number): Promise<void> {
  for (let number = 1; number <= count; number++) {
    const socket = new WebSocket(`${base}/runCase?case=${number}&agent=ws`)
    socket.on('error', () => undefined)
    socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }))
    // Not `once`, which rejects for errors, and they come first.
    await new Promise((resolve) => socket.on('close', resolve))
  }
  await once(new WebSocket(`${base}/updateReports`), 'close')
}

it('ws as a client fails texts late, too', { timeout: 30_000 }, async () => {
  const groups = select('client', ['4.1', '6.4', '12.1.1', '20.3'])
  const settings = { ...defaultSettings, messages: 2, patienceMs: 10_000, failFastMs: 300 }
  const options = { groups, settings, connections: 1, judged: () => undefined }
  const count = groups.reduce((sum, { cases }) => sum + cases.length, 0)
  const results = await testClient(0, (port) => libraryEchoesTo(`ws://127.0.0.1:${port}`, count), options)
  expect(results).toHaveLength(count)
  const found = results
    .filter((result) => !isFine(result))
    .map((result) => `${result.number} ${worst(result)}`)
  expect(found).toEqual(['6.4.1 NON-STRICT', '6.4.2 NON-STRICT', '6.4.3 NON-STRICT', '6.4.4 NON-STRICT'])
})

it('ws fails texts late, and takes no more than 16,384 fragments', { timeout: 30_000 }, async () => {
  const groups = select('server', ['3', '5', '6.1', '6.2', '6.3', '6.4', '7', '9.3', '9.4'])
  // What comes late comes after this: the server can't be early by chance.
  const settings = { ...defaultSettings, pauseScale: 0.01, patienceMs: 10_000, failFastMs: 300 }
  const options = { groups, settings, connections: 4, judged: () => undefined }
  const results = await testServer({ host: '127.0.0.1', port: await startLibrary(), path: '/' }, options)
  const found = results
    .filter((result) => !isFine(result))
    .map((result) => `${result.number} ${worst(result)}`)
  expect(found).toEqual([
    '6.4.1 NON-STRICT',
    '6.4.2 NON-STRICT',
    '6.4.3 NON-STRICT',
    '6.4.4 NON-STRICT',
    '9.3.1 FAILED',
    '9.3.2 FAILED',
    '9.4.1 FAILED',
    '9.4.2 FAILED',
  ])
})
