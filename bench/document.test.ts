// The JSON file: what is written can be read, what is wrong is told in a sentence, and the committed schema is the one that is checked by.
import { readFileSync } from 'node:fs'
import type { Static } from 'typebox'
import { describe, expect, expectTypeOf, it } from 'vitest'
import { type BenchDocument, documentOf, parseDocument, renderJson, runOf, wrongWith } from './document.ts'
import { type cellSchemas, jsonSchema, schemaName } from './document-schema.ts'
import { profiles } from './limits.ts'
import type { DeliveryCell, Environment, FailedCell, Measurement, Run } from './measurement.ts'
import type { Settings } from './settings.ts'
import { summarize } from './statistics/aggregate.ts'
import { createHistogram, encodeHistogram } from './statistics/histogram.ts'
import { transportNames } from './subjects.ts'

const environment: Environment = {
  cpuModel: 'A processor',
  cores: 4,
  memoryBytes: 8e9,
  platform: 'linux',
  node: 'v26.0.0',
  commit: 'abcdef0',
  startedAt: '2026-01-02T03:04:05.000Z',
  pinned: { server: 2, generator: 3 },
  cpuSource: 'schedstat',
  host: 'h',
  packages: { ws: '8' },
  clockStepNs: 40,
}

const settings: Settings = {
  profileName: 'quick',
  profile: profiles.quick,
  scenarios: ['fanout'],
  transports: transportNames,
  seed: 7,
  secure: true,
  pin: true,
  cores: null,
  fault: null,
}

/** The schema's types are writable, those of measuring are not. */
type Plain<Value> = Value extends readonly (infer Item)[]
  ? Plain<Item>[]
  : Value extends object
    ? { -readonly [Key in keyof Value]: Plain<Value[Key]> }
    : Value

function histogram(...us: readonly number[]): string {
  const values = createHistogram()
  for (const one of us) values.recordValue(one)
  return encodeHistogram(values)
}

function delivery(block: number, subject: string): DeliveryCell {
  return {
    kind: 'delivery',
    scenario: 'fanout',
    load: '2 subscribers, 20 msg/s',
    subject,
    block,
    startedMs: 10,
    epoch: 1,
    wallMs: 1000,
    serverCpuUs: 2000 + block,
    serverUtilisation: 0.1,
    serverLoopUtilisation: 0.1,
    serverGcMs: null,
    generatorUtilisation: 0.1,
    generatorDelayP99Us: 200,
    generatorGcMs: 0,
    deliveries: 40,
    reads: 40,
    requests: 0,
    bytesUp: 0,
    bytesDown: 11_000,
    payloadBytesUp: 0,
    payloadBytesDown: 10_000,
    subscribers: 2,
    rooms: 1,
    ratePerSecond: 20,
    burst: 1,
    textBytes: 64,
    secure: true,
    upLink: 'publisher',
    delayUpMs: 0,
    delayDownMs: 0,
    intervalMs: 0,
    tally: { expected: 40, delivered: 40, lost: 0, duplicated: 0, reordered: 0, foreign: 0 },
    latency: histogram(...Array.from({ length: 40 }, (_, place) => 1000 + place)),
    service: histogram(1000),
    sendLag: histogram(5),
    completion: histogram(1000),
    connect: histogram(1000),
    firstMessageUs: 1000,
    protocol: 'http/1.1, TLS',
    problems: [],
  }
}

const failed: FailedCell = {
  kind: 'failed',
  scenario: 'fanout',
  load: '2 subscribers, 20 msg/s',
  subject: 'ws',
  block: 1,
  problems: ['It broke.'],
}

function documentWith(measurements: readonly Measurement[]): BenchDocument {
  const run: Run = { environment, measurements, discarded: [], interrupted: false, durationMs: 1234 }
  return documentOf(run, settings, summarize(run, settings.seed, settings.profileName))
}

const whole = documentWith([delivery(1, 'websocket'), delivery(1, 'websocket (A/A)'), failed])

function changed(
  change: (copy: { [name: string]: unknown; measurements: Record<string, unknown>[] }) => void,
): unknown {
  const copy = JSON.parse(renderJson(whole))
  change(copy)
  return copy
}

describe("a run's JSON file", () => {
  it('is read as it was written, numbers without an end included', () => {
    const read = parseDocument('run.json', renderJson(whole))
    // One block resolves nothing: its intervals have no end, which JSON has no number for.
    const table = read.tables.find((one) => one.kind === 'delivery')
    expect(table?.controls?.cpu.resolution).toBe(Number.POSITIVE_INFINITY)
    expect(read.measurements).toEqual(whole.measurements)
    expect(read.settings).toEqual(settings)
    expect(runOf(read).durationMs).toBe(1234)
    expect(read).toMatchObject({ schema: schemaName, valid: false, problems: whole.problems })
  })

  it('is held to the committed schema', () => {
    const committed = readFileSync(new URL('results.schema.json', import.meta.url), 'utf8')
    expect(JSON.parse(committed), 'node bench/write-schema.ts && npm run format').toEqual(jsonSchema())
  })

  it('has a schema for every kind of cell, of the type that measuring gives', () => {
    expectTypeOf<keyof typeof cellSchemas>().toEqualTypeOf<Measurement['kind']>()
    expectTypeOf<Plain<DeliveryCell>>().toExtend<Static<(typeof cellSchemas)['delivery']>>()
    expectTypeOf<Plain<Extract<Measurement, { kind: 'idle' }>>>().toExtend<
      Static<(typeof cellSchemas)['idle']>
    >()
    expectTypeOf<Plain<Extract<Measurement, { kind: 'capacity' }>>>().toExtend<
      Static<(typeof cellSchemas)['capacity']>
    >()
    expectTypeOf<Plain<Extract<Measurement, { kind: 'recovery' }>>>().toExtend<
      Static<(typeof cellSchemas)['recovery']>
    >()
    expectTypeOf<Plain<Extract<Measurement, { kind: 'slow' }>>>().toExtend<
      Static<(typeof cellSchemas)['slow']>
    >()
  })

  it.each<[string, unknown, RegExp]>([
    ['something else', 3, /no file of the bench/],
    ['another program', { schema: 'other/1' }, /other\/1.*parley-bench\/2.*another program/],
    [
      'an older file',
      changed((copy) => {
        copy.schema = 'parley-bench/1'
      }),
      /parley-bench\/1.*measure again/,
    ],
    [
      'a missing seed',
      changed((copy) => {
        copy.settings = { ...settings, seed: undefined }
      }),
      /^settings\.seed must be integer/,
    ],
    [
      'a wrong flag',
      changed((copy) => {
        copy.valid = 'yes'
      }),
      /^valid must be boolean/,
    ],
    [
      'an unknown cell',
      changed((copy) => {
        copy.measurements[2] = { kind: 'odd' }
      }),
      /measurements\[2\].*"odd"/,
    ],
    [
      'a cell with a hole',
      changed((copy) => {
        delete copy.measurements[1]?.wallMs
      }),
      /^measurements\[1\] must have required propert.*wallMs/,
    ],
    [
      'a cell with a wrong tally',
      changed((copy) => {
        copy.measurements[0] = { ...copy.measurements[0], tally: { expected: 'all' } }
      }),
      /^measurements\[0\]\.tally/,
    ],
  ])('is refused in a sentence when it is %s', (_, value, words) => {
    expect(wrongWith(value)).toMatch(words)
    expect(wrongWith(value)).not.toContain('\n')
  })

  it('that is no JSON names the file', () => {
    expect(() => parseDocument('run.json', '{')).toThrow(/^run\.json is no JSON: [^\n]+$/)
  })
})
