import t, { type Test } from 'tap'
import { parseInfoHash } from '../../../core/info-hash.ts'
import {
  type Accel,
  fileForFront,
  frontHeaders,
  parseAccel
} from '../../../gateway/content/accel.ts'
import { fileRepresentation } from '../../../gateway/content/file-representation.ts'
import { planResponse } from '../../../gateway/content/response-plan.ts'
import type { Entry, EntryFile } from '../../../lib/control/control.ts'
import { sampleTorrent } from '../../fakes/sample-torrent.ts'
import { store, until } from '../../lib/node/node-rig.ts'
import { get, openGateway } from './content-rig.ts'

const PREFIX: Accel = { header: 'x-accel-redirect', prefix: '/lib' }
const SIZE = 1000

const infoHash = parseInfoHash('ab'.repeat(20)) as Entry['infoHash']
const file: EntryFile = { index: 0, path: 'movie.mp4', size: SIZE, sha256: null, crc32: null }

t.test('the setting is one of two forms', async (t) => {
  t.same(parseAccel('x-sendfile'), { header: 'x-sendfile' })
  t.same(parseAccel('x-accel-redirect=/lib'), PREFIX)
  t.same(parseAccel('x-accel-redirect=/a/.b-c/'), { ...PREFIX, prefix: '/a/.b-c' })
  for (const text of [
    '',
    'x-accel-redirect',
    'x-accel-redirect=',
    'x-accel-redirect=/',
    'x-accel-redirect=lib',
    'x-accel-redirect=//lib',
    'x-accel-redirect=/lib/../etc',
    'x-accel-redirect=/.',
    'x-accel-redirect=/a b',
    'x-accel-redirect=/a\r\nset-cookie: x',
    'x-sendfile=/lib',
    'X-Sendfile'
  ]) {
    t.throws(() => parseAccel(text), /must be x-sendfile, or x-accel-redirect=/, text)
  }
})

function offered(headers: Record<string, string>, path = file.path, site = false) {
  const named = { ...file, path }
  const entry = { infoHash, createdAt: 1_700_000_000_000 } as Entry
  const view = { download: false, filename: undefined, site }
  const representation = fileRepresentation(entry, named, view)
  const plan = planResponse(representation, { method: 'GET', headers })
  return fileForFront(representation, plan, headers) !== undefined
}

const ETAG = `"${infoHash}.0"`
const DATE = new Date(1_700_000_000_000).toUTCString()

t.test('the front is given what it cannot read otherwise than we do', async (t) => {
  for (const headers of [
    {},
    { range: 'bytes=0-0' },
    { range: 'bytes=10-' },
    { range: 'bytes=-10' },
    { range: 'bytes=10-99999' },
    { range: 'bytes=0-9', 'if-range': ETAG },
    { range: 'bytes=0-9', 'if-range': DATE },
    { 'if-none-match': '"another"' },
    { 'if-modified-since': new Date(0).toUTCString() }
  ]) {
    t.ok(offered(headers), JSON.stringify(headers))
  }
})

t.test('everything else is for us to answer', async (t) => {
  for (const headers of [
    { range: 'bytes=0-1,5-6' },
    { range: 'bytes=0-1,' },
    { range: 'bytes=0-1, 99999-' },
    { range: 'bytes= 0-1' },
    { range: 'bytes=9-1' },
    { range: 'lines=1-2' },
    { range: 'bytes=99999-' },
    { range: 'bytes=0-9', 'if-range': '"another"' },
    { range: 'bytes=0-9', 'if-range': `W/${ETAG}` },
    { range: 'bytes=0-9', 'if-range': new Date(0).toUTCString() },
    { 'if-match': ETAG },
    { 'if-match': '*' },
    { 'if-unmodified-since': DATE },
    { 'if-none-match': ETAG }
  ]) {
    t.notOk(offered(headers as Record<string, string>), JSON.stringify(headers))
  }
})

t.test('a page that needs its sandbox stays with us, a site’s own page need not', async (t) => {
  for (const path of ['index.html', 'image.svg', 'paper.pdf']) {
    t.notOk(offered({}, path), path)
    t.ok(offered({}, path, true), path)
  }
})

t.test('the answer keeps what the front does not say itself, and has no body', async (t) => {
  const headers = {
    etag: ETAG,
    'accept-ranges': 'bytes',
    'content-range': 'bytes 0-9/1000',
    'content-length': '10'
  }
  const place = { absolute: '/data/library/ab/abab/files/0', relative: 'ab/abab/files/0' }
  t.same(frontHeaders(PREFIX, { headers }, place), {
    etag: ETAG,
    'content-length': '0',
    'x-accel-redirect': '/lib/ab/abab/files/0'
  })
  t.same(frontHeaders({ header: 'x-sendfile' }, { headers }, place), {
    etag: ETAG,
    'content-length': '0',
    'x-sendfile': '/data/library/ab/abab/files/0'
  })
})

async function openPublished(t: Test, accel: Accel | undefined, library?: false) {
  const gateway = await openGateway(t, {
    ...(accel && { accel }),
    ...(library === false && { library })
  })
  const sample = sampleTorrent({ size: 40_000, pieceLength: 16384 })
  if (library === undefined) await store(gateway.library, sample)
  const { infoHash } = gateway.fleet.publish(sample)
  return { gateway, sample, infoHash, url: `${gateway.url}/${infoHash}/sample` }
}

for (const accel of [PREFIX, { header: 'x-sendfile' }] as const) {
  t.test(`a library file is left to the front once it is proven: ${accel.header}`, async (t) => {
    const { gateway, sample, infoHash, url } = await openPublished(t, accel)
    const first = await get(url)
    t.ok(first.body.equals(sample.bytes))
    t.equal(first.headers[accel.header], undefined)
    t.same(gateway.sent, { library: 40_000 })
    const below = `${infoHash.slice(0, 2)}/${infoHash}/files/0`
    const place = accel.header === 'x-sendfile' ? new RegExp(`^/.*/${below}$`) : `/lib/${below}`
    for (const headers of [{}, { range: 'bytes=5-9' }]) {
      const got = await get(url, { headers })
      t.equal(got.status, 200)
      t.equal(got.body.length, 0)
      t.match(got.headers[accel.header], place)
      t.match(got.headers, { etag: `"${infoHash}.0"`, 'content-length': '0' })
      t.equal(got.headers['content-range'], undefined)
    }
    t.same(gateway.sent, { library: 40_000 }, 'what the front sends is not counted')
    await until(() => gateway.counts.seats === 0)
  })
}

t.test('a range of an unproven file is sent by us, and the file proven meanwhile', async (t) => {
  const { gateway, sample, url } = await openPublished(t, PREFIX)
  const ask = () => get(url, { headers: { range: 'bytes=0-9' } })
  const first = await ask()
  t.equal(first.status, 206)
  t.ok(first.body.equals(sample.bytes.subarray(0, 10)))
  let next = await ask()
  while (next.headers['x-accel-redirect'] === undefined) {
    t.equal(next.status, 206)
    next = await ask()
  }
  t.equal(next.status, 200)
  await until(() => gateway.counts.seats === 0)
})

t.test('HEAD, archives, and a gateway without the setting send no place', async (t) => {
  const { url } = await openPublished(t, PREFIX)
  await get(url)
  const head = await get(url, { method: 'HEAD' })
  t.match(head.headers, { 'content-length': '40000', 'accept-ranges': 'bytes' })
  for (const got of [head, await get(`${url}?format=zip`), await get(`${url}?format=tar`)]) {
    t.equal(got.status, 200)
    t.equal(got.headers['x-accel-redirect'], undefined)
  }
  const plain = await openPublished(t, undefined)
  for (let time = 0; time < 2; time++) {
    t.ok((await get(plain.url)).body.equals(plain.sample.bytes))
  }
})

t.test('what the cache holds is sent by us', async (t) => {
  const { gateway, sample, url } = await openPublished(t, PREFIX, false)
  const getting = get(url)
  await until(() => gateway.swarm.joined.length === 1)
  for (const index of [0, 1, 2]) await gateway.swarm.deliver(sample, index, gateway.descriptors)
  t.ok((await getting).body.equals(sample.bytes))
  t.ok((await get(url)).body.equals(sample.bytes))
})

t.test('content that was unpublished is not left to the front', async (t) => {
  const { gateway, infoHash, url } = await openPublished(t, PREFIX)
  await get(url)
  gateway.fleet.unpublish(infoHash)
  const got = await get(url)
  t.equal(got.status, 410)
  t.equal(got.headers['x-accel-redirect'], undefined)
})
