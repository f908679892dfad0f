// Certificates for local names: a server's own, and an authority that can sign for nothing but them (RFC 5280).
// It loads nineteen packages: import it when a certificate has to be made, not to read one.
import 'reflect-metadata'
import { createPrivateKey, KeyObject, type webcrypto } from 'node:crypto'
import { AsnConvert } from '@peculiar/asn1-schema'
import {
  GeneralName,
  GeneralSubtree,
  GeneralSubtrees,
  id_ce_nameConstraints,
  NameConstraints,
} from '@peculiar/asn1-x509'
import * as x509 from '@peculiar/x509'

/** A certificate and its private key, both as PEM. */
export interface Identity {
  readonly certificate: string
  readonly key: string
}

export interface Validity {
  readonly from: Date
  readonly until: Date
}

/** A name that a certificate is for: `value` is a host's name or an address. */
export interface LocalName {
  readonly type: 'dns' | 'ip'
  readonly value: string
}

/** What the lab's certificates are for. */
export const localNames: readonly LocalName[] = [
  { type: 'dns', value: 'localhost' },
  { type: 'ip', value: '127.0.0.1' },
  { type: 'ip', value: '::1' },
]

/** What the lab's authority can sign for. An address comes with its mask (RFC 5280 §4.2.1.10). */
const permittedNames = [{ dNSName: 'localhost' }, { iPAddress: '127.0.0.0/8' }, { iPAddress: '::1/128' }]

const keyAlgorithm = { name: 'ECDSA', namedCurve: 'P-256' }
const signingAlgorithm = { name: 'ECDSA', hash: 'SHA-256' }

interface Signer {
  readonly name: x509.Name
  readonly privateKey: CryptoKey
  readonly publicKey: x509.PublicKeyType
}

/** A server's certificate with a fresh key (ECDSA P-256), signed by the authority or, without one, by itself. */
export async function issueServerIdentity(
  validity: Validity,
  authority: Identity | null,
  names: readonly LocalName[] = localNames,
): Promise<Identity> {
  const keys = await generateKeys()
  const name = distinguishedName('Parley on this machine')
  const signer = authority === null ? { name, ...keys } : signerOf(authority)
  return write(name, keys, validity, signer, [
    // Not an authority: it can't sign for others even when somebody trusts it by hand.
    new x509.BasicConstraintsExtension(false, undefined, true),
    // All that TLS 1.3 and ECDHE need.
    new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
    new x509.SubjectAlternativeNameExtension([...names]),
  ])
}

/** An authority of one's own: it signs servers only, and what it signs is good for local names only, whoever has its key. */
export async function issueAuthority(validity: Validity): Promise<Identity> {
  const keys = await generateKeys()
  const { keyId } = await x509.SubjectKeyIdentifierExtension.create(keys.publicKey)
  // Every lab's authority has a name of its own, so that a browser can hold several.
  const name = distinguishedName(`Parley authority for local names ${keyId.slice(0, 8)}`)
  return write(name, keys, validity, { name, ...keys }, [
    // No authorities below this one.
    new x509.BasicConstraintsExtension(true, 0, true),
    new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true),
    nameConstraints(),
  ])
}

/** Critical: who doesn't understand it must refuse the certificate. */
function nameConstraints(): x509.Extension {
  const permitted = permittedNames.map((name) => new GeneralSubtree({ base: new GeneralName(name) }))
  const constraints = new NameConstraints({ permittedSubtrees: new GeneralSubtrees(permitted) })
  return new x509.Extension(id_ce_nameConstraints, true, AsnConvert.serialize(constraints))
}

function generateKeys(): Promise<webcrypto.CryptoKeyPair> {
  return crypto.subtle.generateKey(keyAlgorithm, true, ['sign', 'verify'])
}

/** The name is the authority's own, byte for byte: that is how a chain is found. */
function signerOf(authority: Identity): Signer {
  const { subjectName, publicKey } = new x509.X509Certificate(authority.certificate)
  const privateKey = createPrivateKey(authority.key).toCryptoKey(keyAlgorithm, false, ['sign'])
  return { name: subjectName, privateKey, publicKey }
}

async function write(
  name: x509.Name,
  keys: webcrypto.CryptoKeyPair,
  validity: Validity,
  signer: Signer,
  extensions: readonly x509.Extension[],
): Promise<Identity> {
  const certificate = await x509.X509CertificateGenerator.create({
    subject: name,
    issuer: signer.name,
    notBefore: validity.from,
    notAfter: validity.until,
    publicKey: keys.publicKey,
    signingKey: signer.privateKey,
    signingAlgorithm,
    extensions: [
      ...extensions,
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      await x509.AuthorityKeyIdentifierExtension.create(signer.publicKey),
    ],
  })
  return {
    certificate: `${certificate.toString('pem')}\n`,
    key: KeyObject.from(keys.privateKey).export({ type: 'pkcs8', format: 'pem' }).toString(),
  }
}

function distinguishedName(commonName: string): x509.Name {
  return new x509.Name([{ O: ['Parley'] }, { CN: [commonName] }])
}
