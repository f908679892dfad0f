// How often the robot talks.
import { type RobotRate, robotRates } from '../robot.ts'
import type { Room } from '../room.ts'
import { Segments } from './segments.tsx'

const titles: Record<RobotRate, string> = { 0.2: '1 in 5 s', 1: '1/s', 5: '5/s', 20: '20/s' }

export function RobotControl({ room }: { readonly room: Room }) {
  return (
    <div class="robot">
      <Segments
        legend="Robot"
        options={[
          { value: 0, title: 'off' },
          ...robotRates.map((rate) => ({ value: rate, title: titles[rate] })),
        ]}
        value={room.robotRate.value}
        choose={(rate) => room.letRobotTalk(rate)}
      />
    </div>
  )
}
