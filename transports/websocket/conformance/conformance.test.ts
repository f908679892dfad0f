// Both roles of the hand-built WebSocket, case by case: all of the groups, with few messages where a case sends many.
import type { Server, Socket } from 'node:net'
import { afterEach, expect, it } from 'vitest'
import { createEchoServer } from '../echo.node.ts'
import { listen } from '../testing.node.ts'
import type { Role } from './case.ts'
import { select } from './catalogue.ts'
import { echoTo } from './echo-client.node.ts'
import { isFine, type Result, worst } from './judge.ts'
import { type RunOptions, testClient, testServer } from './run.node.ts'
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

const connections = 4

function optionsFor(role: Role): RunOptions {
  // Nothing that is right waits for these times; they only end what is wrong.
  const settings = {
    ...defaultSettings,
    messages: 2,
    pauseScale: 0.01,
    patienceMs: 10_000,
    failFastMs: 10_000,
  }
  return { groups: select(role, ['*']), settings, connections, judged: () => undefined }
}

function expectAllFine(results: readonly Result[], { groups }: RunOptions): void {
  const wrong = results.filter((result) => !isFine(result))
  expect(wrong.map((result) => `${result.number} ${worst(result)}: ${result.remark}`)).toEqual([])
  const informational = results.filter((result) => worst(result) === 'INFORMATIONAL')
  expect(informational.map(({ number }) => number)).toEqual(['7.13.1', '7.13.2'])
  expect(results).toHaveLength(groups.reduce((sum, { cases }) => sum + cases.length, 0))
}

it('the echo server is right in every case', { timeout: 60_000 }, async () => {
  const port = await start(createEchoServer({ broadcast: false, compress: true }))
  const options = optionsFor('server')
  expectAllFine(await testServer({ host: '127.0.0.1', port, path: '/' }, options), options)
})

it('dial is right in every case', { timeout: 60_000 }, async () => {
  const options = optionsFor('client')
  expectAllFine(
    await testClient(0, (port) => echoTo(`ws://127.0.0.1:${port}`, connections), options),
    options,
  )
})
