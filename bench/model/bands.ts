// What Node is known to take, as bands: a figure outside is not wrong by itself, but worth a look before it is cited.

export interface Band {
  readonly name: string
  readonly unit: string
  readonly low: number
  readonly high: number
}

export const bands = {
  cpuUsPerDelivery: { name: 'CPU per delivery', unit: 'µs', low: 5, high: 35 },
  deliveriesPerCore: { name: 'deliveries a second and core', unit: '/s', low: 65_000, high: 115_000 },
  memoryBytesPerConnection: { name: 'memory per connection', unit: 'B', low: 5_000, high: 30_000 },
} as const satisfies Record<string, Band>

/** What TLS takes of a connection's memory besides: the floor over it (`tcp`) had 48 KiB each, where bare sockets have about 5. */
export const tlsConnectionBytes = 44_000

/** From so many subscribers on the cost of taking a message in no longer counts for much. */
export const bandSubscribers = 100

/** A sentence for what lies outside of its band by more than a factor of two; null where it doesn't. */
export function outsideBand(band: Band, value: number): string | null {
  if (!Number.isFinite(value)) return null
  const factor = 2
  if (value >= band.low / factor && value <= band.high * factor) return null
  const range = `${band.low.toLocaleString('en')} to ${band.high.toLocaleString('en')} ${band.unit}`
  const digits = value >= 100 ? 0 : 2
  const said = value.toLocaleString('en', { maximumFractionDigits: digits })
  return `${band.name} is ${said} ${band.unit}, where Node as a rule takes ${range}.`
}
