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
p { margin: .5rem 0 } .soft { color: var(--soft) } time { white-space: nowrap }
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
nav { overflow-wrap: anywhere }
.crumbs { color: var(--soft); margin: 0 0 .3rem }
.actions { display: flex; flex-wrap: wrap; gap: .5rem 1.8rem; margin: 1.1rem 0 1.4rem }
.actions span { display: flex; flex-wrap: wrap; align-items: center; gap: .4rem .5rem;
  color: var(--soft); font-size: .85rem }
.actions a { background: var(--card); border: 1px solid var(--line); border-radius: 999px;
  padding: .25rem .75rem; white-space: nowrap }
.files { table-layout: fixed } .files th:last-child { width: 7rem }
.files td { vertical-align: top } .files tr:hover td { background: var(--code) }
.files td:first-child { padding: 0 } .files td:first-child a { display: block; padding: .5rem .9rem }
.folder a { font-weight: 600 } .folder .soft { font-weight: 400; margin-left: .6rem }
@media (max-width: 40rem) { body { padding: 1.5rem .9rem 3rem } h1 { font-size: 1.5rem }
  .files th:last-child { width: 6.4rem } th, td, .files td:first-child a { padding: .5rem .7rem } }
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
