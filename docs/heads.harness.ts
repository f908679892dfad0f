// The requests and answers that docs/transports.md shows, made on a real server and compared byte by byte.
import { connect as connectHttp2, type IncomingHttpHeaders, type OutgoingHttpHeaders } from 'node:http2'
import { connect } from 'node:net'
import { v7 as uuidVersion7 } from 'uuid'
import type { TestServer } from '../server/server.harness.ts'
import { formatCursor } from '../transports/cursor.ts'

/** A request and its answer, as the page shows them. */
export interface Exchange {
  readonly transport: string
  readonly what: string
  /** `http`: HTTP/1.1 as it is. `h2`: a list of header fields, and under an empty line the body. */
  readonly wire: 'http' | 'h2'
  readonly request: string
  readonly response: string
  readonly line: number
}

/** The exchanges of a page. A request's block stands before its response's, both named alike: ```` ```http polling new request ````. */
export function exchangesOf(page: string): readonly Exchange[] {
  const exchanges: Exchange[] = []
  const open = new Map<string, Omit<Exchange, 'response'>>()
  for (const match of page.matchAll(/^```(http|h2)\b(.*)\n([\s\S]*?)^```$/gm)) {
    const [, wire, name = '', text = ''] = match
    const line = page.slice(0, match.index).split('\n').length
    const [, transport = '', what = '', part] = /^ ([\w-]+) ([\w-]+) (request|response)$/.exec(name) ?? []
    const key = `${transport} ${what}`
    const asked = open.get(key)
    if (part === 'request' && asked === undefined)
      open.set(key, { transport, what, wire: wire === 'h2' ? 'h2' : 'http', request: text, line })
    else if (part === 'response' && asked !== undefined) {
      exchanges.push({ ...asked, response: text })
      open.delete(key)
    } else throw new Error(`Line ${line}: "${wire}${name}" is neither a request nor the response to one.`)
  }
  for (const { line } of open.values()) throw new Error(`Line ${line}: this request has no response.`)
  return exchanges
}

/** What stands for values that differ from run to run: written in the page as `<name>`. */
const patterns: Readonly<Record<string, string>> = {
  date: '[A-Z][a-z]{2}, \\d\\d [A-Z][a-z]{2} \\d{4} \\d\\d:\\d\\d:\\d\\d GMT',
  time: '\\d{13}',
  id: '[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}',
  size: '[0-9a-f]+',
  length: '\\d+',
  sid: '[A-Za-z0-9_-]{20}',
  token: '[A-Za-z0-9_-]+',
  rs: '\\x1e',
  frame: '[\\s\\S]{1,14}?',
}

/** A room with one message, and what the page calls its positions. */
export interface Scene {
  readonly server: TestServer
  readonly values: Readonly<Record<string, string>>
  /** Stores another message. */
  publish(): Promise<void>
}

export async function sceneOn(server: TestServer, room: string): Promise<Scene> {
  const publish = async (): Promise<void> => {
    await server.hub.publish(room, { id: uuidVersion7(), user: 'ada', text: 'hello' })
  }
  const before = formatCursor(server.hub.head(room))
  await publish()
  const { epoch, offset } = server.hub.head(room)
  const values = {
    before,
    head: formatCursor({ epoch, offset }),
    next: formatCursor({ epoch, offset: offset + 1 }),
    session: crypto.randomUUID(),
    id: uuidVersion7(),
  }
  return { server, values, publish }
}

/** The same scene for a request that goes on with the session of the answer before it. */
export function goingOn(scene: Scene, answer: string): Scene {
  const sid = /"sid":"([^"]+)"/.exec(answer)?.[1]
  return sid === undefined || 'sid' in scene.values ? scene : { ...scene, values: { ...scene.values, sid } }
}

/** The page's text with the values of a scene in it. */
export function filledIn(text: string, values: Readonly<Record<string, string>>): string {
  return text.replace(/<([a-z]+)>/g, (whole, name: string) => values[name] ?? whole)
}

/** What an answer must look like: the page's text, where a `<name>` that has no value stands for its pattern. */
export function patternOf(text: string, values: Readonly<Record<string, string>>): RegExp {
  const literal = text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
  const source = literal.replace(/<([a-z]+)>/g, (_, name: string) => {
    const value = name === 'id' ? undefined : values[name]
    const pattern = value?.replaceAll('.', '\\.') ?? patterns[name]
    if (pattern === undefined) throw new Error(`Nobody knows what <${name}> stands for.`)
    return pattern
  })
  return new RegExp(`^${source}`)
}

/**
 * Asks what the page asks, and gives the answer as the page would show it, as far as the page does, or all that came until
 * `timeoutMs` when it is another.
 */
export function ask(exchange: Exchange, scene: Scene, timeoutMs: number): Promise<string> {
  const request = filledIn(exchange.request, scene.values)
  const expected = patternOf(shownOf(exchange), scene.values)
  return exchange.wire === 'http'
    ? askHttp1(request, scene, expected, timeoutMs)
    : askHttp2(request, scene, expected, timeoutMs)
}

/** The response as the page shows it: without the line end that the fence needs, but with the empty line that ends a head. */
export function shownOf({ response }: Exchange): string {
  if (response.endsWith('\n\n')) return response
  return response.includes('\n\n') ? response.replace(/\n$/, '') : `${response}\n`
}

function collect(
  expected: RegExp,
  timeoutMs: number,
  begin: (take: (text: string) => void, fail: (error: Error) => void) => () => void,
): Promise<string> {
  return new Promise((resolve, reject) => {
    let said = ''
    const settle = (): void => {
      clearTimeout(timer)
      end()
      resolve(said)
    }
    const timer = setTimeout(settle, timeoutMs)
    const end = begin(
      (text) => {
        said += text
        if (expected.test(said)) settle()
      },
      (error) => {
        clearTimeout(timer)
        reject(error)
      },
    )
  })
}

function askHttp1(text: string, { server }: Scene, expected: RegExp, timeoutMs: number): Promise<string> {
  const [head = '', body = ''] = text.split('\n\n')
  const ready = head
    .trimEnd()
    .replace('Host: localhost:8080', `Host: localhost:${server.plainUrl.port}`)
    .replace('<length>', String(Buffer.byteLength(body.trimEnd())))
  return collect(expected, timeoutMs, (take, fail) => {
    const socket = connect(Number(server.plainUrl.port), '127.0.0.1')
    socket.setEncoding('latin1')
    socket.on('data', (data) => take(String(data).replaceAll('\r\n', '\n')))
    socket.on('error', fail)
    socket.write(`${ready.replaceAll('\n', '\r\n')}\r\n\r\n${body.trimEnd()}`)
    return () => socket.destroy()
  })
}

function askHttp2(text: string, { server }: Scene, expected: RegExp, timeoutMs: number): Promise<string> {
  const [head = '', body = ''] = text.split('\n\n')
  const headers: OutgoingHttpHeaders = {}
  for (const line of head.trimEnd().split('\n')) {
    const [, name = '', value = ''] = /^(:?[\w-]+): (.*)$/.exec(line) ?? []
    headers[name] = value
  }
  const isConnect = headers[':method'] === 'CONNECT'
  const url = isConnect ? server.h2WebSocketUrl : server.tlsUrl
  headers[':authority'] = `localhost:${url.port}`
  return collect(expected, timeoutMs, (take, fail) => {
    const session = connectHttp2(`https://127.0.0.1:${url.port}`, { rejectUnauthorized: false })
    session.on('error', fail)
    // A client must have seen that the server takes extended CONNECTs (RFC 8441 §3).
    session.once('remoteSettings', () => {
      const stream = session.request(headers, { endStream: !isConnect && body === '' })
      stream.setEncoding('latin1')
      stream.on('error', fail)
      stream.on('response', (answer) => take(`${fieldsOf(answer)}\n`))
      stream.on('data', take)
      if (body !== '') stream.end(body.trimEnd())
    })
    return () => session.destroy()
  })
}

function fieldsOf(headers: IncomingHttpHeaders): string {
  return Object.entries(headers)
    .map(([name, value]) => `${name}: ${String(value)}\n`)
    .join('')
}
