import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { testFolder } from '../fakes/test-folder.ts'
import { start } from './process.ts'
import { fetchBytes, noise, pathOf, publish } from './publish.ts'

t.test('publish, fetch, restart: all roles in one process', async (t) => {
  const data = testFolder(t)
  const settings = { SWARMGATE_DATA_DIR: data }
  const first = await start(t, settings)
  const gateway = first.addresses.gateway as string
  const files: [string, Buffer][] = [
    ['movie.mp4', noise(3 * 2 ** 20 + 17, 1)],
    ['empty.bin', Buffer.alloc(0)],
    ['one.bin', Buffer.from([7])],
    ['Größe – 日本 100% #1.txt', noise(300_000, 2)]
  ]
  const published = []
  for (const [name, bytes] of files) {
    const torrent = await publish(gateway, name, bytes)
    published.push(torrent)
    const { response, bytes: got } = await fetchBytes(torrent.links.gateway)
    t.equal(response.status, 200, name)
    t.ok(got.equals(bytes), `${name}: the bytes are right`)
    t.equal(response.headers.get('etag'), `"${torrent.infoHash}.0"`)
    t.match(torrent, { replicas: { wanted: 1, ready: 1 } })
  }

  const [movie] = published
  const bytes = files[0]?.[1] as Buffer
  const url = movie?.links.gateway as string
  const part = await fetchBytes(url, { range: 'bytes=1000000-1999999' })
  t.equal(part.response.status, 206)
  t.ok(part.bytes.equals(bytes.subarray(1_000_000, 2_000_000)))
  t.match(await fetchBytes(`${gateway}/${movie?.infoHash}.magnet`), {
    bytes: /^magnet:\?xt=urn:btih:/
  })
  t.equal((await fetch(`${gateway}/${movie?.infoHash}/`)).status, 200)
  t.match(await (await fetch(movie?.links.self as string)).json(), { infoHash: movie?.infoHash })

  const again = await fetch(`${gateway}/v1/files/movie.mp4`, {
    method: 'PUT',
    body: new Uint8Array(bytes)
  })
  t.equal(again.status, 200, 'the same content again is known')
  t.same(
    await readdir(join(data, 'gateway', 'cache')).catch(() => []),
    [],
    'nothing is stored twice'
  )

  t.equal(await first.stop(), 0, 'SIGTERM ends it cleanly')
  const second = await start(t, settings)
  for (const [index, [name, bytes]] of files.entries()) {
    const torrent = published[index]
    if (torrent === undefined) throw new Error('not published')
    const got = await fetchBytes(second.addresses.gateway + pathOf(torrent))
    t.ok(got.bytes.equals(bytes), `${name} is there after the restart`)
  }
})

t.test('unpublished content answers 410 and its bytes leave the disk', async (t) => {
  const data = testFolder(t)
  const { addresses } = await start(t, { SWARMGATE_DATA_DIR: data })
  const gateway = addresses.gateway as string
  const torrent = await publish(gateway, 'gone.bin', noise(100_000, 3))
  t.equal((await fetch(torrent.links.self, { method: 'DELETE' })).status, 204)
  t.equal((await fetch(torrent.links.gateway)).status, 410)
  const back = await publish(gateway, 'gone.bin', noise(100_000, 3))
  t.equal(back.infoHash, torrent.infoHash)
  t.equal((await fetch(torrent.links.gateway)).status, 200, 'publishing again lifts it')
})

t.test('what nobody published is 404, and nonsense is 400', async (t) => {
  const { addresses } = await start(t, { SWARMGATE_DATA_DIR: testFolder(t) })
  const gateway = addresses.gateway as string
  t.equal((await fetch(`${gateway}/${'0'.repeat(40)}/x`)).status, 404)
  t.equal((await fetch(`${gateway}/${'z'.repeat(40)}/x`)).status, 400)
  const torrent = await publish(gateway, 'a.txt', Buffer.from('a'))
  t.equal((await fetch(`${gateway}/${torrent.infoHash}/b.txt`)).status, 404)
  const wrong = await fetch(`${gateway}/${torrent.infoHash}/a.txt`, { method: 'POST' })
  t.equal(wrong.status, 405)
})
