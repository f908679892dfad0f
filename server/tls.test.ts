// Certificates: TLS accepts them for local names and for nothing else, keys are secret, renewal comes in time.
import { execFileSync } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect, createServer } from 'node:tls'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { UsageError } from '../transports/errors.ts'
import { type Identity, issueServerIdentity, type LocalName, localNames } from './tls/certificate.ts'
import { trustCommand } from './tls/trusting.ts'
import { dateProblem, givenIdentity, ownAuthority, ownIdentity, tlsFiles } from './tls.ts'
import { trust } from './trust.ts'

const dayMs = 86_400_000
const now = new Date()

let data = ''
beforeEach(() => {
  data = mkdtempSync(join(tmpdir(), 'parley-tls-'))
})
afterEach(() => {
  rmSync(data, { recursive: true, force: true })
})

function later(days: number): Date {
  return new Date(now.getTime() + days * dayMs)
}

/** Connects to a server that shows `identity`; gives what the client says of it: 'ok' or an error's code. */
async function verdict(identity: Identity, trusted: string, servername: string): Promise<string> {
  const server = createServer({ cert: identity.certificate, key: identity.key })
  server.on('tlsClientError', () => undefined)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const isAddress = /^[0-9.]+$/.test(servername)
  const socket = connect({
    host: isAddress ? servername : '127.0.0.1',
    port,
    ca: trusted,
    ...(isAddress ? {} : { servername }),
  })
  const said = await new Promise<string>((resolve) => {
    socket.on('secureConnect', () => resolve('ok'))
    socket.on('error', (error: NodeJS.ErrnoException) =>
      resolve(error.code === 'UNSPECIFIED' ? error.message : (error.code ?? '')),
    )
  })
  socket.destroy()
  server.close()
  await once(server, 'close')
  return said
}

/** A certificate that the lab's authority signs for other names, as a thief of its key would. */
function stolen(names: readonly LocalName[]): Promise<Identity> {
  const files = tlsFiles(data)
  const authority = {
    certificate: readFileSync(files.authorityFile, 'utf8'),
    key: readFileSync(files.authorityKeyFile, 'utf8'),
  }
  return issueServerIdentity({ from: later(-1), until: later(90) }, authority, names)
}

describe("the lab's own certificate", () => {
  test('is made once, for local names, for at most 398 days, with a key that its owner alone can read', async () => {
    const made = await ownIdentity(data, now)
    const certificate = new X509Certificate(made.certificate)
    expect(certificate.subjectAltName).toBe('DNS:localhost, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1')
    expect(certificate.ca).toBe(false)
    expect(certificate.publicKey.asymmetricKeyDetails).toEqual({ namedCurve: 'prime256v1' })
    const days = (certificate.validToDate.getTime() - certificate.validFromDate.getTime()) / dayMs
    expect(days).toBeLessThanOrEqual(398)
    expect(days).toBeGreaterThan(390)
    const files = tlsFiles(data)
    expect(statSync(files.keyFile).mode & 0o777).toBe(0o600)
    expect(statSync(files.folder).mode & 0o777).toBe(0o700)
    expect(await ownIdentity(data, later(1))).toEqual(made)
  })

  test('signs itself; a client that trusts it by hand can connect', async () => {
    const made = await ownIdentity(data, now)
    expect(await verdict(made, made.certificate, 'localhost')).toBe('ok')
    expect(await verdict(made, made.certificate, '127.0.0.1')).toBe('ok')
    expect(await verdict(made, made.certificate, 'other.example')).toBe('ERR_TLS_CERT_ALTNAME_INVALID')
  })

  test('is renewed a month before it ends', async () => {
    const made = await ownIdentity(data, now)
    expect(await ownIdentity(data, later(360))).toEqual(made)
    const renewed = await ownIdentity(data, later(370))
    expect(renewed.certificate).not.toBe(made.certificate)
    expect(renewed.key).not.toBe(made.key)
    expect(new X509Certificate(renewed.certificate).validToDate.getTime()).toBeGreaterThan(
      later(700).getTime(),
    )
  })

  test('is made anew when it is broken, without its key, or when others could read its key', async () => {
    const first = await ownIdentity(data, now)
    const files = tlsFiles(data)
    writeFileSync(files.certificateFile, 'broken')
    const second = await ownIdentity(data, now)
    expect(second.certificate).not.toBe(first.certificate)
    rmSync(files.keyFile)
    const third = await ownIdentity(data, now)
    expect(third.key).not.toBe(second.key)
    chmodSync(files.keyFile, 0o644)
    const fourth = await ownIdentity(data, now)
    expect(fourth.key).not.toBe(third.key)
    expect(statSync(files.keyFile).mode & 0o777).toBe(0o600)
  })

  test('the library that makes it is loaded when one is made, and not at an ordinary start', () => {
    const script = `
      import { createRequire } from 'node:module'
      import './start.ts'
      import { ownIdentity } from './tls.ts'
      await ownIdentity(process.argv[1], new Date())
      const files = Object.keys(createRequire(import.meta.url).cache)
      console.log(files.some((file) => file.includes('@peculiar')))
    `
    const start = (): string =>
      execFileSync(process.execPath, ['--input-type=module', '--eval', script, data], {
        cwd: import.meta.dirname,
        encoding: 'utf8',
      }).trim()
    expect(start(), 'the first one').toBe('true')
    expect(start(), 'the next one').toBe('false')
  })

  test('a folder that cannot be used gets one line', async () => {
    const file = join(data, 'file')
    writeFileSync(file, '')
    await expect(ownIdentity(file, now)).rejects.toThrow(UsageError)
    await expect(ownIdentity(file, now)).rejects.toThrow(/^The folder .*file.tls can't be used .*--data\.$/)
  })
})

describe("the lab's authority", () => {
  test('signs the server for local names, and clients that trust it connect', async () => {
    const before = await ownIdentity(data, now)
    const { file, made } = await ownAuthority(data, now)
    expect(made).toBe(true)
    const authority = readFileSync(file, 'utf8')
    const identity = await ownIdentity(data, now)
    expect(identity.certificate, 'the self-signed one is replaced').not.toBe(before.certificate)
    for (const name of ['localhost', '127.0.0.1'])
      expect(await verdict(identity, authority, name), name).toBe('ok')
    expect(await verdict(before, authority, 'localhost')).toBe('DEPTH_ZERO_SELF_SIGNED_CERT')
    expect(statSync(tlsFiles(data).authorityKeyFile).mode & 0o777).toBe(0o600)
    expect((await ownAuthority(data, now)).made).toBe(false)
    expect(readFileSync(file, 'utf8')).toBe(authority)
    expect(await ownIdentity(data, now)).toEqual(identity)
  })

  test('whoever steals its key can sign for local names only', async () => {
    const authority = readFileSync((await ownAuthority(data, now)).file, 'utf8')
    expect(await verdict(await stolen(localNames), authority, 'localhost')).toBe('ok')
    expect(
      await verdict(await stolen([{ type: 'dns', value: 'bank.example' }]), authority, 'bank.example'),
    ).toBe('permitted subtree violation')
    expect(
      await verdict(
        await stolen([
          { type: 'dns', value: 'localhost' },
          { type: 'dns', value: 'bank.example' },
        ]),
        authority,
        'localhost',
      ),
    ).toBe('permitted subtree violation')
    expect(
      await verdict(
        await stolen([
          { type: 'ip', value: '10.0.0.1' },
          { type: 'dns', value: 'localhost' },
        ]),
        authority,
        'localhost',
      ),
    ).toBe('permitted subtree violation')
    expect(await verdict(await stolen([{ type: 'ip', value: '127.9.9.9' }]), authority, 'localhost')).toBe(
      'ERR_TLS_CERT_ALTNAME_INVALID',
    )
  })

  test('is renewed before it ends, and the server with it', async () => {
    const first = readFileSync((await ownAuthority(data, now)).file, 'utf8')
    const soon = later(5 * 365 - 100)
    const identity = await ownIdentity(data, soon)
    const end = new X509Certificate(identity.certificate).validToDate
    expect(end.getTime(), 'never longer than its authority').toBeLessThanOrEqual(
      new X509Certificate(first).validToDate.getTime(),
    )
    const { made, file } = await ownAuthority(data, later(5 * 365 - 10))
    expect(made).toBe(true)
    expect(readFileSync(file, 'utf8')).not.toBe(first)
    expect((await ownIdentity(data, later(5 * 365 - 10))).certificate).not.toBe(identity.certificate)
  })

  test('an authority may not have authorities below it', async () => {
    const certificate = new X509Certificate(readFileSync((await ownAuthority(data, now)).file))
    expect(certificate.ca).toBe(true)
    expect(certificate.verify(certificate.publicKey)).toBe(true)
    // basicConstraints, critical, CA true and pathLenConstraint 0, as RFC 5280 §4.2.1.9 writes them.
    expect(certificate.raw.includes(Buffer.from('0603551d130101ff040830060101ff020100', 'hex'))).toBe(true)
    // nameConstraints, critical.
    expect(certificate.raw.includes(Buffer.from('0603551d1e0101ff', 'hex'))).toBe(true)
  })
})

describe('a certificate of the user’s own', () => {
  test('is taken with its key; anything else gets one line', async () => {
    const files = tlsFiles(data)
    const identity = await ownIdentity(data, now)
    expect(givenIdentity(files.certificateFile, files.keyFile)).toEqual(identity)
    const other = await issueServerIdentity({ from: now, until: later(1) }, null)
    const otherKey = join(data, 'other.key')
    writeFileSync(otherKey, other.key)
    const missing = join(data, 'missing.pem')
    expect(() => givenIdentity(missing, files.keyFile)).toThrow(/^--cert .*missing\.pem can't be read/)
    expect(() => givenIdentity(files.certificateFile, missing)).toThrow(/^--key .*missing\.pem can't be read/)
    expect(() => givenIdentity(files.keyFile, files.keyFile)).toThrow('is not a certificate in PEM form')
    expect(() => givenIdentity(files.certificateFile, files.certificateFile)).toThrow('is not a private key')
    expect(() => givenIdentity(files.certificateFile, otherKey)).toThrow('is not the key of --cert')
  })
})

describe('npm run trust', () => {
  test('prints one command for the platform, and the way back', async () => {
    for (const [platform, tool] of [
      ['linux', 'certutil -d "sql:$store" -A -t C,,'],
      ['darwin', 'security add-trusted-cert'],
      ['win32', 'certutil -user -addstore Root'],
    ] as const) {
      const text = await trust(['--data', data], {}, platform, now)
      expect(text).toContain(tool)
      expect(text).toContain(tlsFiles(data).authorityFile)
      expect(text).toContain('127.0.0.0/8')
    }
    expect(await trust([], { PARLEY_DATA: data }, 'linux', now)).toContain('This lab has "Parley authority')
    expect(await trust(['--help'], {}, 'linux', now)).toContain('Usage: npm run trust')
    await expect(trust(['--wrong'], {}, 'linux', now)).rejects.toThrow("Unknown option '--wrong'")
  })

  test('a path with a quote stays one word', () => {
    expect(trustCommand('linux', "/it's/here.pem", 'name').trust).toContain(`-i '/it'\\''s/here.pem'`)
  })
})

test('a certificate that is not good any more, or not yet, is said to be so', async () => {
  const identity = await issueServerIdentity({ from: later(-10), until: later(-1) }, null)
  expect(dateProblem(identity, now)).toMatch(/^The certificate ended on /)
  expect(dateProblem(identity, later(-11))).toMatch(/^The certificate is good only from /)
  expect(dateProblem(identity, later(-5))).toBeNull()
})
