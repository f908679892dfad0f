// `npm run trust`: makes a certificate authority of your own, limited to local names, and prints the command that trusts it.
import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { messageOf } from '../transports/errors.ts'
import { trustCommand } from './tls/trusting.ts'
import { ownAuthority } from './tls.ts'

const help = `Usage: npm run trust -- [--data DIR]

Makes a certificate authority of your own in DIR/tls (./data/tls), signs the lab's certificate with it,
and prints the one command by which this machine's browsers trust it. The authority can sign for
localhost, 127.0.0.0/8 and ::1 only, and its key never leaves the folder. Nothing is installed by this
program itself. A server that runs takes the new certificate within a minute.

  --data DIR   Where the lab keeps its files. (default ./data, PARLEY_DATA)
  -h, --help   This text.
`

/** Runs the command; gives the text to print. Rejects with a `UsageError`, or what `parseArgs` throws. */
export async function trust(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  platform: string,
  now: Date,
): Promise<string> {
  const { values } = parseArgs({
    args: [...argv],
    options: { data: { type: 'string' }, help: { type: 'boolean', short: 'h' } },
  })
  if (values.help === true) return help
  const { file, made } = await ownAuthority(values.data ?? (env.PARLEY_DATA || './data'), now)
  const certificate = new X509Certificate(readFileSync(file))
  const name = /^CN=(.*)$/m.exec(certificate.subject)?.[1] ?? ''
  const command = trustCommand(platform, resolve(file), name)
  return `${made ? 'Made' : 'This lab has'} "${name}", good until ${certificate.validToDate.toISOString().slice(0, 10)}, for localhost, 127.0.0.0/8 and ::1 only.

Trust it with this one command:

  ${command.trust}

${command.note}
To take it back:

  ${command.undo}
`
}

if (import.meta.main) {
  try {
    process.stdout.write(await trust(process.argv.slice(2), process.env, process.platform, new Date()))
  } catch (error) {
    process.stderr.write(`${messageOf(error).split('\n', 1)[0]}\n`)
    process.exitCode = 2
  }
}
