/** A gateway in mode `signed`: nothing of a torrent without a link, everything below a link with it. */
import { join } from 'node:path'
import t from 'tap'
import { testFolder } from '../fakes/test-folder.ts'
import { PLACES, publishAt } from './fleet.ts'
import { launch } from './process.ts'
import { fetchBytes, noise, pathOf } from './publish.ts'

const BYTES = noise(300_000, 51)
const NAME = 'movie one.mp4'
const SIGNED = { SWARMGATE_GATEWAY_MODE: 'signed', SWARMGATE_SWARM_ACCESS: 'fleet' }

for (const { where, install } of PLACES) {
  t.test(`content needs a link, by a key that the tracker made, ${where}`, async (t) => {
    const site = await install(t, join(testFolder(t), 'data'), SIGNED)
    const published = await publishAt(site, NAME, BYTES)
    const { infoHash } = published
    const status = async (path: string) => (await fetch(site.gateway + path)).status
    for (const path of [pathOf(published), `/${infoHash}/`, `/${infoHash}.torrent`]) {
      t.equal(await status(path), 403, path)
    }

    const asked = await fetch(`${site.gateway}/v1/torrents/${infoHash}/links`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ expiresIn: '1h' })
    })
    t.equal(asked.status, 201)
    const { url } = (await asked.json()) as { readonly url: string }
    const { response, bytes } = await fetchBytes(url, { range: 'bytes=100000-199999' })
    t.equal(response.status, 206)
    t.ok(bytes.equals(BYTES.subarray(100_000, 200_000)))
    t.match(response.headers.get('cache-control'), /^private, max-age=3[56]\d\d$/)
    t.equal(response.headers.get('referrer-policy'), 'no-referrer')

    const base = url.slice(0, url.indexOf(infoHash))
    const listing = await fetch(`${base}${infoHash}/`, { headers: { accept: 'text/html' } })
    t.equal(listing.status, 200)
    const [, href = ''] = /href="([^"]*movie%20one\.mp4)"/.exec(await listing.text()) ?? []
    t.equal((await fetch(new URL(href, listing.url))).status, 200, 'links in it go on working')
    t.equal((await fetch(`${base}${infoHash}.torrent`)).status, 200)
    t.equal(await status(`/s/k.1.0.${'A'.repeat(43)}/${infoHash}/`), 403)
  })
}

t.test('signed content in a swarm for everybody is refused at the start', async (t) => {
  const running = launch(t, { ...SIGNED, SWARMGATE_SWARM_ACCESS: 'published' })
  const [code] = await new Promise<unknown[]>((resolve) => {
    running.process.once('close', (...ended) => resolve(ended))
  })
  t.equal(code, 1)
  t.match(running.output(), /^swarmgate: SWARMGATE_GATEWAY_MODE .*SWARMGATE_SWARM_ACCESS=fleet/)
})
