// The targets `request` and `response`: heads of handshakes against the code that reads and judges them.
import { createHash } from 'node:crypto'
import { HeadReader, parseHead } from '../protocol/head.ts'
import { makeRequest, makeResponse } from './heads.ts'
import { type HeadVerdict, type JudgeHead, judgeChunks, judgeRequest, judgeResponse } from './judge-head.ts'
import { drawPreferences, judgeOffer, type Side } from './judge-offer.node.ts'
import { fuzzMaxHeadBytes } from './limits.ts'
import { Violation } from './listen.ts'
import { fingerprint, Random } from './random.ts'
import { manySplits, usualSplits } from './splits.ts'
import type { Case, Checked, Target } from './target.ts'

/** By the older interface of the runtime, not the one that is tested. */
export const plainSha1: (text: string) => string = (text) => createHash('sha1').update(text).digest('base64')

export const requestTarget: Target = {
  name: 'request',
  summary: 'a client’s opening handshake to a server',
  weight: 3,
  prefixBytes: 0,
  make(random) {
    const { bytes, expected } = makeRequest(random)
    return { trace: bytes, expected }
  },
  check: (it, closely) => check(it, 'server', closely),
}

export const responseTarget: Target = {
  name: 'response',
  summary: 'a server’s answer to a client’s opening handshake',
  weight: 3,
  prefixBytes: 0,
  make(random) {
    const { bytes, expected } = makeResponse(random, plainSha1)
    return { trace: bytes, expected }
  },
  check: (it, closely) => check(it, 'client', closely),
}

function check({ trace, expected }: Case, side: Side, closely: boolean): Checked {
  const judge: JudgeHead = side === 'server' ? judgeRequest : judgeResponse
  let whole: HeadVerdict | null = null
  const found = (finding: string): Checked => ({ outcome: whole ?? 'nothing', rule: null, finding })
  let rule: string | null = null
  try {
    for (const chunks of closely ? manySplits(trace) : usualSplits(trace)) {
      const verdict = judgeChunks(chunks, judge, plainSha1)
      whole ??= verdict
      if (verdict !== whole) return found(`cut into ${chunks.length} chunks it is ${verdict}, not ${whole}`)
    }
    const extensions = extensionsOf(trace)
    const preferences = drawPreferences(new Random(fingerprint(trace)))
    if (extensions !== null) rule = judgeOffer(side, extensions, preferences)?.name ?? null
  } catch (error) {
    if (error instanceof Violation) return found(error.message)
    return found(`it throws: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`)
  }
  if (expected !== null && whole?.startsWith(expected) !== true)
    return found(`the verdict should begin with ${expected}`)
  return { outcome: whole ?? 'nothing', rule, finding: null }
}

/** The value of Sec-WebSocket-Extensions in a head that can be read, whatever else is wrong with it. */
function extensionsOf(trace: Uint8Array): string | null {
  const read = new HeadReader(fuzzMaxHeadBytes).push(trace)
  if (read === null || read === 'too large') return null
  const head = parseHead(read.head)
  return typeof head === 'string' ? null : (head.headers['sec-websocket-extensions'] ?? null)
}
