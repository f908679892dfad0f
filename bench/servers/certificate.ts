// The certificate of a bench run: one for all servers, so that TLS costs each of them the same.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { issueServerIdentity } from '../../server/tls/certificate.ts'

export interface Certificate {
  readonly certFile: string
  readonly keyFile: string
  /** Deletes the files. */
  remove(): void
}

const dayMs = 86_400_000

/** Makes a certificate for loopback as the server itself does, in a new folder. */
export async function makeCertificate(): Promise<Certificate> {
  const now = Date.now()
  const validity = { from: new Date(now - dayMs), until: new Date(now + dayMs) }
  const { certificate, key } = await issueServerIdentity(validity, null)
  const folder = mkdtempSync(join(tmpdir(), 'parley-bench-tls-'))
  const certFile = join(folder, 'certificate.pem')
  const keyFile = join(folder, 'key.pem')
  writeFileSync(certFile, certificate)
  writeFileSync(keyFile, key, { mode: 0o600 })
  return { certFile, keyFile, remove: () => rmSync(folder, { recursive: true, force: true }) }
}
