// Ids in the database: a UUID as its 16 bytes, less than half of its text in the table and in the index.

const dashes = /-/g
const pattern = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/** The 16 bytes of a UUID in lower case; null for anything else, as two texts must never be one id. */
export function identifierBytes(id: string): Buffer | null {
  return pattern.test(id) ? Buffer.from(id.replace(dashes, ''), 'hex') : null
}

/** The text of a UUID's 16 bytes. */
export function identifierText(bytes: Uint8Array): string {
  const hex = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}
