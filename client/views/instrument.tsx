// The instrument: the switch, the links, what is measured, and the proof.
import type { Lab } from '../lab.ts'
import type { Room } from '../room.ts'
import { LatencyChart } from './chart.tsx'
import { Explanation } from './explain.tsx'
import { LatencyFigures, TrafficFigures } from './figures.tsx'
import { LinksView } from './links.tsx'
import { ProofLine } from './proof-line.tsx'
import { RobotControl } from './robot-control.tsx'
import { TransportSwitch } from './transport-switch.tsx'

interface InstrumentProps {
  /** Whether it stands in the sheet, with what the page has no room for. */
  readonly narrow: boolean
  readonly lab: Lab
  readonly room: Room
}

export function Instrument({ lab, room, narrow }: InstrumentProps) {
  return (
    <div class="instrument">
      <div class="instrument-parts">
        <TransportSwitch lab={lab} room={room} />
        <LinksView lab={lab} room={room} />
        <section class="part latency" aria-labelledby="latency-title">
          <h2 id="latency-title">
            Delivery latency <span class="aside">from sent to shown here</span>
          </h2>
          <LatencyFigures lab={lab} room={room} />
          <LatencyChart room={room} />
          <TrafficFigures room={room} />
        </section>
        {narrow ? (
          <section class="part">
            <RobotControl room={room} />
          </section>
        ) : null}
      </div>
      <footer class="instrument-foot">
        <ProofLine room={room} />
        <Explanation />
      </footer>
    </div>
  )
}
