import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { text } from 'node:stream/consumers'
import t, { type Test } from 'tap'
import { leftovers, openRig, openUpload, sha256, someBytes } from '../rig.ts'

type Rig = Awaited<ReturnType<typeof openRig>>

const put = (url: string, body: Buffer, headers: Record<string, string> = {}) =>
  fetch(url, { method: 'PUT', body, headers })

async function problem(answer: IncomingMessage) {
  return JSON.parse(await text(answer))
}

/** Nothing was kept: not staged, not stored, not in the catalogue. */
async function nothingKept(t: Test, { folder, catalogue, ingest }: Rig): Promise<void> {
  await ingest.close()
  t.same(await leftovers(folder), { staged: [], stored: [] }, 'nothing on the disk')
  t.same(catalogue.commits, [], 'nothing in the catalogue')
}

t.test('an upload that is cut leaves nothing', async (t) => {
  for (const headers of [{ 'content-length': 3_000_000 }, { 'transfer-encoding': 'chunked' }]) {
    const rig = await openRig(t)
    const { upload } = openUpload(`${rig.url}/v1/files/cut`, { ...headers, expect: '100-continue' })
    upload.on('error', () => {})
    upload.flushHeaders()
    await once(upload, 'continue')
    await new Promise((resolve) => upload.write(someBytes(1_100_000), resolve))
    upload.destroy()
    await t.rejects(Promise.all(rig.uploads), { code: 'REQUEST_INVALID', message: /sender left/ })
    await nothingKept(t, rig)
  }
})

t.test('an upload that falls silent is given up with 408', async (t) => {
  const rig = await openRig(t, { maxIdleMs: 50 })
  const { upload, answered } = openUpload(`${rig.url}/v1/files/silent`, {
    'content-length': 3_000_000
  })
  upload.write(someBytes(100_000))
  const answer = await answered
  t.equal(answer.statusCode, 408)
  t.match(await problem(answer), { code: 'REQUEST_TIMEOUT' })
  upload.destroy()
  await nothingKept(t, rig)
})

t.test('a declared size over the limit is refused before the body is asked for', async (t) => {
  const rig = await openRig(t, { maxUploadBytes: 1000 })
  const { upload, answered } = openUpload(`${rig.url}/v1/files/large`, {
    'content-length': 1001,
    expect: '100-continue'
  })
  upload.on('continue', () => t.fail('the body was asked for'))
  upload.flushHeaders()
  const answer = await answered
  t.equal(answer.statusCode, 413)
  t.match(await problem(answer), { code: 'UPLOAD_TOO_LARGE', detail: /1000/ })
  upload.destroy()
  await nothingKept(t, rig)
})

t.test('the limit of the principal counts as well', async (t) => {
  const rig = await openRig(t, { admitted: { maxBytes: 10 } })
  t.equal((await put(`${rig.url}/v1/files/large`, someBytes(11))).status, 413)
  t.equal((await put(`${rig.url}/v1/files/fits`, someBytes(10))).status, 201)
})

t.test('a chunked body over the limit is refused in the middle', async (t) => {
  const rig = await openRig(t, { maxUploadBytes: 1_500_000 })
  const { upload, answered } = openUpload(`${rig.url}/v1/files/large`, {})
  upload.on('error', () => {})
  upload.write(someBytes(1_500_001))
  const answer = await answered
  t.equal(answer.statusCode, 413)
  await t.rejects(Promise.all(rig.uploads), { code: 'UPLOAD_TOO_LARGE' })
  answer.resume()
  upload.destroy()
  await nothingKept(t, rig)
})

t.test('without room the answer is 507 before the body is asked for', async (t) => {
  const rig = await openRig(t, { freeBytes: async () => 2 ** 25 + 999 })
  const { upload, answered } = openUpload(`${rig.url}/v1/files/full`, {
    'content-length': 1000,
    expect: '100-continue'
  })
  upload.on('continue', () => t.fail('the body was asked for'))
  upload.flushHeaders()
  const answer = await answered
  t.equal(answer.statusCode, 507)
  t.match(await problem(answer), { code: 'STORE_FULL' })
  upload.destroy()
  await nothingKept(t, rig)
})

t.test('a digest that does not match is refused and nothing is kept', async (t) => {
  const bytes = someBytes(500_000)
  const wrong = sha256(someBytes(5), 'base64')
  for (const header of ['repr-digest', 'content-digest']) {
    const rig = await openRig(t)
    const answer = await put(`${rig.url}/v1/files/x`, bytes, { [header]: `sha-256=:${wrong}:` })
    t.equal(answer.status, 422)
    t.match(await answer.json(), { code: 'DIGEST_MISMATCH' })
    await nothingKept(t, rig)
  }
})

t.test('digests that match are fine, unknown algorithms are ignored', async (t) => {
  const { url } = await openRig(t)
  const bytes = someBytes(500_000)
  const digest = `unixsum=:AAAA:, sha-256=:${sha256(bytes, 'base64')}:`
  t.equal((await put(`${url}/v1/files/x`, bytes, { 'repr-digest': digest })).status, 201)
})

t.test('a malformed digest is 400 before the body is read', async (t) => {
  const rig = await openRig(t)
  const answer = await put(`${rig.url}/v1/files/x`, someBytes(5), { 'repr-digest': 'sha-256=abc' })
  t.equal(answer.status, 400)
  await nothingKept(t, rig)
})

t.test('a name that is not allowed is 422 with the segment named', async (t) => {
  const rig = await openRig(t)
  for (const name of ['a%2Fb', 'a/b', '%2e%2e%2fx', 'x%00', 'x%E2%80%AEy', 'n'.repeat(256)]) {
    const { upload, answered } = openUpload(`${rig.url}/v1/files/${name}`, { 'content-length': 1 })
    upload.end('x')
    const answer = await answered
    t.equal(answer.statusCode, 422, name)
    const { code, errors } = await problem(answer)
    t.equal(code, 'NAME_NOT_ALLOWED')
    t.ok(errors[0].detail.includes(JSON.stringify(decodeURIComponent(name))))
  }
  await nothingKept(t, rig)
})

t.test('a URL without a name says how to make one', async (t) => {
  const rig = await openRig(t)
  for (const path of ['/v1/files/', '/v1/files']) {
    const answer = await put(rig.url + path, someBytes(5))
    t.equal(answer.status, 422)
    t.match(await answer.json(), { code: 'NAME_NOT_ALLOWED', detail: /curl -T/ })
  }
  await nothingKept(t, rig)
})

t.test('a part or an encoding of a file is not taken for the file', async (t) => {
  const rig = await openRig(t)
  const part = { 'content-range': 'bytes 5-9/10' }
  t.equal((await put(`${rig.url}/v1/files/x`, someBytes(5), part)).status, 400)
  const gzip = { 'content-encoding': 'gzip' }
  t.equal((await put(`${rig.url}/v1/files/x`, someBytes(5), gzip)).status, 415)
  await nothingKept(t, rig)
})

t.test('uploads beyond the number a seeder takes are told to come back', async (t) => {
  const { url } = await openRig(t, { maxUploads: 1 })
  const first = openUpload(`${url}/v1/files/first`, {
    'content-length': 4,
    expect: '100-continue'
  })
  first.upload.flushHeaders()
  await once(first.upload, 'continue')
  const second = await put(`${url}/v1/files/second`, someBytes(4))
  t.equal(second.status, 429)
  t.ok(second.headers.get('retry-after'))
  first.upload.end('done')
  const answer = await first.answered
  t.equal(answer.statusCode, 201)
  answer.resume()
  t.equal(
    (await put(`${url}/v1/files/second`, someBytes(4))).status,
    201,
    'the place is free again'
  )
})

t.test('a tracker that does not answer is 503, and the upload is kept', async (t) => {
  const { url, catalogue, library, publisher, folder } = await openRig(t)
  catalogue.down = true
  const answer = await put(`${url}/v1/files/kept`, someBytes(5000))
  t.equal(answer.status, 503)
  t.match(await answer.json(), { code: 'TRACKER_UNAVAILABLE', detail: /offered .* again/ })
  const [infoHash] = library.list()
  t.ok(infoHash && library.complete(infoHash))
  t.same([...publisher.unanswered], [infoHash])
  t.same((await leftovers(folder)).staged, [])

  catalogue.down = false
  const again = await put(`${url}/v1/files/kept`, someBytes(5000))
  t.equal(again.status, 201, 'repeating the request publishes it')
  t.equal(publisher.unanswered.size, 0)
})

t.test('a seeder that closes gives its uploads up', async (t) => {
  const rig = await openRig(t)
  const { upload, answered } = openUpload(`${rig.url}/v1/files/x`, {
    'content-length': 3_000_000,
    expect: '100-continue'
  })
  upload.flushHeaders()
  await once(upload, 'continue')
  await nothingKept(t, rig)
  const answer = await answered
  t.equal(answer.statusCode, 503)
  answer.resume()
  upload.destroy()
})
