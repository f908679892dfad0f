// Servers that are wrong on purpose: the faults that can be asked for, and what a control server needs to commit them.
import type { ControlRoom } from './room.ts'

interface Kind {
  /** What stands behind the name: `drop=N`. Empty: nothing does. */
  readonly value: string
  /** Who commits it: the controls themselves, a front before Parley, or the choice of cores. */
  readonly by: 'controls' | 'front' | 'cores'
  readonly help: string
}

const table = {
  drop: { value: 'N', by: 'controls', help: 'tcp and ws lose every Nth delivery.' },
  double: { value: 'N', by: 'controls', help: 'tcp and ws deliver every Nth delivery twice.' },
  'late-first': { value: 'MS', by: 'controls', help: "tcp and ws keep a room's first batch for so long." },
  nagle: {
    value: '',
    by: 'controls',
    help: "ws forgets NODELAY, writes a frame's header and payload apart, and pings.",
  },
  http1: {
    value: '',
    by: 'front',
    help: 'A TLS front without h2 stands before Parley: HTTP/1.1 where HTTP/2 is measured.',
  },
  compress: { value: '', by: 'front', help: "A front before Parley compresses polls' answers with gzip." },
  'shared-core': { value: '', by: 'cores', help: "The generator shares the server's core." },
} as const satisfies Record<string, Kind>

export type FaultKind = keyof typeof table

/** A fault that is committed on purpose, so that a test can show that the bench notices. */
export interface Fault {
  readonly kind: FaultKind
  /** `drop`, `double`: every how many deliveries. `late-first`: ms. Else 0. */
  readonly value: number
}

export const faultKinds = Object.keys(table) as readonly FaultKind[]

/** `drop=N`, `nagle`, for help and list. */
export function faultForm(kind: FaultKind): string {
  const { value } = table[kind]
  return value === '' ? kind : `${kind}=${value}`
}

export function faultHelp(kind: FaultKind): string {
  return table[kind].help
}

/** Who commits it. */
export function committedBy(fault: Fault): Kind['by'] {
  return table[fault.kind].by
}

/** Reads `drop=20` or `nagle`. Throws a RangeError for anything else. */
export function parseFault(text: string): Fault {
  const [name = '', value, ...rest] = text.split('=')
  const kind = faultKinds.find((one) => one === name)
  if (kind !== undefined && rest.length === 0) {
    if (table[kind].value === '' && value === undefined) return { kind, value: 0 }
    if (table[kind].value !== '' && /^[1-9]\d{0,5}$/.test(value ?? '')) return { kind, value: Number(value) }
  }
  throw new RangeError(`A fault is ${faultKinds.map(faultForm).join(', ')}, not "${text}".`)
}

/** Applies `drop` and `double` to a stream of deliveries: how many times each one goes out. */
export function faultyTimes(fault: Fault | null): () => number {
  let count = 0
  return () => {
    count += 1
    if ((fault?.kind !== 'drop' && fault?.kind !== 'double') || count % fault.value !== 0) return 1
    return fault.kind === 'drop' ? 0 : 2
  }
}

/**
 * Applies `late-first`: runs what delivers at once, but for a room's first batch, which waits, and for what comes while it does, which
 * goes out behind it and in order.
 */
export function faultyStart<Member>(
  fault: Fault | null,
): (room: ControlRoom<Member>, deliver: () => void) => void {
  const waiting = new Map<ControlRoom<Member>, (() => void)[] | null>()
  return (room, deliver) => {
    if (fault?.kind !== 'late-first') {
      deliver()
      return
    }
    const queue = waiting.get(room)
    if (queue === null) deliver()
    else if (queue !== undefined) queue.push(deliver)
    else {
      waiting.set(room, [deliver])
      setTimeout(() => {
        const late = waiting.get(room) ?? []
        waiting.set(room, null)
        for (const one of late) one()
      }, fault.value)
    }
  }
}
