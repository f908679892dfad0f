// A front before the real server that is wrong on purpose: it forgets HTTP/2, or it compresses what polls are answered with.
import http2, { type ClientHttp2Session, type ServerHttp2Stream } from 'node:http2'
import https from 'node:https'
import type { Server } from 'node:net'
import { gzipSync } from 'node:zlib'
import { announce, controlOptions, listen } from './control.ts'

const { tls, fault, target: address } = controlOptions()
const target = new URL(address)
const trusting = { rejectUnauthorized: false, servername: 'localhost' } as const

/** Ends TLS without offering h2, and asks the server in HTTP/1.1. */
function withoutHttp2(): Server {
  const agent = new https.Agent({ ...trusting, keepAlive: true })
  return https.createServer({ ...tls, ALPNProtocols: ['http/1.1'] }, (request, response) => {
    const { method, url: path } = request
    const headers = { ...request.headers, host: target.host }
    const behind = https.request({ agent, host: '127.0.0.1', port: target.port, method, path, headers })
    behind.on('error', () => response.destroy())
    behind.on('response', (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(response)
    })
    response.on('close', () => behind.destroy())
    request.pipe(behind)
  })
}

/** Speaks HTTP/2 on both sides and answers with gzip what comes in one piece; streams pass as they are. */
function compressing(): Server {
  const server = http2.createSecureServer(tls)
  server.on('session', (session) => {
    const behind = http2.connect(target, trusting)
    behind.on('error', () => session.destroy())
    session.on('error', () => behind.destroy()).on('close', () => behind.destroy())
    session.on('stream', (stream, headers) => forward(behind, stream, headers))
  })
  return server as unknown as Server
}

function forward(
  behind: ClientHttp2Session,
  stream: ServerHttp2Stream,
  headers: http2.IncomingHttpHeaders,
): void {
  const request = behind.request({ ...headers, ':authority': target.host })
  stream.on('error', () => request.close()).on('close', () => request.close())
  request.on('error', () => stream.close(http2.constants.NGHTTP2_INTERNAL_ERROR))
  stream.pipe(request)
  request.on('response', (answer) => {
    if (answer['content-length'] === undefined || answer[':status'] !== 200) {
      stream.respond(answer)
      request.pipe(stream)
      return
    }
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const body = gzipSync(Buffer.concat(chunks))
      stream.respond({ ...answer, 'content-encoding': 'gzip', 'content-length': body.length })
      stream.end(body)
    })
  })
}

const port = await listen(fault?.kind === 'compress' ? compressing() : withoutHttp2())
announce({ secure: `https://127.0.0.1:${port}` })
