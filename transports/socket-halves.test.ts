// Two server halves of one wire: the same conversation with each gives the same documents and the same close codes.
import { expect, test } from 'vitest'
import { eventually } from './eventually.harness.ts'
import { startLab } from './lab.harness.ts'
import { wireLimits } from './limits.ts'
import { dial } from './websocket/dial.node.ts'
import { messageText } from './websocket/primitives.node.ts'
import { peerFrame } from './websocket/protocol/testing.ts'
import { webSocketServer } from './websocket/server.ts'
import type { MessageSocket } from './websocket/socket.node.ts'
import type { SocketHandler } from './websocket/socket-handler.ts'
import { wsLibraryServer } from './ws-library/server.ts'

/** What one client has heard, without what is different each time. */
interface Heard {
  readonly documents: unknown[]
  code: number | null
}

type Client = MessageSocket<Heard>

const handler: SocketHandler<Heard> = {
  message(socket, message) {
    const document = JSON.parse(messageText(message), (name, value: unknown) =>
      ['time', 'retryAfterMs'].includes(name) ? typeof value : value,
    ) as object
    socket.context.documents.push(message.text ? document : { binary: document })
  },
  closed: (socket, { code }) => {
    socket.context.code = code
  },
}

const id = (number: number) => `0192d3a0-7000-7000-8000-00000000000${number}`
const send = (number: number, text: string) =>
  JSON.stringify({ kind: 'send', id: id(number), user: 'ada', text })

/** What is said, and how many documents are there when it is answered. */
const script: readonly (readonly [string, number])[] = [
  ['', 2],
  ['{', 3],
  ['[]', 4],
  ['{"kind":"shout"}', 5],
  [JSON.stringify({ kind: 'send', id: id(1), user: '', text: 'x' }), 6],
  ['{"kind":"probe"}', 7],
  // A receipt and a delivery.
  [send(1, 'hello'), 9],
  [send(1, 'hello'), 10],
  [send(1, 'something else'), 11],
  [send(2, 'größer, ☕, 🙂'), 13],
]

/** How a link ends: who does it, and with which code. */
const ends: readonly (readonly [string, number, (client: Client) => void])[] = [
  ['binary', 1003, (client) => client.send(new Uint8Array([1, 2, 3]))],
  ['too long', 1009, (client) => client.send('x'.repeat(wireLimits.draftBytes + 2048))],
  [
    'as long as it may be',
    1000,
    (client) => {
      client.send('x'.repeat(wireLimits.draftBytes + 1024))
      client.close(1000)
    },
  ],
  [
    'bad UTF-8',
    1007,
    (client) => client.duplex.write(peerFrame('server', { opcode: 1, payload: new Uint8Array([0xff]) })),
  ],
  ['a reserved opcode', 1002, (client) => client.duplex.write(peerFrame('server', { opcode: 3 }))],
  ['not masked', 1002, (client) => client.duplex.write(peerFrame('client', { opcode: 1, payload: '{}' }))],
  [
    'compressed',
    1002,
    (client) => client.duplex.write(peerFrame('server', { opcode: 1, reserved: 4, payload: '{}' })),
  ],
  ['the client closes', 1000, (client) => client.close(1000)],
  ['the client closes with a code of its own', 4321, (client) => client.close(4321, 'so')],
]

interface Outcome {
  readonly documents: readonly unknown[]
  readonly codes: Readonly<Record<string, number | null>>
}

async function converse(name: 'websocket' | 'ws-library', tls: boolean): Promise<Outcome> {
  const [server, suffix] =
    name === 'websocket'
      ? ([webSocketServer, 'socket'] as const)
      : ([wsLibraryServer, 'socket-library'] as const)
  const lab = await startLab({ transports: [server] })
  const open = async (query: string): Promise<Client> => {
    const context: Heard = { documents: [], code: null }
    const address = new URL(`/rooms/lounge/${suffix}?${query}`, tls ? lab.https : lab.http)
    const client = await dial(address, {
      handler,
      context,
      subprotocols: ['json'],
      tls: { ca: lab.certificate },
    })
    await eventually(() => expect(context.documents.length).toBeGreaterThan(0))
    return client
  }
  try {
    const codes: Record<string, number | null> = {}
    const first = await open('last=0&session=aaaaaaaaaaaaaaaaaaaaaa&link=1')
    for (const [text, documents] of script) {
      first.send(text)
      await eventually(() => expect(first.context.documents).toHaveLength(documents))
    }
    for (const [how, , end] of ends) {
      const client = await open('last=0')
      end(client)
      await eventually(() => expect(client.context.code).not.toBeNull())
      codes[how] = client.context.code
    }
    const second = await open('after=test.0&session=aaaaaaaaaaaaaaaaaaaaaa&link=2')
    await eventually(() => expect(first.context.code).not.toBeNull())
    codes.replaced = first.context.code
    await lab.hub.drain()
    await eventually(() => expect(second.context.code).not.toBeNull())
    codes.drained = second.context.code
    return { documents: [first.context.documents, second.context.documents], codes }
  } finally {
    await lab.close()
  }
}

test.each([
  ['plain', false],
  ['TLS', true],
])('one conversation with both server halves, %s', async (_how, tls) => {
  const [byHand, byLibrary] = await Promise.all([converse('websocket', tls), converse('ws-library', tls)])
  expect(byHand.codes).toEqual({
    ...Object.fromEntries(ends.map(([how, code]) => [how, code])),
    replaced: 4001,
    drained: 1001,
  })
  expect(byLibrary.codes).toEqual(byHand.codes)
  const renamed = JSON.parse(
    JSON.stringify(byLibrary.documents).replaceAll('"ws-library"', '"websocket"'),
  ) as unknown
  expect(renamed).toEqual(byHand.documents)
})
