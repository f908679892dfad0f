// How the page is built: static files that a strict content security policy allows (nothing inline, nothing evaluated).
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vite'

export default defineConfig({
  root: fileURLToPath(new URL('.', import.meta.url)),
  base: '/',
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    outDir: 'dist',
    emptyOutDir: true,
    target: 'es2022',
    // Browsers that know `light-dark()`: lowered for older ones it follows the system alone, not the choice in the page.
    cssTarget: ['chrome123', 'edge123', 'firefox120', 'safari17.5'],
    // A data: address would need its own exception in the policy.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
})
