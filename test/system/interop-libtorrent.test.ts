/** libtorrent (rasterbar) against the tracker and the wire. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { testFolder } from '../fakes/test-folder.ts'
import { pythonWith, run } from './clients.ts'
import { PLACES, publishAt, sentToStrangers, whenSentToStrangers } from './fleet.ts'
import { noise, sha256 } from './publish.ts'
import { peersOnly, saveTorrent, whenSeeded } from './wire-only.ts'

const SIZE = 6 * 2 ** 20 + 5
const NAME = 'movie.mp4'
const SCRIPT = new URL('libtorrent-download.py', import.meta.url).pathname
const PATIENCE_S = '280'

const python = pythonWith('libtorrent')
const skip = python === undefined && 'no python3 with libtorrent (python3-libtorrent)'

for (const { where, install } of PLACES) {
  t.test(`libtorrent downloads, ${where}`, { skip }, async (t) => {
    const data = testFolder(t)
    const site = await install(t, join(data, 'data'))
    const bytes = noise(SIZE, 22)
    const published = await publishAt(site, NAME, bytes)
    await whenSeeded(site.tracker, published)
    const torrent = await saveTorrent(published, join(data, 'peers.torrent'))

    for (const [kind, source] of [
      ['torrent', torrent],
      ['magnet', peersOnly(published)]
    ] as const) {
      await t.test(`by ${kind}, from peers alone`, async (t) => {
        const before = await sentToStrangers(site.seeder)
        const folder = join(data, kind)
        const outcome = await run(t, python ?? '', [SCRIPT, source, folder, PATIENCE_S])
        t.equal(outcome.code, 0, `${outcome.stdout} ${outcome.stderr}`)
        t.equal(sha256(await readFile(join(folder, NAME))), sha256(bytes))
        t.ok(await whenSentToStrangers(site.seeder, before + SIZE), 'the seeder sent it')
      })
    }
  })
}
