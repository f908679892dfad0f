// Sends messages the same way for every subject: `POST /rooms/:room/messages` over kept HTTP/1.1 connections on the plain port.
import http from 'node:http'
import { v7 } from 'uuid'
import { benchLimits } from '../limits.ts'

export class Publisher {
  readonly #url: URL
  readonly #agent = new http.Agent({ keepAlive: true, maxSockets: 32 })
  readonly #underWay = new Set<Promise<void>>()
  readonly problems: string[] = []
  readonly #text: string

  constructor(base: URL, room: string, textBytes: number = benchLimits.textBytes) {
    this.#text = 'a'.repeat(textBytes)
    this.#url = new URL(`/rooms/${room}/messages`, base)
  }

  /** The message's identity, made before it leaves so that a delivery that overtakes the answer is known. */
  send(id: string): void {
    const body = JSON.stringify({ id, user: 'bench', text: this.#text })
    const sent = this.#post(body)
      .catch((error: unknown) => {
        this.problems.push(error instanceof Error ? error.message : String(error))
      })
      .finally(() => this.#underWay.delete(sent))
    this.#underWay.add(sent)
  }

  /** Resolves when every send has its answer. */
  async settled(): Promise<void> {
    await Promise.all(this.#underWay)
  }

  close(): void {
    this.#agent.destroy()
  }

  #post(body: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const request = http.request(this.#url, {
        method: 'POST',
        agent: this.#agent,
        headers: { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) },
      })
      request.on('error', reject)
      request.on('response', (response) => {
        response.resume()
        response.on('error', reject)
        response.on('end', () => {
          if (response.statusCode === 201) resolve()
          else reject(new Error(`A message was answered with ${response.statusCode}.`))
        })
      })
      request.end(body)
    })
  }
}

/** A draft's identity. */
export function newId(): string {
  return v7()
}

export const text = 'a'.repeat(benchLimits.textBytes)
