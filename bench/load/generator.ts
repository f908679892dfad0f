// The load generator: publisher and subscribers in one process, so that one clock times both ends of a delivery. Takes orders over IPC.
import { deliver } from './deliver.ts'
import { idle } from './idle.ts'
import { opening } from './opening.ts'
import type { Answer, Order } from './orders.ts'
import { pollUnchanged } from './polls.ts'
import { pushBursts } from './push.ts'
import { recover } from './recover.ts'
import { saturate } from './saturate.ts'
import { sendDurably } from './sends.ts'
import { detour } from './sockets.ts'

async function carryOut(order: Order): Promise<unknown> {
  switch (order.kind) {
    case 'detour':
      detour(new Map(order.ports))
      return null
    case 'deliver':
      return deliver(order)
    case 'recover':
      return recover(order)
    case 'opening':
      return opening(order)
    case 'idle':
      return idle(order)
    case 'saturate':
      return saturate(order)
    case 'polls':
      return pollUnchanged(order)
    case 'push':
      return pushBursts(order)
    case 'sends':
      return sendDurably(order)
  }
}

process.on('message', (order: Order) => {
  carryOut(order)
    .then(
      (result): Answer => ({ ok: true, result }),
      (error: unknown): Answer => ({
        ok: false,
        message: error instanceof Error ? error.message : String(error),
      }),
    )
    .then((answer) => process.send?.(answer))
})
process.on('disconnect', () => process.exit(0))
// The orchestrator decides when to end: an interrupt from the terminal reaches the whole group.
process.on('SIGINT', () => undefined)
process.stdout.write('ready\n')
