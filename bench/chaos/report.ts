// A run as people read it and as JSON. Pure.
import { describeTransport } from '../../transports/catalogue.ts'
import { auto } from '../../transports/contract.ts'
import { faultKinds } from './faults.ts'
import type { Percentiles } from './recovery.ts'
import type { Outcome, Progress } from './settings.ts'
import { exitCodeOf, type Judgement } from './verdict.ts'

/** The run as `--json` keeps it; `bench/README.md` has the schema. */
export function renderJson(
  outcome: Outcome,
  judgement: Judgement,
  environment: { readonly commit: string; readonly node: string },
): string {
  const { settings, findings, faults, recovery, recoveryOf, traces, ...rest } = outcome
  const { violations, ...counts } = findings
  const of = (kind: (typeof faultKinds)[number]): number =>
    settings.transports
      // What met the ladder counts for the transport that its link was of, too.
      .filter((transport) => transport !== auto)
      .reduce((sum, transport) => sum + (faults[transport]?.[kind] ?? 0), 0)
  const perTransport = Object.fromEntries(
    settings.transports.map((transport) => [
      transport,
      {
        faults: faults[transport],
        recoveryMillis: recoveryOf[transport],
        recoverySamplesMillis: outcome.recoverySamplesMs[transport],
      },
    ]),
  )
  const document = {
    schema: 'parley-chaos/1',
    passed: judgement.passed,
    seed: settings.seed,
    seconds: outcome.seconds,
    interrupted: outcome.interrupted,
    transports: settings.transports,
    clients: settings.clients,
    ...counts,
    kills: outcome.kills,
    restarts: outcome.restarts,
    switches: outcome.switches,
    failedSwitches: outcome.failedSwitches,
    cuts: of('cut-rst') + of('cut-fin'),
    stalls: of('stall-short') + of('stall-long'),
    blackHoles: of('black-hole'),
    blackHolesNoticedByServer: rest.serverNoticed,
    blackHolesMissedByServer: rest.serverMissed,
    recoveryMillis: recovery,
    perTransport,
    slowestRecoveries: outcome.slowest,
    minimums: judgement.minimums,
    short: judgement.short,
    wrong: judgement.wrong,
    failures: outcome.failures,
    violations,
    ...(violations.length > 0 || outcome.stuck.length > 0 ? { traces } : {}),
    ...environment,
  }
  return `${JSON.stringify(document, null, 2)}\n`
}

/** The whole result on a screen or two. */
export function renderScreen(outcome: Outcome, judgement: Judgement): string {
  const { settings, findings, seconds } = outcome
  const lines = [
    `Chaos, seed ${settings.seed}: ${settings.clients} clients for ${Math.round(seconds)} s.`,
    '',
    ...faultTable(outcome),
    '',
    `${findings.acknowledged} acknowledged (${(findings.acknowledged / Math.max(1, seconds)).toFixed(1)}/s), ${findings.delivered} delivered; ${outcome.kills} kills, ${outcome.restarts} restarts, ${outcome.switches} switches.`,
    `lost ${findings.lost}, duplicated ${findings.duplicated}, reordered ${findings.reordered}; ${findings.acknowledgedLater} were stored before a try that could be acknowledged.`,
    `Half-open connections that the server let go of in time: ${outcome.serverNoticed} of ${outcome.serverNoticed + outcome.serverMissed}.`,
    '',
    ...recoveryTable(outcome),
    '',
    ...problems(outcome, judgement),
    verdictLine(outcome, judgement),
  ]
  return `${lines.join('\n')}\n`
}

function faultTable({ settings, faults }: Outcome): string[] {
  const titles = settings.transports.map((name) => describeTransport(name).short)
  const widths = titles.map((title) => Math.max(6, title.length))
  const row = (head: string, cells: readonly string[]): string =>
    `${head.padEnd(16)} ${cells.map((cell, index) => cell.padStart(widths[index] ?? 0)).join('  ')}`
  return [
    row('fault', titles),
    ...faultKinds.map((kind) =>
      row(
        kind,
        settings.transports.map((transport) => String(faults[transport]?.[kind] ?? 0)),
      ),
    ),
  ]
}

function recoveryTable({ settings, recovery, recoveryOf }: Outcome): string[] {
  const nameWidth = Math.max(16, ...settings.transports.map((name) => name.length))
  const row = (name: string, { count, p50, p99, max }: Percentiles): string => {
    // A percentile says something from ten samples beyond it on.
    const cells = [count >= 20 ? p50 : null, count >= 1000 ? p99 : null, count > 0 ? max : null]
    const texts = cells.map((ms) => (ms === null ? '–' : `${(ms / 1000).toFixed(2)} s`).padStart(9))
    return `${name.padEnd(nameWidth)} ${String(count).padStart(6)} ${texts.join(' ')}`
  }
  return [
    `${'back after'.padEnd(nameWidth)} ${'times'.padStart(6)} ${['p50', 'p99', 'max'].map((text) => text.padStart(9)).join(' ')}`,
    row('all', recovery),
    ...settings.transports.flatMap((transport) => {
      const of = recoveryOf[transport]
      // What the ladder's links came back from stands with the transports that they were of.
      return of === undefined || transport === auto ? [] : [row(transport, of)]
    }),
  ]
}

function problems(outcome: Outcome, { wrong, short }: Judgement): string[] {
  const { findings, failures, traces, stuck } = outcome
  const lines = [
    ...failures.map((text) => `The harness failed: ${text}`),
    ...wrong.map((text) => `Wrong: ${text}`),
    ...short.map((text) => `Too little: ${text}`),
    ...findings.violations.map(({ verdict, client, detail }) => `  ${verdict}: ${client} ${detail}`),
  ]
  const concerned = [
    findings.violations.find(({ client }) => traces[client] !== undefined)?.client,
    stuck[0]?.split(' ')[0],
  ]
  const client = concerned.find((one) => one !== undefined)
  const trace = client === undefined ? undefined : traces[client]
  if (trace !== undefined) lines.push('', `The last events of ${client}:`, ...trace.slice(-40))
  return lines.length === 0 ? [] : [...lines, '']
}

function verdictLine(outcome: Outcome, judgement: Judgement): string {
  const { settings, interrupted, failures } = outcome
  const again = `npm run chaos -- --seconds ${settings.seconds} --seed ${settings.seed} --clients ${settings.clients} --transports ${settings.transports.join(',')}`
  if (judgement.passed) return 'Passed: nothing lost, nothing doubled, nothing out of order.'
  const what = interrupted
    ? 'Interrupted: this is what was found until then'
    : failures.length > 0
      ? `Not a proof (exit ${exitCodeOf(outcome, judgement)})`
      : 'Failed'
  return `${what}. The same faults again: ${again}`
}

/** `12 s of 60 · 840 acknowledged · 2 kills, 1 restart, 41 link faults, 33 switches · 48 s left`. */
export function progressText(now: Progress): string {
  const { phase, elapsedMs, totalMs } = now
  const counts = `${now.acknowledged} acknowledged · ${now.kills} kills, ${now.restarts} restarts, ${now.linkFaults} faults on links, ${now.switches} switches`
  switch (phase) {
    case 'starting':
      return 'Starting the server and the clients'
    case 'faults': {
      const leftSeconds = Math.max(0, Math.ceil((totalMs - elapsedMs) / 1000))
      return `${Math.floor(elapsedMs / 1000)} s of ${totalMs / 1000} · ${counts} · ${leftSeconds} s left`
    }
    case 'settling':
      return `No more faults: all is to be acknowledged and read · ${counts}`
    case 'checking':
      return `Checking every history against the log · ${counts}`
  }
}
