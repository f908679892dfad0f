// Numbers and times as the page writes them: few digits, always a unit, widths that hardly change.

/** A duration in ms, with the digits that matter: `0.4 ms`, `12 ms`, `4.2 s`, `42 s`, `3.5 min`. */
export function formatDuration(ms: number): string {
  if (ms < 9.95) return `${ms.toFixed(1)} ms`
  if (ms < 999.5) return `${Math.round(ms)} ms`
  if (ms < 9950) return `${(ms / 1000).toFixed(1)} s`
  if (ms < 59_500) return `${Math.round(ms / 1000)} s`
  if (ms < 3_570_000) return `${(ms / 60_000).toFixed(1)} min`
  return `${(ms / 3_600_000).toFixed(1)} h`
}

/** A number of bytes in powers of 1,000: `812 B`, `4.2 kB`, `1.3 MB`. */
export function formatBytes(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`
  let value = bytes / 1000
  for (const unit of ['kB', 'MB', 'GB']) {
    if (value < 9.95) return `${value.toFixed(1)} ${unit}`
    if (value < 999.5) return `${Math.round(value)} ${unit}`
    value /= 1000
  }
  return `${value.toFixed(1)} TB`
}

const grouped = new Intl.NumberFormat('en')

/** A count: `12,345`. */
export function formatCount(count: number): string {
  return grouped.format(count)
}

/** `1 message`, `17 messages`. */
export function formatPlural(count: number, one: string, many: string): string {
  return `${formatCount(count)} ${count === 1 ? one : many}`
}

/** Whole seconds until a moment, never below 1 before it and 0 after it. */
export function secondsUntil(atMs: number, nowMs: number): number {
  return Math.max(0, Math.ceil((atMs - nowMs) / 1000))
}

const clock = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' })
const clockAndDay = new Intl.DateTimeFormat('en-GB', {
  day: 'numeric',
  month: 'short',
  hour: '2-digit',
  minute: '2-digit',
})

/** The time of a message, ms since the Unix epoch: the minute, with the day when it is not `today` (as `toDateString` writes it). */
export function formatMoment(timeMs: number, today: string): string {
  return (new Date(timeMs).toDateString() === today ? clock : clockAndDay).format(timeMs)
}
