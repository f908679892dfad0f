// Group 1: messages of all the lengths at which a header changes its form (RFC 6455 §5.2).
import { answered, type Case, send } from '../case.ts'
import { binary, text } from '../frames.ts'
import { bytesOf, textOf } from '../payloads.ts'

/** Number, payload bytes, and bytes a TCP write if not all in one. */
const lengths: readonly (readonly [string, number, number?])[] = [
  ['1', 0],
  ['2', 125],
  ['3', 126],
  ['4', 127],
  ['5', 128],
  ['6', 65_535],
  ['7', 65_536],
  ['8', 65_536, 997],
]

function lengthCases(group: string, opcode: number): readonly Case[] {
  const kind = opcode === text ? 'text' : 'binary'
  return lengths.map(([number, bytes, chopBytes]) => ({
    number: `${group}.${number}`,
    title: `${kind} of ${bytes} bytes${chopBytes === undefined ? '' : ` in chops of ${chopBytes}`}`,
    script: () => {
      const payload = opcode === text ? textOf(bytes) : bytesOf(bytes)
      return answered([send([{ opcode, payload }], chopBytes ?? 'one write')], [{ kind, payload }])
    },
  }))
}

export const framing: readonly Case[] = [...lengthCases('1.1', text), ...lengthCases('1.2', binary)]
