/**
 * What is in a torrent, at `/{infohash}/`: a page for people, JSON for programs.
 *
 * Pure. Every name comes from a torrent and is escaped. The page links by path, so that it works
 * under whatever host it was reached; the JSON, which is read elsewhere, has whole URLs.
 */
import { contentUrlPath } from '../../core/content-path.ts'
import { formatSize } from '../../core/units.ts'
import type { Torrent } from '../../lib/api/torrent.ts'
import type { Entry } from '../../lib/control/control.ts'
import { renderDocument } from './document.ts'
import { type Html, html } from './html.ts'

export interface ListedFile {
  readonly path: string
  readonly size: number
  /** Lower-case hex; null while unknown. */
  readonly sha256: string | null
  /** Path of its URL, percent-encoded. */
  readonly href: string
}

export interface Listing {
  readonly infoHash: string
  readonly name: string
  readonly size: number
  /** Milliseconds since the epoch. */
  readonly createdAt: number
  readonly files: readonly ListedFile[]
  readonly links: Pick<Torrent['links'], 'gateway' | 'torrent' | 'magnet'>
}

/** The listing of an entry; `links` as in its torrent object. */
export function listingOf(entry: Entry, links: Listing['links']): Listing {
  const { infoHash, name, size, createdAt, single } = entry
  const files = entry.files.map(({ path, size, sha256 }) => {
    const href = contentUrlPath(infoHash, name, single ? undefined : path)
    return { path, size, sha256, href }
  })
  return { infoHash, name, size, createdAt, files, links }
}

/** A page with more rows helps nobody; the JSON has them all. */
const MAX_ROWS = 10_000

export function renderListingPage(listing: Listing): string {
  const { name, files, links } = listing
  const published = new Date(listing.createdAt).toISOString()
  return renderDocument(
    name,
    html`<header>
<h1><bdi>${name}</bdi></h1>
<p class="soft">${formatSize(listing.size)} in ${counted(files.length)}, published
<time datetime="${published}">${published.slice(0, 10)}</time></p>
</header>
<nav><a href="/${listing.infoHash}.torrent">.torrent</a><a href="${links.magnet}">Magnet link</a></nav>
<main>
<table>
<thead><tr><th>File</th><th class="number">Size</th></tr></thead>
<tbody>
${files.slice(0, MAX_ROWS).map(renderFile)}</tbody>
</table>
${renderRest(files.length - MAX_ROWS)}
</main>
<footer>Infohash <code>${listing.infoHash}</code></footer>`
  )
}

/** The same for programs: sizes in bytes, times in ISO 8601. */
export function listingDocument(listing: Listing, baseUrl: string) {
  const { infoHash, name, size, links } = listing
  const { gateway, torrent, magnet } = links
  return {
    infoHash,
    name,
    size,
    createdAt: new Date(listing.createdAt).toISOString(),
    files: listing.files.map(({ path, size, sha256, href }) => ({
      path,
      size,
      sha256,
      url: baseUrl + href
    })),
    links: { gateway, torrent, magnet }
  }
}

function renderFile({ path, size, href }: ListedFile): Html {
  return html`<tr><td><a href="${href}"><bdi>${path}</bdi></a></td><td class="number">${formatSize(size)}</td></tr>
`
}

function renderRest(more: number): Html {
  return more <= 0
    ? html``
    : html`<p class="soft">And ${counted(more)} more: ask with <code>Accept: application/json</code>.</p>`
}

function counted(files: number): string {
  return files === 1 ? '1 file' : `${files} files`
}
