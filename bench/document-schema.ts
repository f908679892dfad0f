// The shape of a run's JSON file, as TypeBox: the committed `results.schema.json` is made from it. What is not named here may be there.
import Type, { type TObject, type TSchema } from 'typebox'

export const schemaName = 'parley-bench/2'

const text = Type.String()
const number = Type.Number()
const count = Type.Integer({ minimum: 0 })
const amount = Type.Number({ minimum: 0 })
const flag = Type.Boolean()
const texts = Type.Array(text)
const orNull = <Kind extends TSchema>(kind: Kind) => Type.Union([kind, Type.Null()])
const histogram = Type.String({ description: "HDR's compressed base64, µs" })

const tally = Type.Object({
  expected: count,
  delivered: count,
  lost: Type.Integer(),
  duplicated: count,
  reordered: count,
  foreign: count,
})

const label = { scenario: text, load: text, subject: text, block: count }
const place = { startedMs: amount, epoch: count }
const window = {
  wallMs: amount,
  serverCpuUs: number,
  serverUtilisation: number,
  serverLoopUtilisation: orNull(number),
  serverGcMs: orNull(number),
  generatorUtilisation: number,
  generatorDelayP99Us: number,
  generatorGcMs: number,
}
const traffic = {
  deliveries: count,
  reads: count,
  requests: count,
  bytesUp: amount,
  bytesDown: amount,
  payloadBytesUp: amount,
  payloadBytesDown: amount,
}
const load = {
  subscribers: count,
  rooms: count,
  ratePerSecond: amount,
  burst: count,
  textBytes: count,
  secure: flag,
  upLink: Type.Union([Type.Literal('publisher'), Type.Literal('native')]),
  delayUpMs: amount,
  delayDownMs: amount,
}
const ownLatency = Type.Object({ count, p50Ms: orNull(amount), p99Ms: orNull(amount), maxMs: amount })
const spoken = { protocol: text, problems: texts }

/** By `kind`. */
export const cellSchemas = {
  delivery: Type.Object({
    kind: Type.Literal('delivery'),
    ...label,
    ...place,
    ...window,
    ...traffic,
    ...load,
    intervalMs: amount,
    tally,
    latency: histogram,
    service: histogram,
    sendLag: histogram,
    completion: histogram,
    connect: histogram,
    firstMessageUs: orNull(number),
    relay: Type.Optional(ownLatency),
    ...spoken,
  }),
  idle: Type.Object({
    kind: Type.Literal('idle'),
    ...label,
    ...place,
    ...window,
    connections: count,
    intervalMs: amount,
    bytesUp: amount,
    bytesDown: amount,
    rssBytes: orNull(amount),
    connect: histogram,
    ...spoken,
  }),
  capacity: Type.Object({
    kind: Type.Literal('capacity'),
    ...label,
    ...place,
    ...window,
    axis: Type.Union([Type.Literal('messages a second'), Type.Literal('subscribers')]),
    offered: amount,
    phase: Type.Union([Type.Literal('search'), Type.Literal('confirm')]),
    latency: histogram,
    sendLag: histogram,
    tally,
    mediansUs: Type.Array(number),
    holds: flag,
    reason: text,
    ...spoken,
  }),
  recovery: Type.Object({
    kind: Type.Literal('recovery'),
    ...label,
    ...place,
    clients: count,
    cuts: count,
    reconnected: histogram,
    firstMessage: histogram,
    caughtUp: histogram,
    tally,
    serverCpuUs: number,
    busiestShare: Type.Optional(number),
    relay: Type.Optional(ownLatency),
    ...spoken,
  }),
  opening: Type.Object({
    kind: Type.Literal('opening'),
    ...label,
    ...place,
    network: Type.Union([Type.Literal('open'), Type.Literal('refused'), Type.Literal('swallowed')]),
    roundTripMs: amount,
    opens: count,
    latency: histogram,
    links: Type.Record(text, count),
    ...spoken,
  }),
  service: Type.Object({
    kind: Type.Literal('service'),
    ...label,
    ...window,
    requests: count,
    latency: histogram,
    ...spoken,
  }),
  goal: Type.Object({
    kind: Type.Literal('goal'),
    ...label,
    value: number,
    count,
    wallMs: amount,
    serverUtilisation: number,
    generatorUtilisation: number,
  }),
  slow: Type.Object({
    kind: Type.Literal('slow'),
    ...label,
    part: text,
    slowReaders: count,
    stoppedMs: amount,
    heldBytes: amount,
    memoryBytes: orNull(amount),
    latency: histogram,
    sendLag: histogram,
    tally,
    serverUtilisation: number,
    generatorUtilisation: number,
    ...spoken,
  }),
  failed: Type.Object({ kind: Type.Literal('failed'), ...label, problems: texts }),
} as const satisfies Record<string, TObject>

const environment = Type.Object({
  cpuModel: text,
  cores: count,
  memoryBytes: amount,
  platform: text,
  node: text,
  commit: text,
  startedAt: text,
  pinned: orNull(Type.Object({ server: count, generator: count })),
  cpuSource: text,
  host: text,
  packages: Type.Record(text, text),
  clockStepNs: number,
})

const settings = Type.Object({
  profileName: text,
  profile: Type.Object({}),
  scenarios: texts,
  transports: texts,
  namesTransports: Type.Optional(flag),
  seed: count,
  secure: flag,
  pin: flag,
  cores: orNull(Type.Array(count, { minItems: 2, maxItems: 2 })),
  fault: orNull(text),
  keepsDisturbed: Type.Optional(flag),
})

const discarded = Type.Object({ ...label, sendLagP99Us: number, boundUs: number })

/** What a table has whatever its kind; the rest is in `statistics/summary.ts`. Numbers without an end are null. */
const table = Type.Object({
  kind: Type.Union(
    ['delivery', 'idle', 'capacity', 'recovery', 'opening', 'service', 'goal', 'slow'].map((kind) =>
      Type.Literal(kind),
    ),
  ),
  scenario: text,
  load: text,
  rows: Type.Array(Type.Object({ subject: text })),
})

/** All but the cells, which are checked one by one so that a complaint can name the one. */
export const frameSchema = Type.Object({
  schema: Type.Literal(schemaName),
  valid: flag,
  citable: flag,
  notCitable: Type.Optional(texts),
  interrupted: flag,
  durationMs: amount,
  environment,
  settings,
  problems: texts,
  warnings: texts,
  tables: Type.Array(table),
  discarded: Type.Array(discarded),
  measurements: Type.Array(Type.Object({ kind: text })),
})

/** The whole as a JSON schema. */
export function jsonSchema(): object {
  const cells = Type.Array(Type.Union(Object.values(cellSchemas)))
  const whole = Type.Object({ ...frameSchema.properties, measurements: cells })
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: `A run of Parley's bench, ${schemaName}`,
    ...(JSON.parse(JSON.stringify(whole)) as object),
  }
}

/** The committed file. */
export function schemaText(): string {
  return `${JSON.stringify(jsonSchema(), null, 2)}\n`
}
