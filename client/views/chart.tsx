// The latency of the last minute, one dot a message in its transport's colour, on a logarithmic scale: 2 ms and 20 s both show.
import { effect } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import uPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'
import { catalogue, describeTransport } from '../../transports/catalogue.ts'
import { formatDuration } from '../format.ts'
import { transportInUse } from '../in-use.ts'
import { type LatencySample, latencyLimits } from '../latency.ts'
import type { Room } from '../room.ts'
import { theme } from '../theme.ts'

/** The chart moves by itself, in steps that are too small to see. */
const stepMs = 100

export function LatencyChart({ room }: { readonly room: Room }) {
  const place = useRef<HTMLDivElement>(null)
  useEffect(() => (place.current === null ? undefined : draw(place.current, room)), [room])
  const transport = transportInUse(room.state.value)
  const summary = room.figures.value.latency.get(transport)
  const title = describeTransport(transport).title
  const label =
    summary === undefined
      ? `Chart of the delivery latency of the last minute. Nothing was measured over ${title} yet.`
      : `Chart of the delivery latency of the last minute. Over ${title}: p50 ${formatDuration(summary.p50Ms)}, p99 ${formatDuration(summary.p99Ms)}.`
  return (
    <div class="chart">
      <div ref={place} class="chart-place" role="img" aria-label={label} />
      {room.figures.value.latency.size === 0 ? (
        <p class="chart-empty">
          Each message that this page sends is a dot: send one, or let its robot talk. Others’ are sent by
          another clock.
        </p>
      ) : null}
    </div>
  )
}

/** Keeps a chart of the room's latencies in `place` until the returned function is called. */
function draw(place: HTMLElement, room: Room): () => void {
  let plot: uPlot | null = null
  let drawnAtMs = 0
  let drawnTaken = -1
  let dots = 0
  let frame = 0
  let timer: ReturnType<typeof setTimeout> | undefined
  const calm = matchMedia('(prefers-reduced-motion: reduce)')
  const make = (mode: 'light' | 'dark') => {
    plot?.destroy()
    plot = new uPlot(chartOptions(sizeOf(place), mode), [[]], place)
    drawnTaken = -1
  }
  const stopTheme = effect(() => make(theme.value))
  const resizer = new ResizeObserver(() => plot?.setSize(sizeOf(place)))
  resizer.observe(place)
  const onFrame = () => {
    const nowMs = performance.now()
    const due = nowMs - drawnAtMs >= (calm.matches ? 1000 : stepMs)
    const recent = room.latencies.recent(nowMs)
    // While there is no dot nothing moves.
    if (room.latencies.taken !== drawnTaken || (due && recent.length + dots > 0)) {
      drawnAtMs = nowMs
      drawnTaken = room.latencies.taken
      dots = recent.length
      plot?.setData(chartData(recent, nowMs))
    }
    // Not in each frame: an idle page took three times the processor's time so. A hidden tab has no frames at all.
    timer = setTimeout(nextFrame, stepMs)
  }
  const nextFrame = () => {
    frame = requestAnimationFrame(onFrame)
  }
  nextFrame()
  return () => {
    clearTimeout(timer)
    cancelAnimationFrame(frame)
    resizer.disconnect()
    stopTheme()
    plot?.destroy()
  }
}

function sizeOf(place: HTMLElement): { width: number; height: number } {
  return { width: place.clientWidth, height: place.clientHeight }
}

/** Seconds before now, and one column a transport. */
function chartData(samples: readonly LatencySample[], nowMs: number): uPlot.AlignedData {
  return [
    samples.map((sample) => (sample.atMs - nowMs) / 1000),
    ...catalogue.map((entry) =>
      samples.map((sample) => (sample.transport === entry.name ? Math.max(0.1, sample.durationMs) : null)),
    ),
  ]
}

function chartOptions(size: { width: number; height: number }, mode: 'light' | 'dark'): uPlot.Options {
  const ink = mode === 'light' ? '#5b5f64' : '#9ca3aa'
  const line = mode === 'light' ? '#e2e2de' : '#2a2f35'
  const font = '11px system-ui, sans-serif'
  const seconds = latencyLimits.chartMs / 1000
  return {
    ...size,
    padding: [8, 14, 0, 0],
    legend: { show: false },
    cursor: { show: false },
    scales: {
      x: { time: false, range: [-seconds, 0] },
      y: { distr: 3, range: (_plot, least, most) => decades(least, most) },
    },
    axes: [
      {
        stroke: ink,
        font,
        size: 24,
        gap: 8,
        grid: { show: false },
        ticks: { show: false },
        splits: () => [-60, -45, -30, -15, 0],
        values: (_plot, splits) => splits.map((split) => (split === 0 ? 'now' : `−${-split} s`)),
      },
      {
        stroke: ink,
        font,
        size: 52,
        gap: 6,
        grid: { stroke: line, width: 1 },
        ticks: { show: false },
        splits: (_plot, _axis, least, most) => powers(least, most),
        filter: (_plot, splits) => [...splits],
        values: (_plot, splits) => splits.map(axisWords),
      },
    ],
    series: [
      {},
      ...catalogue.map((entry) => ({
        label: entry.title,
        stroke: entry.hue[mode],
        paths: () => null,
        points: { show: true, size: 5, width: 0, fill: entry.hue[mode] },
      })),
    ],
  }
}

/** Whole powers of ten around the values, two decades at least. */
function decades(least: number | null, most: number | null): [number, number] {
  if (least === null || most === null) return [1, 1000]
  const low = Math.floor(Math.log10(least))
  const high = Math.max(low + 2, Math.ceil(Math.log10(most)))
  return [10 ** low, 10 ** high]
}

function powers(least: number, most: number): number[] {
  const all: number[] = []
  for (let power = Math.round(Math.log10(least)); power <= Math.round(Math.log10(most)); power++)
    all.push(10 ** power)
  return all
}

function axisWords(ms: number): string {
  return ms < 1000 ? `${Number(ms.toPrecision(1))} ms` : `${Number((ms / 1000).toPrecision(1))} s`
}
