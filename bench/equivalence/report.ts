// The matrix as a screen, as the page docs/equivalence.md, and as JSON. Pure: the page has no figure that changes from run to run.
import { describeTransport } from '../../transports/catalogue.ts'
import type { TransportName } from '../../transports/contract.ts'
import { renderTable } from '../report/table.ts'
import { doesNotApply, expected, meanings, properties } from './expectations.ts'
import type { Fault } from './faults.ts'
import { bounds, scale } from './scale.ts'
import type { CellVerdict, Verdict } from './verdicts.ts'

const signs: Readonly<Record<Verdict['result'], string>> = { held: '✓', broken: '✗', apart: '–' }
const kibibytes = (bytes: number): string => `${bytes / 1024} KiB`

export interface Matrix {
  readonly transports: readonly TransportName[]
  readonly faults: readonly Fault[]
  readonly cells: readonly CellVerdict[]
}

function cellOf({ cells }: Matrix, transport: TransportName, fault: string): CellVerdict | null {
  return cells.find((one) => one.transport === transport && one.fault === fault) ?? null
}

export function renderScreen(
  matrix: Matrix,
  options: { readonly verbose: boolean; readonly seed: number; readonly seconds: number },
): string {
  const { transports, faults, cells } = matrix
  const columns = ['fault', ...transports].map((title) => ({ title, align: 'left' as const }))
  const rows = faults.map(({ name }) => [
    name,
    ...transports.map((transport) => shortCell(cellOf(matrix, transport, name), transport)),
  ])
  const broken = cells.flatMap(({ transport, fault, verdicts }) =>
    verdicts
      .filter(({ result }) => result === 'broken')
      .map(({ property, against }) => `${transport} × ${fault}: ${property}: ${against.join('; ')}`),
  )
  const apart = faults.flatMap(({ name }) =>
    properties.flatMap((property) => {
      const why = doesNotApply(name, property)
      return why === null ? [] : [`– ${name}, ${property}: ${why}.`]
    }),
  )
  const measured = options.verbose
    ? cells.flatMap(({ transport, fault, verdicts }) => [
        `${transport} × ${fault}`,
        ...verdicts.map(
          ({ property, result, measured: what }) => `  ${signs[result]} ${property.padEnd(8)} ${what}`,
        ),
      ])
    : []
  const all = cells.length * properties.length
  const against = cells.reduce(
    (sum, cell) => sum + cell.verdicts.filter(({ result }) => result === 'broken').length,
    0,
  )
  return `${[
    `${properties.join(', ')}; then the cause for which the bare link closes · seed ${options.seed}`,
    '',
    ...renderTable(columns, rows),
    '',
    ...apart,
    ...(broken.length > 0 ? ['', ...broken] : []),
    ...(measured.length > 0 ? ['', ...measured] : []),
    '',
    `${all - against} of ${all} verdicts hold, in ${options.seconds} s.`,
  ].join('\n')}\n`
}

function shortCell(cell: CellVerdict | null, transport: TransportName): string {
  if (cell === null) return 'not played'
  const marks = cell.verdicts.map(({ result }) => signs[result]).join('')
  return `${marks} ${expected(cell.fault, transport).causes.join('|')}`
}

export function renderPage(matrix: Matrix): string {
  const { transports, faults } = matrix
  return `${[
    '# Equivalence',
    '',
    'Whatever a reader came over, and whatever happens to the way: the same five properties. Each cell below was played over real',
    'sockets through the relay of [`bench/relay`](../bench/relay), with a session that reads and writes, a bare link that is opened again at',
    'its cursor, and a session in a room where nothing is said before the fault. This page is written by `npm run equivalence -- --write`;',
    '`npm test` plays the same cells, and checks that this page is what they come to.',
    '',
    '    npm run equivalence                              # all of it, in under a minute',
    '    npm run equivalence -- --transports websocket --faults half-open --verbose',
    '    npm run equivalence -- --json FILE --seed 7      # what each cell measured',
    '',
    'Exit codes: 0 all hold, 1 one does not, 2 usage, 130 interrupted.',
    '',
    '## The properties',
    '',
    ...properties.map((property) => `- **${property}**: ${meanings[property]}`),
    '',
    `Bounds, on every transport: the server holds at most ${kibibytes(bounds.serverBytes)} in its own memory for a connection (what was written to`,
    `its socket or its streams and the system has not taken), a client ${kibibytes(bounds.clientBytes)} (what came and the application has not taken, and`,
    'what it sent and has not left).',
    '',
    `Times are scaled down together: a heartbeat is ${scale.heartbeatMs} ms in place of 10 s, so a client gives up a silent link after ${scale.heartbeatMs * 2} ms, and`,
    'the others in proportion. Polls come every 100 ms. Time-outs of requests are not scaled: ten seconds. Where bytes come one by one,',
    'or a process is started, a heartbeat is 2 s.',
    '',
    'Both ends are in one process. Where that stood still for a heartbeat, each took the other for dead with good reason, and a cell in which nothing',
    'but the cause of an end speaks against it is played again, three times at most.',
    '',
    '## The faults',
    '',
    '| fault | what is done | about |',
    '| --- | --- | --- |',
    ...faults.map(
      ({ name, how, requirements }) => `| ${name} | ${how} | ${requirements.join(', ') || 'all'} |`,
    ),
    '',
    '✓ holds, ✗ does not, – is not for this fault to say. Beside *closed* stands the cause for which the bare link of the beginning closes:',
    '`local` is the end that it asks for when all is over, so the fault has ended nothing.',
    ...transports.flatMap((transport) => pageSection(matrix, transport)),
  ].join('\n')}\n`
}

function pageSection(matrix: Matrix, transport: TransportName): readonly string[] {
  const notes: string[] = []
  const noted = (text: string): string => {
    if (!notes.includes(text)) notes.push(text)
    return `[${notes.indexOf(text) + 1}]`
  }
  const rows = matrix.faults.map(({ name }) => {
    const cell = cellOf(matrix, transport, name)
    const marks = properties.map((property) => {
      const verdict = cell?.verdicts.find((one) => one.property === property)
      if (verdict === undefined) return 'not played'
      const sign = signs[verdict.result]
      const apart = doesNotApply(name, property)
      if (apart !== null) return `${sign} ${noted(apart)}`
      if (property !== 'closed') return sign
      const { causes, why } = expected(name, transport)
      const words = causes.map((cause) => `\`${cause}\``).join(' or ')
      return `${sign} ${words}${why === null ? '' : ` ${noted(why)}`}`
    })
    return `| ${[name, ...marks].join(' | ')} |`
  })
  return [
    '',
    `## ${describeTransport(transport).title}`,
    '',
    `| fault | ${properties.join(' | ')} |`,
    `| --- |${properties.map(() => ' --- |').join('')}`,
    ...rows,
    '',
    ...notes.map((note, index) => `${index + 1}. ${note.charAt(0).toUpperCase()}${note.slice(1)}.`),
  ]
}

export function matrixJson(
  { cells }: Matrix,
  more: { readonly seed: number; readonly durationMs: number },
): string {
  return `${JSON.stringify({ schema: 'parley-equivalence/1', ...more, bounds, cells }, null, 2)}\n`
}
