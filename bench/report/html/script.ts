// The inline script of a report: theme, readouts of plots, and the point of the decision map. Without it everything can still be read.

/** The same arithmetic as `choiceOf` in decision.ts, which a test compares with it. A candidate is `{polls, ms, costs}`. */
export const costSource = `function costOf(one, kind, rate, latencyMs, bounds) {
  const c = one[kind]
  if (!one.polls) return latencyMs < one.ms ? null : { cost: rate * c[0] + c[3], intervalMs: 0 }
  const intervalMs = Math.min(bounds[1], (latencyMs - one.ms) / 0.99)
  if (intervalMs < bounds[0]) return null
  const questions = 1000 / intervalMs
  const answers = questions * (1 - Math.exp(-rate / questions))
  return { cost: rate * c[0] + answers * c[1] + (questions - answers) * c[2], intervalMs }
}`

/** Everything that moves. The data of the map stands in `#map-data`. */
export const script = `'use strict'
${costSource}
const root = document.documentElement
const theme = document.getElementById('theme')
theme.hidden = false
for (const radio of theme.querySelectorAll('input')) radio.addEventListener('change', () => {
  if (radio.value === 'system') delete root.dataset.theme
  else root.dataset.theme = radio.value
})
addEventListener('beforeprint', () => { for (const one of document.querySelectorAll('details')) one.open = true })
for (const figure of document.querySelectorAll('figure')) {
  const readout = figure.querySelector('.readout')
  if (!readout) continue
  let lit = null
  const show = (mark) => {
    if (lit) lit.classList.remove('lit')
    lit = mark
    if (!mark) return
    mark.classList.add('lit')
    readout.textContent = mark.dataset.say
  }
  figure.addEventListener('pointerover', (event) => { const mark = event.target.closest('[data-say]'); if (mark) show(mark) })
  for (const svg of figure.querySelectorAll('svg[data-plot]')) svg.addEventListener('keydown', (event) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key]
    const marks = [...svg.querySelectorAll('[data-say]')]
    if (!step || marks.length === 0) return
    event.preventDefault()
    const at = marks.indexOf(lit)
    show(marks[at < 0 ? (step > 0 ? 0 : marks.length - 1) : (at + step + marks.length) % marks.length])
  })
}
const map = document.getElementById('map')
const mapData = document.getElementById('map-data')
if (map && mapData) {
  const data = JSON.parse(mapData.textContent)
  const rateField = document.getElementById('rate')
  const latencyField = document.getElementById('latency')
  const clamp = (value, [low, high]) => Math.min(high, Math.max(low, value))
  const share = (value, [low, high]) => Math.log(value / low) / Math.log(high / low)
  const number = (value) => value === 0 ? '0' : Number(value.toPrecision(3)).toLocaleString('en', { maximumFractionDigits: 6 })
  let rate = data.point[0], latency = data.point[1]
  const area = (svg) => svg.dataset.plot.split(' ').map(Number)
  const draw = () => {
    for (const svg of map.querySelectorAll('svg[data-plot]')) {
      const [left, top, right, bottom] = area(svg)
      const point = svg.querySelector('.point')
      point.setAttribute('transform', 'translate(' + (left + share(rate, data.rates) * (right - left)) + ' ' + (bottom - share(latency, data.latencies) * (bottom - top)) + ')')
    }
    for (const kind of ['cpu', 'wire']) {
      const found = data.candidates.map((one) => ({ one, choice: costOf(one, kind, rate, latency, data.bounds) }))
      found.sort((a, b) => (a.choice ? a.choice.cost : Infinity) - (b.choice ? b.choice.cost : Infinity) || 0)
      const rows = map.querySelectorAll('.ranking-' + kind + ' tbody tr')
      for (const [index, { one, choice }] of found.entries()) {
        const [name, how, cost] = rows[index].children
        name.textContent = one.name
        how.textContent = !choice ? 'can’t be that fast' : one.polls ? 'asks every ' + number(choice.intervalMs / 1000) + ' s' : 'delivers at once'
        cost.textContent = choice ? number(choice.cost * data.units[kind][0]) + data.units[kind][1] : '–'
      }
    }
    const best = ['cpu', 'wire'].map((kind) => {
      const found = data.candidates.map((one) => ({ one, choice: costOf(one, kind, rate, latency, data.bounds) })).filter((each) => each.choice)
      found.sort((a, b) => a.choice.cost - b.choice.cost)
      const near = found.filter((each) => each.choice.cost <= found[0].choice.cost * (1 + data.ties[kind])).map((each) => each.one.name)
      if (near.length === 0) return 'by ' + data.titles[kind] + ' none is that fast'
      return 'by ' + data.titles[kind] + ' ' + (near.length === 1 ? near[0] : near.join(' or ') + ', which can’t be told apart')
    })
    map.querySelector('.said').textContent = number(rate) + ' msg/s for each reader, 99 % within ' + number(latency) + ' ms: ' + best.join('; ') + '.'
  }
  const set = (newRate, newLatency, write = true) => {
    rate = clamp(newRate, data.rates)
    latency = clamp(newLatency, data.latencies)
    if (write) { rateField.value = Number(rate.toPrecision(3)); latencyField.value = Number(latency.toPrecision(3)) }
    draw()
  }
  const read = () => {
    const [newRate, newLatency] = [Number(rateField.value), Number(latencyField.value)]
    if (newRate > 0 && newLatency > 0) set(newRate, newLatency, false)
  }
  rateField.addEventListener('input', read)
  latencyField.addEventListener('input', read)
  for (const svg of map.querySelectorAll('svg[data-plot]')) {
    const move = (event) => {
      const box = svg.getBoundingClientRect()
      const [left, top, right, bottom] = area(svg)
      const zoom = svg.viewBox.baseVal.width / box.width
      const x = ((event.clientX - box.left) * zoom - left) / (right - left)
      const y = (bottom - (event.clientY - box.top) * zoom) / (bottom - top)
      const value = (at, [low, high]) => low * (high / low) ** Math.min(1, Math.max(0, at))
      set(value(x, data.rates), value(y, data.latencies))
    }
    svg.addEventListener('pointerdown', (event) => { svg.setPointerCapture(event.pointerId); move(event) })
    svg.addEventListener('pointermove', (event) => { if (event.buttons) move(event) })
    svg.addEventListener('keydown', (event) => {
      const step = event.shiftKey ? 10 ** 0.5 : 10 ** 0.1
      const [x, y] = { ArrowRight: [step, 1], ArrowLeft: [1 / step, 1], ArrowUp: [1, step], ArrowDown: [1, 1 / step] }[event.key] || []
      if (!x) return
      event.preventDefault()
      set(rate * x, latency * y)
    })
  }
  draw()
}`
