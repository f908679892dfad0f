// Starts the page.
import { render } from 'preact'
import { Lab } from './lab.ts'
import './styles/tokens.css'
import './styles/controls.css'
import './styles/page.css'
import './styles/conversation.css'
import './styles/instrument.css'
import { applyTheme } from './theme.ts'
import { Page } from './views/page.tsx'

applyTheme(document.documentElement)
const place = document.getElementById('page')
if (place === null) throw new Error('The document has no element with the id "page".')
render(<Page lab={new Lab()} />, place)
