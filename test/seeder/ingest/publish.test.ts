import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import t from 'tap'
import type { InfoHash } from '../../../core/info-hash.ts'
import type { Torrent } from '../../../lib/api/torrent.ts'
import { expectedInfoHash, leftovers, openRig, openUpload, sha256, someBytes } from '../rig.ts'

const put = (url: string, body: Buffer | ReadableStream, headers: Record<string, string> = {}) =>
  fetch(url, { method: 'PUT', body, headers, duplex: 'half' } as RequestInit)

const torrentOf = async (answer: Response) => (await answer.json()) as Torrent

function inChunks(bytes: Buffer, size: number): ReadableStream {
  let at = 0
  return new ReadableStream({
    pull(controller) {
      if (at >= bytes.byteLength) return controller.close()
      controller.enqueue(bytes.subarray(at, at + size))
      at += size
    }
  })
}

t.test('a file is published under the infohash that its name and bytes have', async (t) => {
  const { url, folder, catalogue, node, library } = await openRig(t)
  const bytes = someBytes(2_500_001)
  const answer = await put(`${url}/v1/files/movie.mp4`, bytes)
  t.equal(answer.status, 201)
  const torrent = await torrentOf(answer)
  const infoHash = expectedInfoHash('movie.mp4', bytes)
  t.match(torrent, {
    infoHash,
    name: 'movie.mp4',
    size: bytes.byteLength,
    files: [{ path: 'movie.mp4', sha256: sha256(bytes) }],
    links: { gateway: `http://gateway.test/${infoHash}/movie.mp4` }
  })
  t.equal(answer.headers.get('location'), `/v1/torrents/${infoHash}`)
  const entry = catalogue.entries.get(infoHash as InfoHash)
  t.match(entry, { single: true, files: [{ index: 0, crc32: crc32(bytes) }] })
  t.same(node.shared, [infoHash])
  t.ok(library.complete(infoHash as InfoHash))
  const stored = await readFile(join(folder, 'library', infoHash.slice(0, 2), infoHash, 'files/0'))
  t.ok(stored.equals(bytes), 'the bytes on the disk are those sent')
  t.same((await leftovers(folder)).staged, [])
})

t.test('the infohash of a known file is the one another implementation gives it', async (t) => {
  const { url } = await openRig(t)
  const answer = await put(`${url}/v1/files/hello.txt`, Buffer.from('hello world\n'))
  t.match(await answer.json(), { infoHash: 'e25d7c06d525617193e405c30a3c6a77b2e56510' })
})

t.test('a chunked body gives the same torrent as one of known length', async (t) => {
  const { url } = await openRig(t)
  const bytes = someBytes(700_001)
  const known = await put(`${url}/v1/files/a.bin`, bytes)
  const chunked = await put(`${url}/v1/files/a.bin`, inChunks(bytes, 50_000))
  t.equal(known.status, 201)
  t.equal(chunked.status, 200, 'that exact torrent is published already')
  t.equal((await torrentOf(known)).infoHash, (await torrentOf(chunked)).infoHash)
})

t.test('a chunked body past the smallest piece length is hashed once more', async (t) => {
  const { url } = await openRig(t)
  const bytes = someBytes(64 * 2 ** 20 + 1)
  const answer = await put(`${url}/v1/files/big`, inChunks(bytes, 2 ** 20))
  t.equal((await torrentOf(answer)).infoHash, expectedInfoHash('big', bytes, 524_288))
})

t.test('an empty file is published and joins no swarm', async (t) => {
  const { url, node, library } = await openRig(t)
  const answer = await put(`${url}/v1/files/empty`, Buffer.alloc(0))
  t.equal(answer.status, 201)
  const { infoHash, size } = await torrentOf(answer)
  t.equal(size, 0)
  t.equal(infoHash, expectedInfoHash('empty', Buffer.alloc(0)))
  t.ok(library.complete(infoHash as InfoHash))
  t.same(node.shared, [])
})

t.test('a name with spaces and decomposed letters is published in NFC', async (t) => {
  const { url } = await openRig(t)
  const name = 'Cafe\u0301 au lait.txt'
  const bytes = someBytes(10)
  const answer = await put(`${url}/v1/files/${encodeURIComponent(name)}`, bytes)
  const torrent = await torrentOf(answer)
  t.equal(torrent.name, name.normalize('NFC'))
  t.equal(torrent.infoHash, expectedInfoHash(name.normalize('NFC'), bytes))
})

t.test('plain text is the gateway URL and the magnet, a line each', async (t) => {
  const { url } = await openRig(t)
  const answer = await put(`${url}/v1/files/x`, someBytes(5), { accept: 'text/plain' })
  const [link, magnet, rest] = (await answer.text()).split('\n')
  t.match(link, /^http:\/\/gateway\.test\/[0-9a-f]{40}\/x$/)
  t.match(magnet, /^magnet:\?xt=urn:btih:/)
  t.equal(rest, '')
})

t.test('two uploads of one file at the same time make one torrent', async (t) => {
  const { url, catalogue, folder } = await openRig(t)
  const bytes = someBytes(1_200_000)
  const answers = await Promise.all([1, 2, 3].map(() => put(`${url}/v1/files/same`, bytes)))
  t.same(answers.map(({ status }) => status).toSorted(), [200, 200, 201])
  t.equal(catalogue.entries.size, 1)
  const left = await leftovers(folder)
  t.same(left.staged, [])
  t.equal(left.stored.length, 1)
})

t.test('the body is asked for only after the upload was admitted', async (t) => {
  const { url } = await openRig(t)
  const bytes = someBytes(300_000)
  const { upload, answered } = openUpload(`${url}/v1/files/asked`, {
    'content-length': bytes.byteLength,
    expect: '100-continue'
  })
  upload.flushHeaders()
  await new Promise((resolve) => upload.once('continue', resolve))
  upload.end(bytes)
  t.equal((await answered).statusCode, 201)
  ;(await answered).resume()
})

t.test('what was taken in is counted', async (t) => {
  const { url, metrics } = await openRig(t)
  await put(`${url}/v1/files/counted`, someBytes(1_500_000))
  const text = await metrics.registry.metrics()
  t.match(text, /^swarmgate_ingest_bytes_total 1500000$/m)
  t.match(text, /^swarmgate_ingest_seconds_count 1$/m)
})
