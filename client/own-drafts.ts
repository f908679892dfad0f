// What this tab wrote into a room: the ids by which it knows its messages again, and the drafts that a reload must not lose.
import type { Draft } from '../transports/message.ts'
import { textProblem, userProblem } from '../transports/text.ts'
import { recall, remember } from './settings.ts'

/** Ids that are remembered over a reload: the newest ones. */
const rememberedIds = 500

export class OwnDrafts {
  private readonly ids: Set<string>
  private readonly pending: Map<string, Draft>
  private readonly idsName: string
  private readonly pendingName: string

  constructor(room: string) {
    this.idsName = `ids.${room}`
    this.pendingName = `pending.${room}`
    this.ids = new Set(recall('tab', this.idsName, acceptIds) ?? [])
    const drafts = recall('tab', this.pendingName, acceptDrafts) ?? []
    this.pending = new Map(drafts.map((draft) => [draft.id, draft]))
  }

  has(id: string): boolean {
    return this.ids.has(id)
  }

  /** The drafts whose fate was open when the tab was closed or reloaded, oldest first. */
  unsettled(): readonly Draft[] {
    return [...this.pending.values()]
  }

  /** Notes a draft that is on its way. */
  add(draft: Draft): void {
    this.ids.add(draft.id)
    if (this.pending.has(draft.id)) return
    this.pending.set(draft.id, draft)
    remember('tab', this.idsName, [...this.ids].slice(-rememberedIds))
    this.keepPending()
  }

  /** Notes that a draft's fate is known. */
  settle(id: string): void {
    if (this.pending.delete(id)) this.keepPending()
  }

  private keepPending(): void {
    remember('tab', this.pendingName, this.pending.size === 0 ? null : this.unsettled())
  }
}

function acceptIds(value: unknown): readonly string[] | null {
  return Array.isArray(value) ? value.filter((one) => typeof one === 'string') : null
}

function acceptDrafts(value: unknown): readonly Draft[] | null {
  return Array.isArray(value) ? value.filter(isDraft) : null
}

function isDraft(value: unknown): value is Draft {
  if (typeof value !== 'object' || value === null) return false
  const { id, user, text } = value as Readonly<Record<string, unknown>>
  if (typeof id !== 'string' || typeof user !== 'string' || typeof text !== 'string') return false
  return userProblem(user) === null && textProblem(text) === null
}
