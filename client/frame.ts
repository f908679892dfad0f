// Joins many changes into one, at the next frame. A hidden page has no frames, so a timer stands in there.

/** Gives a function that calls `run` once, soon, however often it is called before. */
export function joined(run: () => void): () => void {
  let planned = false
  return () => {
    if (planned) return
    planned = true
    const act = () => {
      planned = false
      run()
    }
    if (document.hidden) setTimeout(act, 250)
    else requestAnimationFrame(act)
  }
}
