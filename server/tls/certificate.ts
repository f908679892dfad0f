// Certificates for local names: a server's own, and an authority that can sign for nothing but them (RFC 5280).
import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto'
import {
  bitString,
  boolean,
  contextConstructed,
  contextPrimitive,
  integer,
  objectIdentifier,
  octetString,
  sequence,
  set,
  time,
  utf8String,
} from './der.ts'

/** A certificate and its private key, both as PEM. */
export interface Identity {
  readonly certificate: string
  readonly key: string
}

/** Who signs: its name and key. Null in its place: the certificate signs itself. */
export interface Issuer {
  readonly name: string
  readonly privateKey: KeyObject
  readonly publicKey: KeyObject
}

export interface Validity {
  readonly from: Date
  readonly until: Date
}

/** A name that a certificate is for. */
export type LocalName = { readonly dns: string } | { readonly address: Buffer }

const loopbackIpv4 = Buffer.from([127, 0, 0, 1])
const loopbackIpv6 = Buffer.from([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1])

/** What the lab's certificates are for. */
export const localNames: readonly LocalName[] = [
  { dns: 'localhost' },
  { address: loopbackIpv4 },
  { address: loopbackIpv6 },
]

const identifiers = {
  ecdsaWithSha256: '1.2.840.10045.4.3.2',
  commonName: '2.5.4.3',
  organization: '2.5.4.10',
  subjectKeyIdentifier: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAlternativeName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  nameConstraints: '2.5.29.30',
  authorityKeyIdentifier: '2.5.29.35',
  extendedKeyUsage: '2.5.29.37',
  serverAuthentication: '1.3.6.1.5.5.7.3.1',
} as const

/** A server's certificate with a fresh key (ECDSA P-256), signed by `issuer` or by itself. */
export function issueServerIdentity(
  validity: Validity,
  issuer: Issuer | null,
  names: readonly LocalName[] = localNames,
): Identity {
  const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const name = 'Parley on this machine'
  const signer = issuer ?? { name, ...keys }
  return write(name, keys, validity, signer, [
    // Not an authority: it can't sign for others even when somebody trusts it by hand.
    extension(identifiers.basicConstraints, true, sequence()),
    // digitalSignature, the first bit: all that TLS 1.3 and ECDHE need.
    extension(identifiers.keyUsage, true, bitString(Buffer.from([0x80]), 7)),
    extension(
      identifiers.extendedKeyUsage,
      false,
      sequence(objectIdentifier(identifiers.serverAuthentication)),
    ),
    extension(identifiers.subjectAlternativeName, false, sequence(...names.map(generalName))),
  ])
}

/** An authority of one's own: it signs servers only, and what it signs is good for local names only, whoever has its key. */
export function issueAuthority(validity: Validity): Identity {
  const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  // Every lab's authority has a name of its own, so that a browser can hold several.
  const name = `Parley authority for local names ${keyIdentifier(keys.publicKey).toString('hex').slice(0, 8)}`
  return write(name, keys, validity, { name, ...keys }, [
    // pathLenConstraint 0: no authorities below this one.
    extension(identifiers.basicConstraints, true, sequence(boolean(true), integer(Buffer.from([0])))),
    // keyCertSign, the sixth bit.
    extension(identifiers.keyUsage, true, bitString(Buffer.from([0x04]), 2)),
    extension(
      identifiers.extendedKeyUsage,
      false,
      sequence(objectIdentifier(identifiers.serverAuthentication)),
    ),
    extension(identifiers.nameConstraints, true, sequence(contextConstructed(0, ...permittedNames()))),
  ])
}

/** RFC 5280 §4.2.1.10: an address comes with its mask. */
function permittedNames(): Buffer[] {
  const permitted: readonly LocalName[] = [
    { dns: 'localhost' },
    { address: Buffer.from([127, 0, 0, 0, 255, 0, 0, 0]) },
    { address: Buffer.concat([loopbackIpv6, Buffer.alloc(16, 0xff)]) },
  ]
  return permitted.map((name) => sequence(generalName(name)))
}

/** RFC 5280 §4.2.1.6: dNSName is [2], iPAddress is [7]. */
function generalName(name: LocalName): Buffer {
  return 'dns' in name
    ? contextPrimitive(2, Buffer.from(name.dns, 'latin1'))
    : contextPrimitive(7, name.address)
}

function write(
  name: string,
  keys: { readonly publicKey: KeyObject; readonly privateKey: KeyObject },
  validity: Validity,
  issuer: Issuer,
  extensions: readonly Buffer[],
): Identity {
  const algorithm = sequence(objectIdentifier(identifiers.ecdsaWithSha256))
  const body = sequence(
    contextConstructed(0, integer(Buffer.from([2]))), // version 3
    integer(serialNumber()),
    algorithm,
    distinguishedName(issuer.name),
    sequence(time(validity.from), time(validity.until)),
    distinguishedName(name),
    keys.publicKey.export({ type: 'spki', format: 'der' }),
    contextConstructed(
      3,
      sequence(
        ...extensions,
        extension(identifiers.subjectKeyIdentifier, false, octetString(keyIdentifier(keys.publicKey))),
        extension(
          identifiers.authorityKeyIdentifier,
          false,
          sequence(contextPrimitive(0, keyIdentifier(issuer.publicKey))),
        ),
      ),
    ),
  )
  const certificate = sequence(body, algorithm, bitString(sign('sha256', body, issuer.privateKey)))
  return {
    certificate: pem(certificate),
    key: keys.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  }
}

function extension(identifier: string, critical: boolean, content: Buffer): Buffer {
  return sequence(objectIdentifier(identifier), ...(critical ? [boolean(true)] : []), octetString(content))
}

function distinguishedName(commonName: string): Buffer {
  const part = (identifier: string, text: string): Buffer =>
    set(sequence(objectIdentifier(identifier), utf8String(text)))
  return sequence(part(identifiers.organization, 'Parley'), part(identifiers.commonName, commonName))
}

/** RFC 5280 §4.1.2.2: positive, at most 20 bytes, and never the same twice. */
function serialNumber(): Buffer {
  const bytes = randomBytes(16)
  bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x40
  return bytes
}

/** RFC 5280 §4.2.1.2 (1): SHA-1 of the public key's bits, which are the last 65 bytes of a P-256 key. */
function keyIdentifier(publicKey: KeyObject): Buffer {
  const bits = publicKey.export({ type: 'spki', format: 'der' }).subarray(-65)
  return createHash('sha1').update(bits).digest()
}

function pem(der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? []
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`
}
