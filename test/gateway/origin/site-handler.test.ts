/** A site on a host of its own, as a client sees it. */
import t from 'tap'
import { siteLabel } from '../../../gateway/origin/site-label.ts'
import { sampleTorrent } from '../../fakes/sample-torrent.ts'
import { store } from '../../lib/node/node-rig.ts'
import { get, openGateway } from '../content/content-rig.ts'

t.test('search machines are told to stay away from all of a site', async (t) => {
  const { url, port, fleet, library } = await openGateway(t)
  const names = ['404.html', 'index.html', 'folder/page.html']
  const sample = sampleTorrent({ size: 9, pieceLength: 16_384, name: 'site', files: [2, 3, 4] })
  await store(library, sample)
  const { infoHash } = fleet.publish(sample, {
    files: names.map((path, index) => ({
      ...{ index, path, size: index + 2 },
      ...{ sha256: null, crc32: null }
    }))
  })
  const host = `${siteLabel(infoHash)}.localhost:${port}`
  for (const [path, status] of [
    ['/', 200],
    ['/missing', 404],
    ['/folder', 301],
    ['/folder/', 200]
  ] as const) {
    const got = await get(url + path, { headers: { host } })
    t.match(got, { status, headers: { 'x-robots-tag': 'noindex' } }, path)
  }
})
