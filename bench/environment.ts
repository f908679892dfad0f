// The machine and the code that a run was made with.
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import os from 'node:os'
import { fileURLToPath } from 'node:url'
import { clockStepNs } from './load/clock.ts'
import { cpuSource } from './load/cpu.ts'
import type { Environment } from './measurement.ts'

export function describeEnvironment(pinned: Environment['pinned']): Environment {
  const cpus = os.cpus()
  return {
    cpuModel: (cpus[0]?.model ?? 'unknown').trim(),
    cores: cpus.length,
    memoryBytes: os.totalmem(),
    platform: `${os.platform()} ${os.release()} ${os.arch()}`,
    node: process.version,
    commit: commit(),
    startedAt: new Date().toISOString(),
    pinned,
    cpuSource: cpuSource(process.pid),
    host: hostDigest(),
    packages: packageVersions(),
    clockStepNs: clockStepNs(),
  }
}

/** The same for runs on one machine, and nothing that can be read back. */
function hostDigest(): string {
  const cpus = os.cpus()
  const parts = [os.hostname(), os.totalmem(), cpus.length, cpus[0]?.model, os.arch()]
  return createHash('sha256').update(parts.join('\n')).digest('base64url').slice(0, 12)
}

/** Of what carries the load, or is compared with. */
function packageVersions(): Readonly<Record<string, string>> {
  const versions: Record<string, string> = {}
  for (const name of ['fastify', 'ws', 'undici', 'autocannon', 'hdr-histogram-js']) {
    const file = new URL(`../node_modules/${name}/package.json`, import.meta.url)
    versions[name] = (JSON.parse(readFileSync(file, 'utf8')) as { readonly version: string }).version
  }
  return versions
}

function commit(): string {
  const git = (...args: string[]): string =>
    execFileSync('git', args, {
      cwd: fileURLToPath(new URL('.', import.meta.url)),
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim()
  try {
    const hash = git('rev-parse', '--short', 'HEAD')
    return git('status', '--porcelain') === '' ? hash : `${hash}+`
  } catch {
    return 'unknown'
  }
}
