/** nginx sends the files of the library for the gateway (`deploy/nginx-accel.conf`). */
import { readFile, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { testFolder } from '../fakes/test-folder.ts'
import { run, without } from './clients.ts'
import { together } from './fleet.ts'
import { nginxFront } from './nginx.ts'
import { eventually, fetchBytes, noise, pathOf, publish, sha256 } from './publish.ts'

const SIZE = 3 * 2 ** 20 + 11
const PREFIX = '/.swarmgate-library'

interface Site {
  readonly gateway: string
  /** Base URL of nginx. */
  readonly front: string
  readonly data: string
  /** Content bytes that the gateway itself has sent. */
  sent(): Promise<number>
}

async function openSite(t: Test): Promise<Site> {
  const folder = testFolder(t)
  const data = join(folder, 'data')
  const { gateway, seeder } = await together(t, data, {
    SWARMGATE_GATEWAY_ACCEL: `x-accel-redirect=${PREFIX}`,
    SWARMGATE_TRUSTED_PROXIES: '127.0.0.1'
  })
  const front = await nginxFront(t, join(folder, 'nginx'), 'nginx-accel.conf', {
    'http://127.0.0.1:8080': gateway,
    '/var/lib/swarmgate/seeder/library/': `${data}/seeder/library/`
  })
  const sent = async () => {
    const metrics = await (await fetch(`${seeder.addresses.admin}/metrics`)).text()
    const sample = /^swarmgate_http_response_bytes_total\{source="library"\} (\d+)/m.exec(metrics)
    return Number(sample?.[1] ?? 0)
  }
  return { gateway, front, data, sent }
}

t.test('nginx sends library files', { skip: without('nginx', 'curl') }, async (t) => {
  const site = await openSite(t)
  const bytes = noise(SIZE, 71)
  const published = await publish(site.gateway, 'movie.mp4', bytes)
  const path = pathOf(published)
  const url = site.front + path
  const etag = `"${published.infoHash}.0"`

  await t.test('a file that nobody has proven yet goes through the gateway', async (t) => {
    const part = await fetchBytes(url, { range: 'bytes=10-19' })
    t.equal(part.response.status, 206)
    t.ok(part.bytes.equals(bytes.subarray(10, 20)))
    t.equal(await site.sent(), 10)
  })

  await t.test('which proves it meanwhile', async () => {
    await eventually(async () => {
      const { headers } = await fetch(site.gateway + path, { headers: { range: 'bytes=0-0' } })
      return headers.get('x-accel-redirect') ?? undefined
    })
  })

  const before = await site.sent()
  const direct = await fetch(site.gateway + path, { method: 'HEAD' })

  await t.test('from then on the gateway names the file and sends nothing', async (t) => {
    const named = await fetchBytes(site.gateway + path)
    t.equal(named.bytes.length, 0)
    t.equal(
      named.response.headers.get('x-accel-redirect'),
      `${PREFIX}/${published.infoHash.slice(0, 2)}/${published.infoHash}/files/0`
    )
    const { response, bytes: got } = await fetchBytes(url)
    t.equal(response.status, 200)
    t.equal(sha256(got), sha256(bytes))
    t.equal(response.headers.get('x-accel-redirect'), null, 'the client sees no place on the disk')
    t.equal(await site.sent(), before)
  })

  await t.test('the client sees the headers of the gateway', async (t) => {
    const { headers } = await fetch(url)
    for (const name of [
      'etag',
      'last-modified',
      'cache-control',
      'content-type',
      'content-length',
      'content-disposition',
      'accept-ranges',
      'repr-digest',
      'link',
      'x-content-type-options',
      'access-control-allow-origin',
      'access-control-expose-headers'
    ]) {
      t.ok(direct.headers.get(name), name)
      t.equal(headers.get(name), direct.headers.get(name), name)
    }
  })

  await t.test('a range is that range', async (t) => {
    for (const [range, start, end] of [
      ['bytes=0-0', 0, 1],
      ['bytes=0-1', 0, 2],
      ['bytes=1000000-1999999', 1_000_000, 2_000_000],
      ['bytes=0-', 0, SIZE],
      [`bytes=${SIZE - 1}-`, SIZE - 1, SIZE],
      ['bytes=5-99999999', 5, SIZE],
      ['bytes=-500', SIZE - 500, SIZE],
      ['bytes=-99999999', 0, SIZE]
    ] as const) {
      const { response, bytes: got } = await fetchBytes(url, { range })
      t.equal(response.status, 206, range)
      t.equal(response.headers.get('content-range'), `bytes ${start}-${end - 1}/${SIZE}`)
      t.equal(response.headers.get('etag'), etag)
      t.ok(got.equals(bytes.subarray(start, end)), range)
    }
    t.equal(await site.sent(), before)
  })

  await t.test('HEAD, 304, 412 and 416 are the gateway’s own', async (t) => {
    const head = await fetch(url, { method: 'HEAD' })
    t.match([head.status, head.headers.get('content-length')], [200, String(SIZE)])
    t.equal(head.headers.get('etag'), etag)
    const status = async (headers: Record<string, string>) =>
      (await fetchBytes(url, headers)).response.status
    const modified = direct.headers.get('last-modified') ?? ''
    t.equal(await status({ 'if-none-match': etag }), 304)
    t.equal(await status({ 'if-none-match': '*' }), 304)
    t.equal(await status({ 'if-modified-since': modified }), 304)
    t.equal(await status({ 'if-match': '"another"' }), 412)
    t.equal(await status({ 'if-unmodified-since': 'Thu, 01 Jan 2015 00:00:00 GMT' }), 412)
    t.equal(await status({ range: `bytes=${SIZE}-` }), 416)
    t.equal(await site.sent(), before)
  })

  await t.test('conditions that hold bring the file, whatever nginx thinks of it', async (t) => {
    const modified = direct.headers.get('last-modified') ?? ''
    for (const headers of [
      { 'if-none-match': '"another"' },
      { 'if-none-match': '"another"', 'if-modified-since': modified },
      { 'if-modified-since': 'Thu, 01 Jan 2015 00:00:00 GMT' },
      { 'if-match': etag },
      { 'if-match': '*' },
      { 'if-unmodified-since': modified }
    ]) {
      const { response, bytes: got } = await fetchBytes(url, { ...headers } as never)
      t.equal(response.status, 200, JSON.stringify(headers))
      t.ok(got.equals(bytes))
    }
  })

  await t.test('If-Range decides as the gateway would', async (t) => {
    const modified = direct.headers.get('last-modified') ?? ''
    const sentBefore = await site.sent()
    for (const ifRange of [etag, modified]) {
      const { response, bytes: got } = await fetchBytes(url, {
        range: 'bytes=100-199',
        'if-range': ifRange
      })
      t.equal(response.status, 206, ifRange)
      t.ok(got.equals(bytes.subarray(100, 200)))
    }
    t.equal(await site.sent(), sentBefore, 'nginx sent them')
    for (const ifRange of ['"another"', `W/${etag}`, 'Thu, 01 Jan 2015 00:00:00 GMT']) {
      const { response, bytes: got } = await fetchBytes(url, {
        range: 'bytes=100-199',
        'if-range': ifRange
      })
      t.equal(response.status, 200, ifRange)
      t.ok(got.equals(bytes))
    }
  })

  await t.test('several ranges and odd ones are answered as by the gateway', async (t) => {
    for (const range of ['bytes=0-1,5-6', 'bytes=0-1,', 'bytes=9-1', 'lines=1-2']) {
      const own = await fetchBytes(site.gateway + path, { range, 'if-match': etag })
      const { response, bytes: got } = await fetchBytes(url, { range })
      t.equal(response.status, own.response.status, range)
      t.equal(got.length, own.bytes.length, range)
    }
    const { response } = await fetchBytes(url, { range: 'bytes=0-1,5-6' })
    t.match(response.headers.get('content-type') ?? '', /^multipart\/byteranges/)
  })

  await t.test('curl goes on where a download stopped', async (t) => {
    const part = join(site.data, '..', 'part')
    await writeFile(part, bytes.subarray(0, 1_000_001))
    const { code } = await run(t, 'curl', ['-fsS', '-C', '-', '-o', part, url])
    t.equal(code, 0)
    t.equal(sha256(await readFile(part)), sha256(bytes))
  })

  await t.test('the place itself is nobody’s to ask for', async (t) => {
    const place = `${PREFIX}/${published.infoHash.slice(0, 2)}/${published.infoHash}/files/0`
    t.equal((await fetch(site.front + place)).status, 404)
  })

  await t.test('active content keeps its sandbox, and so its way through us', async (t) => {
    const page = Buffer.from('<script>alert(1)</script>')
    const one = await publish(site.gateway, 'page.html', page)
    for (let time = 0; time < 2; time++) {
      const { response, bytes: got } = await fetchBytes(site.front + pathOf(one))
      t.match(response.headers.get('content-security-policy') ?? '', /^sandbox/)
      t.ok(got.equals(page))
    }
  })

  await t.test('an archive goes through the gateway', async (t) => {
    const { response, bytes: got } = await fetchBytes(`${url}?format=tar`)
    t.equal(response.headers.get('content-type'), 'application/x-tar')
    t.ok(got.subarray(512, 512 + SIZE).equals(bytes))
  })

  await t.test('a file that was cut is not sent as if it were whole', async (t) => {
    const { infoHash } = published
    const file = `${site.data}/seeder/library/${infoHash.slice(0, 2)}/${infoHash}/files/0`
    await truncate(file, 1000)
    const { response, bytes: got } = await fetchBytes(url, { range: 'bytes=0-9' })
    t.equal(response.headers.get('content-range'), `bytes 0-9/${SIZE}`)
    t.ok(got.equals(bytes.subarray(0, 10)))
  })
})
