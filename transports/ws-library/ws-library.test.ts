// The ws library's server half under the contract's suite, over HTTP/1.1 upgrades on both ports, with the library's own sockets below the client.
import { WebSocket } from 'ws'
import { contractSuite } from '../contract.suite.ts'
import type { Lab } from '../lab.harness.ts'
import { WebSocketTransport } from '../socket-client.ts'
import { wsLibraryServer } from './server.ts'

function client(lab: Lab): WebSocketTransport {
  return new WebSocketTransport({
    server: 'ws-library',
    WebSocket: class extends WebSocket {
      constructor(url: string, protocols: string[]) {
        super(url, protocols, { ca: lab.certificate })
        // One that is given up while it opens says so; unheard, it would end the process, which a browser's doesn't.
        this.on('error', () => this.terminate())
      }
    },
  })
}

for (const tls of [false, true]) {
  contractSuite(`WebSocket (ws library), ${tls ? 'TLS' : 'plain'}`, {
    server: wsLibraryServer,
    client,
    base: (lab) => (tls ? lab.https : lab.http),
    negotiated: { protocol: 'http/1.1', tls, subprotocol: 'json', extensions: [] },
    staysOpen: true,
  })
}
