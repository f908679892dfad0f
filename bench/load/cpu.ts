// The processor time of another process, all its threads together.
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'

/** How the time was read, for the report. */
export type CpuSource = 'schedstat' | 'stat' | 'ps'

/** Which source this system has: the kernel's nanoseconds, its ticks of 10 ms, or `ps`. */
export function cpuSource(pid: number): CpuSource {
  if (schedstatUs(pid) !== null) return 'schedstat'
  return statUs(pid) === null ? 'ps' : 'stat'
}

/** User and system time that the process has used so far, in µs. Throws when the process is gone. */
export function cpuTimeUs(pid: number): number {
  return schedstatUs(pid) ?? statUs(pid) ?? psUs(pid)
}

/** The sum over the threads that live: Node's do not end while it serves. Null where the kernel does not count. */
function schedstatUs(pid: number): number | null {
  try {
    let nanoseconds = 0
    for (const thread of readdirSync(`/proc/${pid}/task`)) {
      const spent = Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ', 1)[0])
      nanoseconds += spent
    }
    return nanoseconds > 0 ? nanoseconds / 1000 : null
  } catch {
    return null
  }
}

/** Fields 14 and 15 of /proc/PID/stat, in ticks; Linux has 100 a second on every platform that Node runs on. */
function statUs(pid: number): number | null {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? []
    return (Number(fields[11]) + Number(fields[12])) * 10_000
  } catch {
    return null
  }
}

/** `[[days-]hours:]minutes:seconds[.hundredths]`, as `ps` on macOS and the BSDs writes it. */
function psUs(pid: number): number {
  const text = execFileSync('ps', ['-o', 'time=', '-p', String(pid)], { encoding: 'utf8' }).trim()
  return parseProcessTimeUs(text)
}

/** Reads a `ps` time. Throws a RangeError when it is none. */
export function parseProcessTimeUs(text: string): number {
  const match = /^(?:(\d+)-)?(?:(\d+):)?(\d+):(\d+(?:\.\d+)?)$/.exec(text)
  if (match === null) throw new RangeError(`"${text}" is no processor time.`)
  const [, days = '0', hours = '0', minutes = '0', seconds = '0'] = match
  return Math.round(
    (((Number(days) * 24 + Number(hours)) * 60 + Number(minutes)) * 60 + Number(seconds)) * 1e6,
  )
}
