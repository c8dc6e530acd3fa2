/** The page at `/`: what this is, how to use it from here, what was published lately. */
import { contentUrlPath } from '../../core/content-path.ts'
import { formatSize } from '../../core/units.ts'
import type { Entry } from '../../lib/control/control.ts'
import { renderDocument } from './document.ts'
import { type Html, html } from './html.ts'

export type RecentEntry = Pick<Entry, 'infoHash' | 'name' | 'size' | 'single' | 'createdAt'>

/** Lately published torrents, as far as the reader may see them. */
export type Recent =
  | { readonly status: 'listed'; readonly entries: readonly RecentEntry[] }
  | { readonly status: 'key-needed' }
  | { readonly status: 'unavailable' }

/** @param baseUrl of this gateway as the reader reached it, without a trailing slash. */
export function renderHomePage(baseUrl: string, recent: Recent): string {
  const key = recent.status === 'key-needed' ? ' -H "Authorization: Bearer $KEY"' : ''
  return renderDocument(
    'Swarmgate',
    html`<header>
<h1>Swarmgate</h1>
<p>Publish a file once with one HTTP request. Fetch it from a URL, with any BitTorrent client, or both:
the bytes are the same, and verified.</p>
</header>
<main>
<h2>Publish</h2>
<pre>curl -T movie.mp4${key} ${baseUrl}/v1/files/</pre>
<p class="soft">The answer names the URL, the magnet link and the infohash.</p>
<h2>Fetch</h2>
<pre>curl -O ${baseUrl}/{infohash}/movie.mp4
curl -r 1000000-1999999 ${baseUrl}/{infohash}/movie.mp4 -o part
aria2c ${baseUrl}/{infohash}.torrent</pre>
<h2>Look and remove</h2>
<pre>curl${key} ${baseUrl}/v1/torrents/{infohash}
curl -X DELETE${key} ${baseUrl}/v1/torrents/{infohash}</pre>
<h2>Lately published</h2>
${renderRecent(recent)}
</main>`
  )
}

function renderRecent(recent: Recent): Html {
  if (recent.status === 'key-needed') {
    return html`<p class="soft">Shown to programs on this machine, or with a key: <code>GET /v1/torrents</code>.</p>`
  }
  if (recent.status === 'unavailable') {
    return html`<p class="soft">The catalogue does not answer at the moment.</p>`
  }
  if (recent.entries.length === 0) return html`<p class="soft">Nothing yet.</p>`
  return html`<table>
<thead><tr><th>Name</th><th class="number">Size</th><th class="number">Published</th></tr></thead>
<tbody>
${recent.entries.map(renderEntry)}</tbody>
</table>`
}

function renderEntry(entry: RecentEntry): Html {
  const { infoHash, name, size, single, createdAt } = entry
  const href = single ? contentUrlPath(infoHash, name) : `/${infoHash}/`
  const published = new Date(createdAt).toISOString()
  return html`<tr><td><a href="${href}"><bdi>${name}</bdi></a> <a class="soft" href="/${infoHash}/">details</a></td>
<td class="number">${formatSize(size)}</td>
<td class="number soft"><time datetime="${published}">${published.slice(0, 10)}</time></td></tr>
`
}
