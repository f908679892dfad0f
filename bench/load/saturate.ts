// The closed loop over one polling route, by autocannon: how long an answer takes when as many ask as can be answered.
import autocannon from 'autocannon'
import { createHistogram, encodeHistogram } from '../statistics/histogram.ts'
import type { SaturateOrder, SaturateResult } from './orders.ts'
import { newId, Publisher, text } from './publisher.ts'
import { openWindow } from './window.ts'

/** What a page of the `page` route holds. */
const pageMessages = 10

const expectedStatus = { unchanged: 304, page: 200, post: 201 } as const

/** Carries out one route's cell. autocannon's own histogram has whole milliseconds, so the times come from its events. */
export async function saturate(order: SaturateOrder): Promise<SaturateResult> {
  const { route, url, room, connections, windowMs } = order
  const { etag, path } = await prepare(url, room)
  const latency = createHistogram()
  const wrong = new Map<number, number>()
  let requests = 0
  const request: autocannon.Request =
    route === 'post'
      ? { method: 'POST', path: `/rooms/${room}/messages`, setupRequest: withDraft }
      : {
          method: 'GET',
          path: route === 'unchanged' ? path(etag) : path(null),
          headers: route === 'unchanged' ? { 'if-none-match': etag } : {},
        }
  const close = await openWindow(order)
  const result = await new Promise<autocannon.Result>((resolve, reject) => {
    const options = { url, connections, pipelining: 1, duration: windowMs / 1000, requests: [request] }
    const instance = autocannon(options, (error: unknown, all) => {
      if (error) reject(error instanceof Error ? error : new Error(String(error)))
      else resolve(all)
    })
    instance.on('response', (_client, status, _bytes, elapsedMs) => {
      requests += 1
      latency.recordValue(Math.round(elapsedMs * 1000))
      if (status !== expectedStatus[route]) wrong.set(status, (wrong.get(status) ?? 0) + 1)
    })
  })
  const window = await close()
  const problems = [...wrong].map(
    ([status, count]) => `${count} answers of ${requests} had the status ${status}.`,
  )
  if (result.errors > 0) problems.push(`${result.errors} requests failed.`)
  if (requests === 0) problems.push('No request was answered.')
  return { ...window, requests, latency: encodeHistogram(latency), problems }
}

function withDraft(request: autocannon.Request): autocannon.Request {
  return {
    ...request,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ id: newId(), user: 'bench', text }),
  }
}

/** Fills the room and learns its head. */
async function prepare(
  url: string,
  room: string,
): Promise<{ etag: string; path: (etag: string | null) => string }> {
  const publisher = new Publisher(new URL(url), room)
  for (let one = 0; one < pageMessages; one++) publisher.send(newId())
  await publisher.settled()
  publisher.close()
  const answer = await fetch(new URL(`/rooms/${room}/messages?last=1`, url))
  const etag = answer.headers.get('etag')
  await answer.text()
  if (etag === null) throw new Error('The server gives no ETag to a poll.')
  const cursorOf = (tag: string): string => tag.replaceAll('"', '')
  const start = cursorOf(etag).replace(/\d+$/, '0')
  return { etag, path: (tag) => `/rooms/${room}/messages?after=${tag === null ? start : cursorOf(tag)}` }
}
