// What a run is to do, as plain data: made by the options, read by the scenarios, kept in the JSON file.
import type { Profile, ProfileName } from './limits.ts'

export interface Settings {
  readonly profileName: ProfileName
  readonly profile: Profile
  readonly scenarios: readonly string[]
  readonly transports: readonly string[]
  /** Somebody has named them: then all of them take part wherever they can. */
  readonly namesTransports?: boolean
  readonly seed: number
  /** Everything over TLS, so that all are configured alike; false: plain sockets, without HTTP/2. */
  readonly secure: boolean
  readonly pin: boolean
  /** Cores of server and generator; null: the last two that this process may use. */
  readonly cores: readonly [number, number] | null
  /** A fault for the control servers to commit, `drop=20`: for the bench's own tests. */
  readonly fault: string | null
  /** Blocks that something else on the machine disturbed count as well: for machines that are never quiet. Not citable. */
  readonly keepsDisturbed?: boolean
}
