// Reads Mermaid's sequence diagrams as far as a page needs it: who takes part, who says what to whom, and which blocks are open.

/** What is wrong with a diagram, line by line, in words. */
export function diagramFaults(text: string): readonly string[] {
  const [first = '', ...lines] = text.trimEnd().split('\n')
  const faults: string[] = first.trim() === 'sequenceDiagram' ? [] : [`It begins with "${first}".`]
  const known = new Set<string>()
  let depth = 0
  let arrows = 0
  for (const line of lines.map((one) => one.trim())) {
    const declared = /^(?:participant|actor) (\w+)(?: as \S.*)?$/.exec(line)?.[1]
    const arrow = /^(\w+) ?(?:->>|-->>|-x|--x|-\)|--\))[+-]? ?(\w+): \S/.exec(line)
    const note = /^Note (?:over (\w+)(?:,(\w+))?|(?:left|right) of (\w+)): \S/.exec(line)
    if (declared !== undefined) known.add(declared)
    else if (arrow !== null || note !== null) {
      if (arrow !== null) arrows += 1
      for (const name of (arrow ?? note ?? []).slice(1))
        if (name !== undefined && !known.has(name)) faults.push(`"${line}": ${name} takes no part.`)
    } else if (/^(?:loop|alt|opt|par|rect) \S/.test(line)) depth += 1
    else if (/^(?:else|and)\b/.test(line) && depth > 0) continue
    else if (line === 'end' && depth > 0) depth -= 1
    else faults.push(`"${line}" can't be understood.`)
    // A semicolon ends a statement in Mermaid, and a hash begins an entity.
    if (/[;#]/.test(line)) faults.push(`"${line}" has a character that Mermaid reads otherwise.`)
  }
  if (depth > 0) faults.push(`${depth} blocks have no end.`)
  if (arrows === 0) faults.push('Nobody says anything.')
  return faults
}
