/** aria2c with the metalink of a folder: each file finds its place in the torrent. */
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { sampleTorrent } from '../../../fakes/sample-torrent.ts'
import { store } from '../../../lib/node/node-rig.ts'
import { freePort, run, without } from '../../../system/clients.ts'
import { openGateway } from '../content-rig.ts'

const ARIA2 = [
  ...['--no-conf', '--allow-overwrite', '--file-allocation=none', '--seed-time=0'],
  ...['--enable-dht=false', '--enable-dht6=false', '--bt-enable-lpd=false', '--bt-stop-timeout=25'],
  ...['--follow-metalink=mem', '--console-log-level=info']
]

t.test('a folder comes out whole', { skip: without('aria2c') }, async (t) => {
  const { url, fleet, library, folder: rigFolder } = await openGateway(t)
  const folder = join(rigFolder, 'download')
  const files = [40_000, 0, 5, 70_000]
  const size = files.reduce((sum, length) => sum + length, 0)
  const sample = sampleTorrent({ size, pieceLength: 16384, files, name: 'ä <b> "c"' })
  const { metainfo, bytes } = sample
  await store(library, sample)
  const contentOf = (k: number) => {
    const { offset = 0, size = 0 } = metainfo.files[k] ?? {}
    return bytes.subarray(offset, offset + size)
  }
  const { infoHash } = fleet.publish(sample, {
    files: metainfo.files.map(({ index, name, size }) => {
      const sha256 = createHash('sha256').update(contentOf(index)).digest('hex')
      return { index, path: name, size, sha256, crc32: null }
    })
  })
  const args = [...ARIA2, `--listen-port=${await freePort()}`, `--dir=${folder}`]
  const { code, stdout } = await run(t, 'aria2c', [...args, `${url}/${infoHash}.meta4`])
  t.equal(code, 0, 'aria2c ends well')
  t.match(stdout.toString(), 'Dependency resolved', 'the torrent and the metalink fit')
  for (const { index, name } of metainfo.files) {
    const saved = await readFile(join(folder, metainfo.name, name))
    t.ok(saved.equals(contentOf(index)), name)
  }
})
