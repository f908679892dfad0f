// The poster against a bare HTTP server: every message once, an answer to each, and what goes wrong said.
import http from 'node:http'
import { afterEach, describe, expect, it } from 'vitest'
import { listen } from '../servers/control.ts'
import { Poster } from './poster.ts'

const open: (() => void)[] = []
afterEach(() => {
  for (const close of open.splice(0)) close()
})

async function serve(handler: http.RequestListener): Promise<Poster> {
  const server = http.createServer(handler)
  const port = await listen(server)
  const poster = new Poster(new URL(`http://127.0.0.1:${port}`))
  open.push(
    () => poster.close(),
    () => server.closeAllConnections(),
    () => server.close(),
  )
  return poster
}

function answer(response: http.ServerResponse, status: number, body: string): void {
  response.writeHead(status, { 'Content-Length': Buffer.byteLength(body) }).end(body)
}

describe('Poster', () => {
  it('sends each message whole, on few connections, and knows when all are answered', async () => {
    const bodies: string[] = []
    const ports = new Set<number | undefined>()
    const poster = await serve((request, response) => {
      if (request.method === 'GET') return answer(response, 404, '')
      ports.add(request.socket.remotePort)
      let body = ''
      request.setEncoding('utf8').on('data', (chunk: string) => {
        body += chunk
      })
      request.on('end', () => {
        bodies.push(`${request.url} ${body}`)
        answer(response, 201, '{"fine":"ö"}')
      })
    })
    await poster.warm(3)
    const written: number[] = []
    for (let index = 0; index < 20; index++)
      poster.send('lounge', JSON.stringify({ index, text: 'ä' }), () => written.push(index))
    // Three leave at once, the others as connections become free.
    expect(written).toEqual([0, 1, 2])
    await poster.settled()
    expect(poster.problems).toEqual([])
    expect(written).toHaveLength(20)
    expect(new Set(bodies)).toEqual(
      new Set(
        Array.from({ length: 20 }, (_, index) => `/rooms/lounge/messages {"index":${index},"text":"ä"}`),
      ),
    )
    expect(ports.size).toBe(3)
  })

  it('says that a message was refused', async () => {
    const poster = await serve((request, response) => {
      request.resume()
      answer(response, request.method === 'GET' ? 200 : 429, 'no')
    })
    await poster.warm(1)
    poster.send('lounge', '{}', () => undefined)
    await poster.settled()
    expect(poster.problems).toEqual(['A message was answered with 429.'])
  })

  it('does not wait for an answer that can’t come any more', async () => {
    const poster = await serve((request, response) => {
      if (request.method === 'GET') answer(response, 200, '')
      else request.socket.destroy()
    })
    await poster.warm(1)
    poster.send('lounge', '{}', () => undefined)
    await poster.settled()
    expect(poster.problems).toHaveLength(1)
  })

  it('rejects where nobody listens', async () => {
    const server = http.createServer()
    const port = await listen(server)
    await new Promise((resolve) => server.close(resolve))
    await expect(new Poster(new URL(`http://127.0.0.1:${port}`)).warm(1)).rejects.toThrow(/ECONNREFUSED/)
  })
})
