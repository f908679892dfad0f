// The paths of the scenario `opening`: relays with a delay, one straight to the server, two through fronts that don't let WebSockets pass.
import { readFileSync } from 'node:fs'
import type { Server } from 'node:net'
import tls, { type TLSSocket } from 'node:tls'
import { parseArgs } from 'node:util'
import { trusting } from '../load/sockets.ts'
import { profiles } from '../relay/profile.ts'
import { startRelay } from '../relay/relay.ts'
import { listen } from './control.ts'

/** What a front does with a request to upgrade: answers 502, or never answers. */
type Manner = 'refused' | 'swallowed'

/** What the script says on its first line, as JSON: ports by network, and of what stands before the server's other port. */
export interface NetworkPorts {
  readonly open: number
  readonly refused: number
  readonly swallowed: number
  readonly elsewhere: number
}

const mostHeadBytes = 16_384

/** Ends TLS, passes what isn't an upgrade to the server as it is, in the protocol that its client has agreed on. */
function front(
  manner: Manner,
  target: number,
  identity: { readonly cert: Buffer; readonly key: Buffer },
): Server {
  const options = { ...identity, ALPNProtocols: ['h2', 'http/1.1'], noDelay: true }
  return tls.createServer(options, (near) => {
    near.on('error', () => near.destroy())
    if (near.alpnProtocol === 'h2') return pass(near, target, Buffer.alloc(0))
    let head = Buffer.alloc(0)
    const read = (chunk: Buffer): void => {
      head = Buffer.concat([head, chunk])
      if (!head.includes('\r\n\r\n') && head.length < mostHeadBytes) return
      near.off('data', read)
      if (!/\r\nupgrade: *websocket\r\n/i.test(head.toString('latin1'))) pass(near, target, head)
      else if (manner === 'refused')
        near.end('HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n')
      // Whoever gives up must be noticed.
      else near.resume()
    }
    near.on('data', read)
  })
}

function pass(near: TLSSocket, target: number, first: Buffer): void {
  const far = tls.connect({
    ...trusting,
    host: '127.0.0.1',
    port: target,
    ALPNProtocols: [near.alpnProtocol === 'h2' ? 'h2' : 'http/1.1'],
  })
  far.setNoDelay(true)
  far.on('error', () => near.destroy()).on('close', () => near.destroy())
  near.on('close', () => far.destroy())
  far.write(first)
  near.pipe(far).pipe(near)
}

const { values } = parseArgs({
  options: {
    cert: { type: 'string', default: '' },
    key: { type: 'string', default: '' },
    target: { type: 'string', default: '' },
    elsewhere: { type: 'string', default: '' },
    'delay-ms': { type: 'string', default: '0' },
  },
})
const identity = { cert: readFileSync(values.cert), key: readFileSync(values.key) }
const delayMs = Number(values['delay-ms'])
const profile = {
  ...profiles.none,
  name: 'path',
  summary: 'A delay.',
  delayUpMs: delayMs,
  delayDownMs: delayMs,
}
const portOf = (url: string): number => Number(new URL(url).port)

async function through(port: number): Promise<number> {
  return (await startRelay({ target: { port }, profile, seed: 1 })).port
}

const target = portOf(values.target)
const ports: NetworkPorts = {
  open: await through(target),
  refused: await through(await listen(front('refused', target, identity))),
  swallowed: await through(await listen(front('swallowed', target, identity))),
  elsewhere: await through(portOf(values.elsewhere)),
}
process.stdout.write(`${JSON.stringify(ports)}\n`)
process.on('disconnect', () => process.exit(0))
