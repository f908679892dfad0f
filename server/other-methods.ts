// What an address answers to a method that it doesn't have: which ones it has (RFC 9110 §15.5.6), where "nothing is here" would send its reader astray.
import type { FastifyInstance } from 'fastify'
import { problem } from '../transports/problem.ts'
import { sendProblem } from '../transports/request.server.ts'

const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const

/** Watches which addresses are added from now on. What it gives is to be called when all are there. */
export function watchMethods(fastify: FastifyInstance): () => void {
  const known = new Map<string, Set<string>>()
  let watching = true
  fastify.addHook('onRoute', ({ url, method }) => {
    // Below a wildcard other routes have their own.
    if (!watching || url.includes('*')) return
    const had = known.get(url) ?? new Set()
    for (const one of [method].flat()) had.add(one)
    known.set(url, had)
  })
  return () => {
    watching = false
    for (const [url, had] of known) answerOthers(fastify, url, had)
  }
}

function answerOthers(fastify: FastifyInstance, url: string, had: ReadonlySet<string>): void {
  const allow = methods.filter((method) => had.has(method)).join(', ')
  fastify.route({
    method: methods.filter((method) => !had.has(method)),
    url,
    // Before the body: nobody will read it.
    onRequest: (request, reply) => {
      reply.header('allow', allow)
      sendProblem(
        reply,
        problem('method-not-allowed', `This address answers to ${allow}, not to ${request.method}.`),
      )
    },
    handler: () => undefined,
  })
}
