import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { decodeBencode } from '../../../../core/bencode.ts'
import { parseMagnet } from '../../../../core/magnet.ts'
import { parseTorrentFile } from '../../../../core/torrent-file.ts'
import { createDocuments } from '../../../../gateway/content/documents/documents.ts'
import { parseDocumentKind } from '../../../../gateway/content/documents/kind.ts'
import type { Entry } from '../../../../lib/control/control.ts'
import { closeHttpApp, createHttpApp } from '../../../../lib/http/app.ts'
import { entryFor } from '../../../fakes/memory-fleet.ts'
import {
  type SampleOptions,
  type SampleTorrent,
  sampleTorrent
} from '../../../fakes/sample-torrent.ts'
import { silentLog as log } from '../../../fakes/silent-log.ts'
import { testFolder } from '../../../fakes/test-folder.ts'
import { get } from '../content-rig.ts'

const PIECE = 16384
const BASE = 'https://gw.test'
const TRACKERS = [
  'http://one.test:8000/announce',
  'udp://two.test:80/announce',
  'udp://one.test:8000/announce',
  'https://three.test/announce',
  'wss://three.test'
]

interface Options extends Partial<SampleOptions> {
  readonly over?: (entry: Entry, sample: SampleTorrent) => Partial<Entry>
  readonly progress?: string
}

/** The documents of one torrent at `/{kind}`. */
async function documentsOf(t: Test, { over, progress, ...options }: Options = {}) {
  const sample = sampleTorrent({ size: 10, pieceLength: PIECE, ...options })
  const plain = entryFor(sample)
  let entry = { ...plain, ...over?.(plain, sample) }
  const documents = createDocuments({
    infoOf: async () => sample.metainfo.info,
    announceUrls: TRACKERS,
    ...(progress !== undefined && { progressOf: () => progress })
  })
  const app = createHttpApp({ log })
  app.get<{ Params: { kind: string } }>('/:kind', async (request, reply) => {
    const kind = parseDocumentKind(request.params.kind) ?? 'magnet'
    const exchange = { request, reply, signal: new AbortController().signal }
    return documents.send(exchange, entry, kind, BASE)
  })
  t.teardown(() => closeHttpApp(app, 0))
  await app.listen({ host: '127.0.0.1', port: 0 })
  const { port } = app.server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    sample,
    entry,
    change: (next: Partial<Entry>) => {
      entry = { ...entry, ...next }
    }
  }
}

/** The entry with the SHA-256 of its files. */
function hashed(entry: Entry, { metainfo, bytes }: SampleTorrent): Pick<Entry, 'files'> {
  return {
    files: entry.files.map((file, k) => {
      const offset = metainfo.files[k]?.offset ?? 0
      const content = bytes.subarray(offset, offset + file.size)
      return { ...file, sha256: createHash('sha256').update(content).digest('hex') }
    })
  }
}

t.test('a .torrent is a tier per tracker, and this gateway is its web seed', async (t) => {
  const { url, sample } = await documentsOf(t, { name: 'Größe.bin' })
  const got = await get(`${url}/torrent`)
  t.match(got.headers, {
    'content-type': 'application/x-bittorrent',
    'content-disposition':
      /^attachment; filename="Gr\S+\.torrent"; filename\*=UTF-8''Gr%C3%B6%C3%9Fe.bin.torrent$/,
    'access-control-allow-origin': '*',
    'x-content-type-options': 'nosniff'
  })
  t.same(parseTorrentFile(got.body).infoHash, sample.metainfo.infoHash)
  const torrent = decodeBencode(got.body) as ReadonlyMap<string, readonly Uint8Array[][]>
  const tiers = torrent.get('announce-list') ?? []
  t.same(
    tiers.map((tier) => tier.map((url) => Buffer.from(url).toString())),
    [[TRACKERS[0], TRACKERS[2]], [TRACKERS[1]], [TRACKERS[3], TRACKERS[4]]]
  )
  const seeds = (decodeBencode(got.body) as ReadonlyMap<string, Uint8Array[]>).get('url-list')
  t.match(
    seeds?.map((seed) => Buffer.from(seed).toString()),
    [`${BASE}/${sample.metainfo.infoHash}/Gr%C3%B6%C3%9Fe.bin`]
  )
})

t.test('a magnet is a line of text', async (t) => {
  const { url, entry } = await documentsOf(t)
  const got = await get(`${url}/magnet`)
  t.equal(got.headers['content-type'], 'text/plain; charset=utf-8')
  t.match(parseMagnet(got.body.toString().trimEnd()), {
    infoHash: entry.infoHash,
    trackers: TRACKERS
  })
})

t.test('the checksums fit the download in the folder it was saved to', async (t) => {
  for (const files of [undefined, [4, 0, 6]]) {
    const { url, sample, entry } = await documentsOf(t, {
      name: 'a\\b',
      ...(files && { files }),
      over: hashed
    })
    const got = await get(`${url}/sha256`)
    t.equal(got.headers['content-type'], 'text/plain; charset=utf-8')
    t.match(got.headers['content-disposition'], /^inline; filename=.*\.sha256"?/)
    t.equal(got.body.toString().trimEnd().split('\n').length, entry.files.length)
    if (spawnSync('sha256sum', ['--version']).status !== 0) continue

    const folder = testFolder(t)
    for (const { name, offset, size } of sample.metainfo.files) {
      if (files !== undefined) mkdirSync(join(folder, 'a\\b'), { recursive: true })
      const path = files === undefined ? name : join('a\\b', name)
      writeFileSync(join(folder, path), sample.bytes.subarray(offset, offset + size))
    }
    const check = spawnSync('sha256sum', ['-c', '--strict'], { cwd: folder, input: got.body })
    t.equal(check.status, 0, `${check.stdout}${check.stderr}`)
  }
})

t.test('checksums that nobody knows yet are 409 with how far it is', async (t) => {
  const { url, change, entry, sample } = await documentsOf(t, {
    files: [4, 6],
    over: (entry, sample) => ({
      files: hashed(entry, sample).files.map((file, k) =>
        k === 1 ? { ...file, sha256: null } : file
      )
    }),
    progress: '7 of 10 bytes are here.'
  })
  const got = await get(`${url}/sha256`)
  t.match(
    { status: got.status, ...JSON.parse(got.body.toString()) },
    {
      status: 409,
      code: 'CONTENT_INCOMPLETE',
      detail: 'The SHA-256 of 1 of 2 files is known so far. 7 of 10 bytes are here.'
    }
  )
  t.match(got.headers, { 'cache-control': 'no-store', 'retry-after': '30' })
  t.equal((await get(`${url}/meta4`)).status, 200, 'a metalink does without')
  change(hashed(entry, sample))
  t.equal((await get(`${url}/sha256`)).status, 200, 'known now')
})

t.test('a metalink has URLs that are encoded and names that are not', async (t) => {
  const { url, entry } = await documentsOf(t, { name: 'ä < b', files: [4, 6], over: hashed })
  const got = await get(`${url}/meta4`)
  t.match(got.headers, {
    'content-type': 'application/metalink4+xml',
    'content-disposition': /^attachment; .*\.meta4/
  })
  const text = got.body.toString()
  t.match(text, `<url priority="1">${BASE}/${entry.infoHash}/%C3%A4%20%3C%20b/file-0001</url>`)
  t.match(text, ` name="ä &lt; b/file-0001">${BASE}/${entry.infoHash}.torrent</metaurl>`)
  t.match(text, `<hash type="sha-256">${entry.files[1]?.sha256}</hash>`)
})

t.test('a torrent without a byte has no swarm, so its metalink has no torrent', async (t) => {
  const { url, entry } = await documentsOf(t, { size: 0 })
  const text = (await get(`${url}/meta4`)).body.toString()
  t.notMatch(text, 'metaurl')
  t.match(text, `<url priority="1">${BASE}/${entry.infoHash}/sample</url>`)
})

t.test('a document is fetched again only when it changed', async (t) => {
  const { url, change, entry } = await documentsOf(t)
  for (const kind of ['torrent', 'magnet', 'meta4']) {
    const { headers, body } = await get(`${url}/${kind}`)
    const etag = headers.etag ?? ''
    t.match(etag, /^"[\w-]{27}"$/)
    t.equal((await get(`${url}/${kind}`)).headers.etag, etag)
    const same = await get(`${url}/${kind}`, { headers: { 'if-none-match': `"x", W/${etag}` } })
    t.match(same, { status: 304, headers: { etag, 'access-control-allow-origin': '*' } })
    t.equal(same.body.length, 0)
    const failed = await get(`${url}/${kind}`, { headers: { 'if-match': '"x"' } })
    t.match(failed, { status: 412, headers: { 'cache-control': 'no-store' } })
    t.equal(failed.headers.etag, undefined)
    const head = await get(`${url}/${kind}`, { method: 'HEAD' })
    t.match(head, { status: 200, headers: { etag, 'content-length': String(body.length) } })
    const dated = await get(`${url}/${kind}`, {
      headers: { 'if-modified-since': new Date().toUTCString() }
    })
    t.equal(dated.status, 200, 'no date says whether it changed')
  }
  const { etag = '' } = (await get(`${url}/meta4`)).headers
  change({ createdAt: entry.createdAt + 5000 })
  t.equal((await get(`${url}/meta4`, { headers: { 'if-none-match': etag } })).status, 200)
})

t.test('what is told of very many files is streamed, and is a document all the same', async (t) => {
  let paths = 0
  const many = (sha256: string): Pick<Entry, 'files'> => ({
    files: Array.from({ length: 2000 }, (_, index) => ({
      ...{ index, size: 1, sha256, crc32: null },
      get path() {
        paths++
        return `f${index}`
      }
    }))
  })
  const { url, change } = await documentsOf(t, { files: [10], over: () => many('ab'.repeat(32)) })
  for (const [kind, lines] of [
    ['sha256', 2000],
    ['meta4', 5 + 7 * 2000]
  ] as const) {
    const { headers, body } = await get(`${url}/${kind}`)
    const { etag = '' } = headers
    t.notOk('content-length' in headers)
    t.equal(body.toString().split('\n').length - 1, lines)
    t.match(body.toString(), 'sample/f1999')
    paths = 0
    const head = await get(`${url}/${kind}`, { method: 'HEAD' })
    t.match(head, { status: 200, headers: { etag, 'content-type': headers['content-type'] } })
    const same = await get(`${url}/${kind}`, { headers: { 'if-none-match': etag } })
    t.match(same, { status: 304, headers: { etag } })
    t.equal(paths, 0, 'neither made any of it')
    change(many('cd'.repeat(32)))
    t.not((await get(`${url}/${kind}`, { method: 'HEAD' })).headers.etag, etag)
    change(many('ab'.repeat(32)))
  }
})

t.test('one hash that is unknown among very many is told before anything else', async (t) => {
  const { url } = await documentsOf(t, {
    files: [10],
    over: () => ({
      files: Array.from({ length: 2000 }, (_, index) => {
        const sha256 = index === 1999 ? null : 'ab'.repeat(32)
        return { index, path: `f${index}`, size: 1, sha256, crc32: null }
      })
    })
  })
  t.match(await get(`${url}/sha256`), { status: 409 })
  t.equal((await get(`${url}/meta4`)).body.toString().split('<hash ').length - 1, 1999)
})
