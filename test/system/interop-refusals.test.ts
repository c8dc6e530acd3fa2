/**
 * What a gateway refuses to publish: uploads that were cut, digests that do not match, names nobody
 * could save, and requests of strangers while no key exists. Nothing of them is kept.
 */
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { type IncomingHttpHeaders, request } from 'node:http'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { testFolder } from '../fakes/test-folder.ts'
import { type Installation, PLACES, publishAt } from './fleet.ts'
import { leftovers, stored } from './leftovers.ts'
import { eventually, noise } from './publish.ts'

const SIZE = 5 * 2 ** 20
const SENT = 3 * 2 ** 20
const KEY = 'a-key-of-the-test-that-is-long-enough'

interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: { readonly code?: string; readonly detail?: string; readonly errors?: unknown }
}

/** PUTs to a target exactly as it is written, which `fetch` would tidy up. */
async function put(
  gateway: string,
  target: string,
  headers: Readonly<Record<string, string>>,
  body: Buffer
): Promise<Answer> {
  const { hostname, port } = new URL(gateway)
  const sent = request({ hostname, port, path: target, method: 'PUT', headers, agent: false })
  sent.end(body)
  const [response] = await once(sent, 'response')
  const chunks: Buffer[] = []
  for await (const chunk of response) chunks.push(chunk)
  const { statusCode: status, headers: received } = response
  return { status, headers: received, body: JSON.parse(Buffer.concat(chunks).toString()) }
}

/** The files a seeder holds, and that nothing else lies about. */
async function nothingMore(t: Test, site: Installation, before: readonly string[]) {
  await eventually(async () => (await leftovers(site)).length === 0 || undefined)
  t.same(await stored(site), before, 'the library is as it was')
}

const CUTS: Readonly<Record<string, (socket: Socket) => void>> = {
  'the connection is reset': (socket) => void socket.resetAndDestroy(),
  'the client closes': (socket) => void socket.end()
}

/** Sends the head and part of a body, waits until it arrives on the disk, then cuts. */
async function cutUpload(site: Installation, head: string, part: Buffer, cut: string) {
  const { hostname, port, host } = new URL(site.gateway)
  const socket = connect(Number(port), hostname)
  socket.on('error', () => {})
  let answer = ''
  socket.on('data', (chunk) => {
    answer += chunk
  })
  await once(socket, 'connect')
  socket.write(`PUT /v1/files/cut.bin HTTP/1.1\r\nHost: ${host}\r\n${head}\r\n\r\n`)
  socket.write(part)
  await eventually(async () => (await leftovers(site)).length > 0 || undefined)
  CUTS[cut]?.(socket)
  if (!socket.destroyed) await once(socket, 'close')
  return answer
}

for (const { where, install } of PLACES) {
  t.test(`nothing is kept of an upload that is refused, ${where}`, async (t) => {
    const data = testFolder(t)
    const site = await install(t, join(data, 'data'))
    await publishAt(site, 'first.bin', noise(1000, 40))
    const before = await stored(site)
    const bytes = noise(SIZE, 41)

    for (const cut of Object.keys(CUTS)) {
      await t.test(`in the middle of a body ${cut}`, async (t) => {
        const part = bytes.subarray(0, SENT)
        const sized = await cutUpload(site, `Content-Length: ${SIZE}`, part, cut)
        t.notMatch(sized, /^HTTP\/1.1 2/)
        await nothingMore(t, site, before)
        const size = Buffer.from(`${SENT.toString(16)}\r\n`)
        const chunk = Buffer.concat([size, part, Buffer.from('\r\n')])
        const chunked = await cutUpload(site, 'Transfer-Encoding: chunked', chunk, cut)
        t.notMatch(chunked, /^HTTP\/1.1 2/)
        await nothingMore(t, site, before)
      })
    }

    await t.test('a digest that does not match', async (t) => {
      const digest = createHash('sha256').update('something else').digest('base64')
      for (const field of ['repr-digest', 'content-digest']) {
        const headers = { [field]: `sha-256=:${digest}:` }
        const answer = await put(site.gateway, '/v1/files/cut.bin', headers, bytes)
        t.match(answer, { status: 422, body: { code: 'DIGEST_MISMATCH' } }, field)
        t.match(answer.headers['content-type'], /^application\/problem\+json/)
      }
      await nothingMore(t, site, before)
    })

    await t.test('names that are not allowed, each named in the answer', async (t) => {
      for (const [name, segment] of BAD_NAMES) {
        const answer = await put(site.gateway, `/v1/files/${name}`, {}, bytes.subarray(0, 9))
        t.match(answer, { status: 422, body: { code: 'NAME_NOT_ALLOWED' } }, name)
        t.ok(answer.body.detail?.includes(segment), `${name}: ${answer.body.detail}`)
      }
      // The framework refuses these bytes of a URL itself, as a malformed request.
      const latin = await put(site.gateway, '/v1/files/latin%FF', {}, bytes.subarray(0, 9))
      t.ok([400, 422].includes(latin.status) && latin.body.detail?.includes('latin%FF'))
      await nothingMore(t, site, before)
    })

    const digest = createHash('sha256').update(bytes).digest('base64')
    const headers = { 'repr-digest': `sha-256=:${digest}:` }
    const whole = await put(site.gateway, '/v1/files/cut.bin', headers, bytes)
    t.equal(whole.status, 201, 'the same bytes, whole, are new to it')
  })
}

/** A name as it stands in the URL, and how the answer writes it. */
const BAD_NAMES: readonly (readonly [string, string])[] = [
  ['%2e', '.'],
  ['%2e%2e', '..'],
  ['a%2Fb', 'a/b'],
  ['a/b', 'a/b'],
  ['a%5Cb', 'a\\\\b'],
  ['tab%09', 'tab'],
  ['nul%00', 'nul'],
  ['line%0Abreak', 'line'],
  ['bidi%E2%80%AEtxt', 'bidi'],
  [`long${'x'.repeat(252)}`, 'longxxx'],
  ['', '/v1/files/']
]

/** What tells that a request is not of a program on this machine. */
const FOREIGN: readonly Readonly<Record<string, string>>[] = [
  { 'X-Forwarded-For': '203.0.113.9' },
  { 'X-Forwarded-Proto': 'https' },
  { Forwarded: 'for=203.0.113.9' },
  { Via: '1.1 proxy' },
  { 'X-Real-IP': '203.0.113.9' },
  { Host: 'example.org' },
  { Host: 'localhost' },
  { Host: 'localhost.example.org:8080' },
  { Origin: 'https://example.org' },
  { Origin: 'null' },
  { 'Sec-Fetch-Site': 'cross-site' },
  { 'Sec-Fetch-Site': 'same-site' }
]

for (const { where, install } of PLACES) {
  t.test(`strangers publish nothing without a key, ${where}`, async (t) => {
    const data = testFolder(t)
    const site = await install(t, join(data, 'data'))
    await publishAt(site, 'first.bin', noise(1000, 42))
    const before = await stored(site)
    const bytes = noise(70_000, 43)
    for (const headers of FOREIGN) {
      const answer = await put(site.gateway, '/v1/files/secret.bin', headers, bytes)
      t.match(answer, { status: 401, body: { code: 'KEY_REQUIRED' } }, JSON.stringify(headers))
    }
    await nothingMore(t, site, before)
    const own = { Origin: site.gateway, 'Sec-Fetch-Site': 'same-origin' }
    const local = await put(site.gateway, '/v1/files/secret.bin', own, bytes)
    t.equal(local.status, 201, 'the same request from here is taken, and was new')
  })
}

t.test('with a key, who has it may publish from anywhere, and nobody else from here', async (t) => {
  const data = testFolder(t)
  const site = await PLACES[0]!.install(t, join(data, 'data'), { SWARMGATE_API_KEYS: KEY })
  const bytes = noise(1000, 44)
  const without = await put(site.gateway, '/v1/files/a.bin', {}, bytes)
  t.match(without, { status: 401, body: { code: 'KEY_REQUIRED' } })
  const wrong = { Authorization: `Bearer ${KEY}x` }
  t.equal((await put(site.gateway, '/v1/files/a.bin', wrong, bytes)).status, 401)
  t.same(await stored(site), [])
  const right = { Authorization: `Bearer ${KEY}`, 'X-Forwarded-For': '203.0.113.9' }
  t.equal((await put(site.gateway, '/v1/files/a.bin', right, bytes)).status, 201)
})
