// Light or dark: as the system says, or as the person chose. The style sheets follow `color-scheme` alone.
import { computed, effect, type ReadonlySignal, signal } from '@preact/signals'
import { type CatalogueEntry, catalogue } from '../transports/catalogue.ts'
import { acceptOneOf, remembered } from './settings.ts'

export const themeChoices = ['system', 'light', 'dark'] as const
export type ThemeChoice = (typeof themeChoices)[number]

export const themeChoice = remembered<ThemeChoice>('browser', 'theme', acceptOneOf(themeChoices), 'system')

const systemDark = matchMedia('(prefers-color-scheme: dark)')
const systemIsDark = signal(systemDark.matches)
systemDark.addEventListener('change', () => {
  systemIsDark.value = systemDark.matches
})

/** What is really shown. */
export const theme: ReadonlySignal<'light' | 'dark'> = computed(() =>
  themeChoice.value === 'system' ? (systemIsDark.value ? 'dark' : 'light') : themeChoice.value,
)

/** Puts the choice and the transports' hues on the document, where the style sheets find them. */
export function applyTheme(root: HTMLElement): void {
  for (const entry of catalogue) {
    root.style.setProperty(`--hue-${entry.name}`, `light-dark(${entry.hue.light}, ${entry.hue.dark})`)
  }
  effect(() => {
    root.style.colorScheme = themeChoice.value === 'system' ? 'light dark' : themeChoice.value
  })
}

/** A transport's hue as CSS, which follows the theme by itself. */
export function hueOf(entry: CatalogueEntry): string {
  return `light-dark(${entry.hue.light}, ${entry.hue.dark})`
}
