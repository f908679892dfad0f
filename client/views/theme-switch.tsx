// System, light or dark.
import { themeChoice, themeChoices } from '../theme.ts'
import { Segments } from './segments.tsx'

const titles = { system: 'System', light: 'Light', dark: 'Dark' } as const

export function ThemeSwitch() {
  return (
    <Segments
      legend="Theme"
      hideLegend
      options={themeChoices.map((choice) => ({ value: choice, title: titles[choice] }))}
      value={themeChoice.value}
      choose={(choice) => {
        themeChoice.value = choice
      }}
    />
  )
}
