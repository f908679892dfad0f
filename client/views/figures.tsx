// The live figures: what the link of this moment cost and how long messages took. Each explains itself.
import { describeTransport } from '../../transports/catalogue.ts'
import { formatBytes, formatCount, formatDuration } from '../format.ts'
import { transportInUse } from '../in-use.ts'
import type { Lab } from '../lab.ts'
import { latencyLimits } from '../latency.ts'
import type { Room } from '../room.ts'
import { Explained } from './explain.tsx'

interface FiguresProps {
  readonly lab: Lab
  readonly room: Room
}

const unseen = 'not visible here'

/** How long messages took. */
export function LatencyFigures({ lab, room }: FiguresProps) {
  const { latency } = room.figures.value
  const transport = transportInUse(room.state.value)
  const title = describeTransport(transport).title
  const summary = latency.get(transport)
  const clock = `This page’s monotonic clock, in steps of ${resolution(lab.clockResolutionMs)}.`
  const scope = `From send to handed up again over ${title}, for messages of this page and its robot; for others’, two clocks would have to be compared.`
  return (
    <div class="figures">
      <Figure
        name="p50"
        value={summary === undefined ? null : formatDuration(summary.p50Ms)}
        words={`Half of the last ${latencyLimits.windowSamples} messages took at most this long. ${scope} ${clock}`}
        lead
      />
      <Figure
        name="p99"
        value={summary === undefined ? null : formatDuration(summary.p99Ms)}
        words={`99 of 100 messages took at most this long (below 100: the slowest). ${scope} ${clock}`}
        lead
      />
      <Figure
        name="samples"
        value={formatCount(summary?.samples ?? 0)}
        words={`Messages that p50 and p99 look at: the last ${latencyLimits.windowSamples} over ${title} at most. Left out: what was written before this link was live.`}
        lead
      />
    </div>
  )
}

/** What the link of this moment has moved. */
export function TrafficFigures({ room }: { readonly room: Room }) {
  const { stats, liveForMs, received } = room.figures.value
  const since =
    liveForMs === null ? 'No link is live.' : `Since this link went live ${formatDuration(liveForMs)} ago.`
  const bodies = 'Payload alone: headers and framing are not visible to a page.'
  return (
    <div class="figures">
      <Figure
        name="payload up"
        value={stats === null ? null : formatBytes(stats.payloadBytesUp)}
        words={`Bytes sent over this link. ${bodies} ${since}`}
      />
      <Figure
        name="payload down"
        value={stats === null ? null : formatBytes(stats.payloadBytesDown)}
        words={`Bytes received over this link. ${bodies} ${since}`}
      />
      <Figure
        name="requests"
        value={stats === null ? null : formatCount(stats.requests)}
        words={`HTTP requests made for this link; a WebSocket counts its handshake. ${since}`}
      />
      <Figure
        name="reads"
        value={stats === null ? null : formatCount(stats.reads)}
        words={`How often something arrived: answers, chunks or WebSocket messages. ${since}`}
      />
      <Figure
        name="not left yet"
        value={
          stats === null ? null : stats.bufferedBytes === null ? unseen : formatBytes(stats.bufferedBytes)
        }
        words="Bytes that the page has handed to the browser and that have not left yet. A WebSocket tells, fetch does not."
      />
      <Figure
        name="messages in all"
        value={formatCount(received)}
        words="Messages handed up since this room was entered, over whatever transport."
      />
    </div>
  )
}

interface FigureProps {
  readonly name: string
  /** null: there is nothing to measure yet. */
  readonly value: string | null
  readonly words: string
  readonly lead?: boolean
}

function Figure({ name, value, words, lead = false }: FigureProps) {
  return (
    <Explained class={`figure ${lead ? 'lead' : ''}`} words={words}>
      <span class="figure-name">{name}</span>
      <span class={`figure-value ${value === unseen ? 'figure-unseen' : ''}`}>{value ?? '–'}</span>
    </Explained>
  )
}

function resolution(ms: number): string {
  return ms >= 0.0095 ? `${Number(ms.toFixed(2))} ms` : `${Math.max(1, Math.round(ms * 1000))} µs`
}
