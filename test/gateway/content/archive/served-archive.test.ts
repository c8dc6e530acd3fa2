import { execFile, spawnSync } from 'node:child_process'
import { readFile, truncate } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { crc32 } from 'node:zlib'
import t, { type Test } from 'tap'
import { signLink } from '../../../../gateway/access/signed-link.ts'
import type { Entry } from '../../../../lib/control/control.ts'
import { type SampleTorrent, sampleTorrent } from '../../../fakes/sample-torrent.ts'
import { store } from '../../../lib/node/node-rig.ts'
import { type ContentOptions, get, openGateway } from '../content-rig.ts'
import { emptyFolder, noPython, onDisk, python } from './archive-rig.ts'

const PIECE = 16_384
const SIZES = [0, 1, 70_000, PIECE, ...Array.from({ length: 20 }, (_, index) => index * 13)]

function bytesOf({ bytes }: SampleTorrent, { offset, size }: { offset: number; size: number }) {
  return bytes.subarray(offset, offset + size)
}

/** The files of a torrent as the catalogue has them. */
function listedFiles(sample: SampleTorrent, crcs: boolean): Entry['files'] {
  return sample.metainfo.files.map((file) => {
    const { index, name, size } = file
    return {
      index,
      path: name,
      size,
      sha256: null,
      crc32: crcs ? crc32(bytesOf(sample, file)) : null
    }
  })
}

/** A gateway with a folder of `SIZES`, and where its files are expected in an archive. */
async function openAlbum(t: Test, crcs: boolean, options: ContentOptions = {}) {
  const gateway = await openGateway(t, options)
  const size = SIZES.reduce((sum, each) => sum + each, 0)
  const sample = sampleTorrent({ size, pieceLength: PIECE, name: 'album', files: SIZES })
  await store(gateway.library, sample)
  const { infoHash } = gateway.fleet.publish(sample, { files: listedFiles(sample, crcs) })
  const expected = sample.metainfo.files.map((file) => [
    `album/${file.name}`,
    bytesOf(sample, file).toString('hex')
  ])
  return { ...gateway, infoHash, base: `${gateway.url}/${infoHash}/album/`, expected }
}

const run = promisify(execFile)
const hasTools = ['curl', 'tar'].every((tool) => !spawnSync(tool, ['--help']).error)
/** Why tests with other programs must be skipped, if they must. */
const noTools = hasTools ? false : 'curl or tar is not installed'

const READ = `
import sys, json, zipfile
z = zipfile.ZipFile(sys.argv[1])
print(json.dumps([[i.filename, z.read(i).hex()] for i in z.infolist()]))`

/** A file that is only ever read by ranges of a URL, all of one validator. */
const READ_URL = `
import sys, io, json, zipfile, urllib.request
class Remote(io.RawIOBase):
  def __init__(self, url):
    self.url, self.at = url, 0
    head = urllib.request.urlopen(urllib.request.Request(url, method='HEAD'))
    self.size, self.etag = int(head.headers['Content-Length']), head.headers['ETag']
  def seekable(self): return True
  def readable(self): return True
  def tell(self): return self.at
  def seek(self, offset, whence=0):
    self.at = offset + [0, self.at, self.size][whence]
    return self.at
  def readinto(self, target):
    end = min(self.at + len(target), self.size)
    if end <= self.at: return 0
    headers = {'Range': 'bytes=%d-%d' % (self.at, end - 1), 'If-Range': self.etag}
    answer = urllib.request.urlopen(urllib.request.Request(self.url, headers=headers))
    assert answer.status == 206, answer.status
    data = answer.read()
    target[:len(data)] = data
    self.at += len(data)
    return len(data)
z = zipfile.ZipFile(Remote(sys.argv[1]))
print(json.dumps([[i.filename, z.read(i).hex()] for i in z.infolist()]))`

t.test('an archive is had whole, with its length', { skip: noPython }, async (t) => {
  const { base, expected } = await openAlbum(t, true)
  const zip = await get(`${base}?format=zip`)
  t.equal(zip.status, 200)
  t.match(zip.headers, { 'content-length': String(zip.body.length), 'accept-ranges': 'bytes' })
  t.same(await python(READ, await onDisk(t, 'whole.zip', zip.body)), expected)
})

t.test('an archive is opened over ranges', { skip: noPython }, async (t) => {
  const { base, expected } = await openAlbum(t, true)
  t.same(await python(READ_URL, `${base}?format=zip`), expected)
})

t.test('HEAD, 304 and 416 of an archive do not open the torrent', async (t) => {
  const { base, counts } = await openAlbum(t, true)
  for (const format of ['zip', 'tar']) {
    const url = `${base}?format=${format}`
    const { headers } = await get(url, { method: 'HEAD' })
    t.ok(Number(headers['content-length']) > 70_000)
    const again = await get(url, { headers: { 'if-none-match': headers.etag } })
    t.equal(again.status, 304)
    const beyond = await get(url, { headers: { range: `bytes=${headers['content-length']}-` } })
    t.equal(beyond.status, 416)
  }
  t.equal(counts.opens, 0)
})

t.test('several ranges of a tar are those of the whole', async (t) => {
  const { base } = await openAlbum(t, false)
  const url = `${base}?format=tar`
  const whole = (await get(url)).body
  const spans = [
    [0, 1023],
    [3000, 80_000],
    [whole.length - 5000, whole.length - 1]
  ] as const
  for (const [first, last] of spans) {
    const part = await get(url, { headers: { range: `bytes=${first}-${last}` } })
    t.equal(part.status, 206)
    t.ok(part.body.equals(whole.subarray(first, last + 1)), `${first}-${last}`)
  }
  const range = `bytes=${spans.map(([first, last]) => `${first}-${last}`).join(',')}`
  const { status, body } = await get(url, { headers: { range } })
  t.equal(status, 206)
  for (const [first, last] of spans) t.ok(body.includes(whole.subarray(first, last + 1)))
})

t.test('without CRC-32s a zip is streamed from its start', { skip: noPython }, async (t) => {
  const { base, expected } = await openAlbum(t, false)
  const zip = await get(`${base}?format=zip`, { headers: { range: 'bytes=5-' } })
  t.equal(zip.status, 200)
  t.match(zip.headers, { 'transfer-encoding': 'chunked', 'accept-ranges': 'none' })
  t.same(await python(READ, await onDisk(t, 'streamed.zip', zip.body)), expected)
})

t.test('the archive of a single file has it alone', { skip: noPython }, async (t) => {
  const { base, expected } = await openAlbum(t, true)
  const zip = await get(`${base}file-0002?format=zip`)
  const [, bytes] = expected[2] ?? []
  t.same(await python(READ, await onDisk(t, 'one.zip', zip.body)), [['file-0002', bytes]])
})

t.test('curl resumes an archive and has every byte of it', { skip: noTools }, async (t) => {
  const { base } = await openAlbum(t, true)
  for (const [format, kept] of [
    ['zip', 40],
    ['zip', 70_123],
    ['tar', 70_123]
  ] as const) {
    const url = `${base}?format=${format}`
    const whole = (await get(url)).body
    const path = await onDisk(t, `album.${format}`, whole.subarray(0, kept))
    await run('curl', ['-sS', '--fail', '-C', '-', '-o', path, url])
    t.ok((await readFile(path)).equals(whole), `${format} from byte ${kept}`)
  }
})

t.test('tar unpacks the stream as it comes', { skip: noTools }, async (t) => {
  const { base, expected } = await openAlbum(t, false)
  const folder = await emptyFolder(t)
  await run('sh', ['-c', 'curl -sS --fail "$0" | tar -x -C "$1"', `${base}?format=tar`, folder])
  const files = expected.map(([name = '']) => readFile(join(folder, name), 'hex'))
  t.same(
    await Promise.all(files),
    expected.map(([, bytes]) => bytes)
  )
})

t.test('an archive is reset, never short, when the disk lost a file of it', async (t) => {
  const gateway = await openGateway(t, { firstByteTimeoutMs: 1500 })
  const getting = [true, false].map(async (crcs) => {
    const sizes = [2 ** 16, 2 ** 16]
    const sample = sampleTorrent({ size: 2 ** 17, pieceLength: PIECE, name: 'a', files: sizes })
    await store(gateway.library, sample)
    const { infoHash } = gateway.fleet.publish(sample, { files: listedFiles(sample, crcs) })
    const { store: pieces } = await gateway.node.open(infoHash, new AbortController().signal)
    await truncate(`${pieces.shared.layout.folder}/1`, 100)
    return ['zip', 'tar'].map(
      (format) =>
        [
          `${format}, CRC-32 known: ${crcs}`,
          get(`${gateway.url}/${infoHash}/a/?format=${format}`)
        ] as const
    )
  })
  const answers = (await Promise.all(getting)).flat()
  const ends = await Promise.allSettled(answers.map(([, answer]) => answer))
  for (const [index, [what]] of answers.entries()) {
    t.match(ends[index], { status: 'rejected', reason: { code: 'ECONNRESET' } }, what)
  }
})

t.test('by a signed link an archive leads to documents that the link opens', async (t) => {
  const key = { id: 'a', secret: 's'.repeat(32) }
  const { url, port, infoHash, expected } = await openAlbum(t, true, {
    mode: 'signed',
    signingKeys: [key]
  })
  const host = `127.0.0.1:${port}`
  const token = signLink(key, { host, infoHash, segments: [], expiresAt: Date.now() + 60_000 })
  const { headers, body } = await get(`${url}/s/${token}/${infoHash}/album/?format=tar`)
  t.ok(body.includes(Buffer.from(expected[2]?.[1] ?? '', 'hex')))
  t.match(headers['cache-control'], /^private, /)
  const [, torrent = ''] = /^<([^>]*\.torrent)>; rel="describedby"/.exec(String(headers.link)) ?? []
  t.equal(torrent, `/s/${token}/${infoHash}.torrent`)
  t.equal((await get(url + torrent)).status, 200)
})

t.test('what an archive is saved as can be asked for', async (t) => {
  const { base } = await openAlbum(t, true)
  const { headers } = await get(`${base}?format=zip&filename=x.zip`, { method: 'HEAD' })
  t.match(headers['content-disposition'], /^attachment; filename="?x\.zip"?$/)
  t.match(headers.link, /\.meta4>; rel="describedby"/)
})
