/**
 * The frame of every page: one style sheet inside it, no script, nothing loaded from elsewhere.
 *
 * The policy names the style sheet by its hash, so that markup which got in could neither run nor
 * load nor restyle anything.
 */
import { createHash } from 'node:crypto'
import { type Html, html } from './html.ts'

/** Dark or light as the reader's system is; wide enough for names, narrow enough to read. */
const STYLE = `
:root { color-scheme: light dark; --ink: #16202b; --soft: #5a6775; --paper: #fbfcfd;
  --card: #fff; --line: #dfe5ea; --link: #0b62c4; --code: #eef2f6 }
@media (prefers-color-scheme: dark) { :root { --ink: #e4eaf0; --soft: #94a1af; --paper: #10161d;
  --card: #171f28; --line: #2a3541; --link: #6db3ff; --code: #0c1117 } }
* { box-sizing: border-box }
body { margin: 0 auto; max-width: 56rem; padding: 3rem 1.25rem 4rem; background: var(--paper);
  color: var(--ink); font: 1rem/1.55 system-ui, sans-serif }
h1 { font-size: 1.9rem; line-height: 1.2; letter-spacing: -.02em; margin: 0 0 .5rem;
  overflow-wrap: anywhere }
h2 { font-size: 1.1rem; margin: 2.5rem 0 .6rem }
p { margin: .5rem 0 } .soft { color: var(--soft) }
a { color: var(--link); text-decoration: none } a:hover { text-decoration: underline }
:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; border-radius: 3px }
pre { background: var(--code); border: 1px solid var(--line); border-radius: 8px; margin: .6rem 0;
  padding: .8rem 1rem; overflow-x: auto; font: .875rem/1.6 ui-monospace, monospace }
table { width: 100%; border-collapse: collapse; background: var(--card);
  border: 1px solid var(--line); border-radius: 8px; border-spacing: 0; border-collapse: separate }
th { text-align: left; font-size: .8rem; font-weight: 600; color: var(--soft) }
th, td { padding: .5rem .9rem } tr + tr td, tbody td { border-top: 1px solid var(--line) }
td:first-child { overflow-wrap: anywhere }
.number { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums }
nav { display: flex; flex-wrap: wrap; gap: .3rem 1.2rem; margin: .9rem 0 1.6rem }
footer { margin-top: 3rem; font-size: .85rem; color: var(--soft) }
`

const ICON =
  'data:image/svg+xml,' +
  encodeURIComponent(
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16" fill="#0b62c4">' +
      '<circle cx="8" cy="3" r="2.4"/><circle cx="3" cy="12" r="2.4"/>' +
      '<circle cx="13" cy="12" r="2.4"/></svg>'
  )

const styleHash = createHash('sha256').update(STYLE).digest('base64')

/** What every page of ours is sent with. */
export const PAGE_HEADERS: Readonly<Record<string, string>> = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy':
    `default-src 'none'; style-src 'sha256-${styleHash}'; img-src data:; ` +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer'
}

/** A whole document with that title and body. */
export function renderDocument(title: string, body: Html): string {
  const style = { markup: `<style>${STYLE}</style>` }
  const head = html`<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>${title}</title>
<link rel="icon" href="${ICON}">`
  return `<!doctype html>
<html lang="en">
<head>
${head.markup}
${style.markup}
</head>
<body>
${body.markup}
</body>
</html>
`
}
