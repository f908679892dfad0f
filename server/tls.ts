// The lab's certificate: made at the first start, kept in the data folder, renewed before it ends, replaced by --cert and --key.
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFileSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { messageOf, UsageError } from '../transports/errors.ts'
import { makeFolder } from './folder.ts'
import type { Identity, Validity } from './tls/certificate.ts'

const dayMs = 86_400_000
/** Browsers refuse server certificates that are good for more than 398 days. */
const serverDays = 397
const authorityDays = 5 * 365
/** A certificate is renewed when it has less than this left. */
const renewBeforeMs = 30 * dayMs
/** Clocks differ: a new certificate is good from yesterday on. */
const earlierMs = dayMs

/** The files of DATA/tls. */
export interface TlsFiles {
  readonly folder: string
  readonly certificateFile: string
  readonly keyFile: string
  readonly authorityFile: string
  readonly authorityKeyFile: string
}

export function tlsFiles(dataFolder: string): TlsFiles {
  const folder = join(dataFolder, 'tls')
  return {
    folder,
    certificateFile: join(folder, 'server.pem'),
    keyFile: join(folder, 'server.key'),
    authorityFile: join(folder, 'authority.pem'),
    authorityKeyFile: join(folder, 'authority.key'),
  }
}

/**
 * The lab's own certificate and key. Makes one when there is none, it ends soon, it is broken, or another than the lab's
 * authority has signed it; renewed ones are signed by the lab's authority when `npm run trust` has made one.
 * Rejects with a `UsageError` with one line when the folder can't be used.
 */
export async function ownIdentity(dataFolder: string, now: Date): Promise<Identity> {
  const files = tlsFiles(dataFolder)
  const [authority, kept] = using(files.folder, () => [
    goodIdentity(files.authorityFile, files.authorityKeyFile, now),
    goodIdentity(files.certificateFile, files.keyFile, now),
  ])
  if (kept !== null && signedBy(kept, authority ?? kept)) return kept
  const { issueServerIdentity } = await loadIssuing()
  const until = soonest(after(now, serverDays), authority)
  const made = await issueServerIdentity({ from: before(now), until }, authority)
  store(files.folder, files.certificateFile, files.keyFile, made)
  return made
}

/**
 * The lab's authority, made when there is none or it ends soon, and the server's certificate signed by it.
 * Rejects with a `UsageError` with one line when the folder can't be used.
 */
export async function ownAuthority(
  dataFolder: string,
  now: Date,
): Promise<{ readonly file: string; readonly made: boolean }> {
  const files = tlsFiles(dataFolder)
  const kept = using(files.folder, () => goodIdentity(files.authorityFile, files.authorityKeyFile, now))
  if (kept === null) {
    const { issueAuthority } = await loadIssuing()
    const validity: Validity = { from: before(now), until: after(now, authorityDays) }
    store(files.folder, files.authorityFile, files.authorityKeyFile, await issueAuthority(validity))
  }
  await ownIdentity(dataFolder, now)
  return { file: files.authorityFile, made: kept === null }
}

/** Only when a certificate has to be made: an ordinary start doesn't pay for the library. */
function loadIssuing(): Promise<typeof import('./tls/certificate.ts')> {
  return import('./tls/certificate.ts')
}

/** A certificate and key of the user's own. Throws a `UsageError` with one line when they can't be used. */
export function givenIdentity(certificateFile: string, keyFile: string): Identity {
  const certificate = readGiven('--cert', certificateFile)
  const key = readGiven('--key', keyFile)
  const parsed = parse(() => new X509Certificate(certificate))
  if (parsed === null) throw new UsageError(`--cert ${certificateFile} is not a certificate in PEM form.`)
  const privateKey = parse(() => createPrivateKey(key))
  if (privateKey === null) {
    throw new UsageError(`--key ${keyFile} is not a private key in PEM form without a passphrase.`)
  }
  if (!parsed.checkPrivateKey(privateKey)) {
    throw new UsageError(`--key ${keyFile} is not the key of --cert ${certificateFile}.`)
  }
  return { certificate, key }
}

/** What is wrong with a certificate's dates, as a sentence; null when it is good at that time. */
export function dateProblem({ certificate }: Identity, now: Date): string | null {
  const { validFromDate, validToDate } = new X509Certificate(certificate)
  if (now < validFromDate) return `The certificate is good only from ${validFromDate.toISOString()} on.`
  if (now > validToDate) return `The certificate ended on ${validToDate.toISOString()}: browsers refuse it.`
  return null
}

function readGiven(option: string, file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw new UsageError(`${option} ${file} can't be read (${messageOf(error)}).`, { cause: error })
  }
}

/** What is kept in the files, or null when there is nothing that can be used much longer. */
function goodIdentity(certificateFile: string, keyFile: string, now: Date): Identity | null {
  const certificate = readKept(certificateFile)
  const key = readKept(keyFile)
  if (certificate === null || key === null) return null
  const parsed = parse(() => new X509Certificate(certificate))
  const privateKey = parse(() => createPrivateKey(key))
  if (parsed === null || privateKey === null || !parsed.checkPrivateKey(privateKey)) return null
  const isGood = parsed.validFromDate <= now && parsed.validToDate.getTime() - now.getTime() > renewBeforeMs
  // A key that others can read is no secret any more.
  return isGood && (statSync(keyFile).mode & 0o077) === 0 ? { certificate, key } : null
}

function readKept(file: string): string | null {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}

function parse<T>(read: () => T): T | null {
  try {
    return read()
  } catch {
    return null
  }
}

function signedBy(identity: Identity, signer: Identity): boolean {
  const issuer = new X509Certificate(signer.certificate)
  return new X509Certificate(identity.certificate).verify(issuer.publicKey)
}

function soonest(until: Date, authority: Identity | null): Date {
  if (authority === null) return until
  const end = new X509Certificate(authority.certificate).validToDate
  return end < until ? end : until
}

function before(now: Date): Date {
  return new Date(now.getTime() - earlierMs)
}

function after(now: Date, days: number): Date {
  return new Date(now.getTime() + days * dayMs - earlierMs)
}

/** Writes both files whole or not at all, the key readable by its owner alone from its first byte on. */
function store(folder: string, certificateFile: string, keyFile: string, identity: Identity): void {
  using(folder, () => {
    makeFolder(folder, 0o700)
    writeFileSync(`${keyFile}.new`, identity.key, { mode: 0o600 })
    writeFileSync(`${certificateFile}.new`, identity.certificate, { mode: 0o644 })
    renameSync(`${keyFile}.new`, keyFile)
    renameSync(`${certificateFile}.new`, certificateFile)
  })
}

function using<T>(folder: string, use: () => T): T {
  try {
    return use()
  } catch (error) {
    throw new UsageError(
      `The folder ${folder} can't be used (${messageOf(error)}). Choose another with --data.`,
      { cause: error },
    )
  }
}
