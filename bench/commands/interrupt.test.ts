// Signals: the first asks, the second ends.
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const module = fileURLToPath(new URL('interrupt.ts', import.meta.url))

/** A process that goes on however often it is asked to stop, and says how often it was. */
const stubborn = `
  import { listenForInterrupt } from ${JSON.stringify(module)}
  const { signal } = listenForInterrupt(() => process.stdout.write('lastly\\n'))
  signal.addEventListener('abort', () => process.stdout.write('asked\\n'))
  setInterval(() => undefined, 1000)
  process.stdout.write('ready\\n')
`

describe('listenForInterrupt', () => {
  it.each(['SIGINT', 'SIGTERM'] as const)(
    'asks at the first %s and ends at once at the second',
    async (signal) => {
      const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', stubborn])
      let output = ''
      child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
        output += chunk
        // Each word is answered by the next signal.
        if (chunk.includes('ready') || chunk.includes('asked')) child.kill(signal)
      })
      let complaints = ''
      child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
        complaints += chunk
      })
      const code = await new Promise((resolve) => child.once('close', resolve))
      expect(code, complaints).toBe(130)
      expect(output).toBe('ready\nasked\nlastly\n')
      expect(complaints).toContain('once more ends at once')
    },
  )
})
