// The ways in which the network may cut a trace into chunks.
import { fingerprint, Random } from './random.ts'

/** One byte a chunk, up to this length: a longer trace gets short pieces instead. */
const byteByByteUpToBytes = 8192
/** Every cut in two, up to this length, when a trace is looked at closely. */
const everyCutUpToBytes = 600

/** Whole, byte by byte, and twice at random. They follow from the bytes alone, so that a trace replays without its seed. */
export function usualSplits(trace: Uint8Array): readonly (readonly Uint8Array[])[] {
  const random = new Random(fingerprint(trace))
  return [[trace], bytewise(trace), randomSplit(trace, random), randomSplit(trace, random)]
}

/** The usual ones, every cut in two, and more at random: for replaying and shrinking. */
export function manySplits(trace: Uint8Array): readonly (readonly Uint8Array[])[] {
  const splits = [...usualSplits(trace)]
  const random = new Random(~fingerprint(trace))
  for (let count = 0; count < 30; count++) splits.push(randomSplit(trace, random))
  for (let at = 1; at < Math.min(trace.length, everyCutUpToBytes); at++) {
    splits.push([trace.subarray(0, at), trace.subarray(at)])
  }
  return splits
}

function bytewise(trace: Uint8Array): readonly Uint8Array[] {
  const pieceBytes = trace.length <= byteByByteUpToBytes ? 1 : Math.ceil(trace.length / byteByByteUpToBytes)
  const chunks: Uint8Array[] = []
  for (let at = 0; at < trace.length; at += pieceBytes) chunks.push(trace.subarray(at, at + pieceBytes))
  return chunks
}

/** Pieces of 1 byte to all the rest, short ones as likely as long ones. */
export function randomSplit(trace: Uint8Array, random: Random): readonly Uint8Array[] {
  const chunks: Uint8Array[] = []
  for (let at = 0; at < trace.length; ) {
    const end = Math.min(trace.length, at + 1 + random.below(2 ** random.below(17)))
    chunks.push(trace.subarray(at, end))
    at = end
  }
  return chunks
}
