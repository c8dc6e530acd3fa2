/**
 * What is in a folder of a torrent, for people: a page without script that a phone can show.
 *
 * Every name comes from a torrent and is escaped. Links are paths, so that they work under
 * whatever host the page was reached.
 */
import { encodeSegment } from '../../core/segment-name.ts'
import { formatSize } from '../../core/units.ts'
import type { EntryFile } from '../../lib/control/control.ts'
import type { Folder } from '../content/folder.ts'
import { inNaturalOrder } from '../content/natural-order.ts'
import { hasMedia } from '../content/playlist.ts'
import { renderDocument } from './document.ts'
import { type Html, html } from './html.ts'
import type { Listing, ListingPlace } from './listing.ts'
import { shownName } from './shown-name.ts'

/** A page with more rows helps nobody; the JSON has them all. */
const MAX_ROWS = 10_000

export function renderListingPage(listing: Listing): string {
  const { entry, folder } = listing
  const published = new Date(entry.createdAt).toISOString()
  return renderDocument(
    shownName(folder.name),
    html`<header>
${renderCrumbs(listing)}<h1><bdi>${shownName(folder.name)}</bdi></h1>
<p class="soft">${formatSize(folder.size)} in ${counted(folder.fileCount, 'file')}, published
<time datetime="${published}">${published.slice(0, 10)}</time></p>
</header>
${renderActions(listing)}
<main>
<table class="files">
<thead><tr><th>Name</th><th class="number">Size</th></tr></thead>
<tbody>
${renderRows(listing)}</tbody>
</table>
${renderRest(listing)}
</main>
<footer>Infohash <code>${entry.infoHash}</code></footer>`
  )
}

/** The folders around this one, from the torrent's root. */
function renderCrumbs({ entry, folder, place }: Listing): Html {
  if (folder.path === '') return html``
  const names = folder.path.split('/').slice(0, -1)
  const crumbs = names.map((name, depth) => {
    const href = hrefOf(place, `${names.slice(0, depth + 1).join('/')}/`)
    return html` / <a href="${href}"><bdi>${shownName(name)}</bdi></a>`
  })
  const root = html`<a href="${place.root}"><bdi>${shownName(entry.name)}</bdi></a>`
  return html`<nav class="crumbs" aria-label="Folders around">${root}${crumbs} /</nav>
`
}

function renderActions({ folder, place, magnet, siteUrl }: Listing): Html {
  const self = formatsOf(place, folder)
  const playlist = html`<a href="${`${self}?format=m3u`}">Playlist</a>`
  const site =
    siteUrl === undefined
      ? html``
      : html`<span><a href="${siteUrl}">Open as a site</a></span>
`
  return html`<nav class="actions" aria-label="Downloads">
${site}<span>${folder.path === '' ? 'All of it' : 'This folder'}
<a href="${`${self}?format=zip`}">.zip</a>
<a href="${`${self}?format=tar`}">.tar</a>
${hasMedia(folder) ? playlist : html``}</span>
<span>Torrent
<a href="${`${place.documents}.torrent`}">.torrent</a>
<a href="${magnet}">Magnet link</a></span>
</nav>`
}

function renderRows({ folder, place }: Listing): readonly Html[] {
  const { folders, files } = folder.entries
  const first = inNaturalOrder(folders, ({ name }) => name).slice(0, MAX_ROWS)
  const then = inNaturalOrder(files, lastSegment).slice(0, MAX_ROWS - first.length)
  return [
    ...first.map((child) => renderFolder(place, child)),
    ...then.map((file) => renderFile(place, file))
  ]
}

function renderFolder(place: ListingPlace, { path, name, size, fileCount }: Folder): Html {
  return html`<tr class="folder"><td><a href="${hrefOf(place, `${path}/`)}"><bdi>${shownName(name)}</bdi>/
<span class="soft">${counted(fileCount, 'file')}</span></a></td><td class="number">${formatSize(size)}</td></tr>
`
}

function renderFile(place: ListingPlace, file: EntryFile): Html {
  return html`<tr><td><a href="${hrefOf(place, file.path)}"><bdi>${shownName(lastSegment(file))}</bdi></a></td>
<td class="number">${formatSize(file.size)}</td></tr>
`
}

function renderRest({ folder, place }: Listing): Html {
  const more = folder.entries.folders.length + folder.entries.files.length - MAX_ROWS
  const json = `${formatsOf(place, folder)}?format=json`
  return more <= 0
    ? html``
    : html`<p class="soft">And ${counted(more, 'entry', 'entries')} more: see <a href="${json}">JSON</a>.</p>`
}

/** @param path below the torrent's root folder. */
function hrefOf({ root }: ListingPlace, path: string): string {
  return root + pathOf(path)
}

/** The URL of a folder where it can be had in other forms. */
function formatsOf({ formats }: ListingPlace, { path }: Folder): string {
  return formats + pathOf(path === '' ? '' : `${path}/`)
}

function pathOf(path: string): string {
  return path.split('/').map(encodeSegment).join('/')
}

function lastSegment({ path }: EntryFile): string {
  return path.slice(path.lastIndexOf('/') + 1)
}

function counted(number: number, one: string, many = `${one}s`): string {
  return number === 1 ? `1 ${one}` : `${number} ${many}`
}
