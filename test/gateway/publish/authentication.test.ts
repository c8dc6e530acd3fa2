import { createHash } from 'node:crypto'
import t, { type Test } from 'tap'
import { exchange } from '../../lib/http/exchange.ts'
import { createFleet, entryOf, HASH, keyOf } from './fleet.ts'
import { type GatewayOptions, openGateway } from './gateway-rig.ts'

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')

/** A gateway whose uploads answer 201 with the principal, and note that they were reached. */
async function openRecording(t: Test, options: GatewayOptions = {}) {
  const published: string[] = []
  const gateway = await openGateway(t, {
    ...options,
    uploads: (app, admit) => {
      app.removeAllContentTypeParsers()
      app.addContentTypeParser('*', (_request, _payload, done) => done(null))
      app.put('/v1/files/*', { config: { body: 'stream' } }, async (request, reply) => {
        const { principal } = await admit(request)
        published.push(principal)
        return reply.code(201).send(principal)
      })
    }
  })
  return { ...gateway, published }
}

const put = (url: string, headers: Record<string, string> = {}) =>
  fetch(`${url}/v1/files/a.txt`, { method: 'PUT', body: 'content', headers })

const bearer = (key: string) => ({ authorization: `Bearer ${key}` })

t.test('without any key a program on this machine publishes', async (t) => {
  const { url, published } = await openRecording(t)
  t.equal((await put(url)).status, 201)
  t.same(published, ['local'])
})

t.test('without any key nothing foreign is published or read', async (t) => {
  const { port, published, fleet } = await openRecording(t)
  fleet.apply({ type: 'entry', entry: entryOf() })
  const own = `Host: 127.0.0.1:${port}`
  const foreign = [
    [own, 'X-Forwarded-For: 1.2.3.4'],
    [own, 'Via: 1.1 front'],
    [own, 'Forwarded: for=1.2.3.4'],
    [own, 'X-Real-IP: 1.2.3.4'],
    [own, 'Origin: https://evil.example'],
    [own, 'Origin: null'],
    [own, 'Sec-Fetch-Site: cross-site'],
    [`Host: evil.example:${port}`],
    ['Host: 127.0.0.1']
  ]
  for (const lines of foreign) {
    for (const start of ['PUT /v1/files/a HTTP/1.1', `DELETE /v1/torrents/${HASH} HTTP/1.1`]) {
      const head = [start, ...lines, 'Content-Length: 0', 'Connection: close']
      const answer = await exchange(port, `${head.join('\r\n')}\r\n\r\n`)
      t.equal(answer.status, 401, `${start} ${lines.join(', ')}`)
      t.equal(answer.headers.get('content-type'), 'application/problem+json')
    }
  }
  const absolute = `PUT http://evil.example/v1/files/a HTTP/1.1\r\n${own}\r\nConnection: close\r\n\r\n`
  t.equal((await exchange(port, absolute)).status, 401, 'absolute form')
  t.equal((await exchange(port, `PUT /v1/files/a HTTP/1.0\r\n${own}\r\n\r\n`)).status, 401, '1.0')
  t.same(published, [])
  t.equal(fleet.entries.get(HASH)?.state, 'published')
})

t.test('a configured key publishes from anywhere, and then nothing goes without one', async (t) => {
  const { url, published } = await openRecording(t, { secrets: ['alpha', 'beta'] })
  t.equal((await put(url)).status, 401)
  t.equal((await put(url, bearer('alph'))).status, 401)
  t.equal((await put(url, bearer('alpha2'))).status, 401)
  t.equal((await put(url, { authorization: 'Basic alpha' })).status, 401)
  t.same(published, [])

  const foreign = { 'x-forwarded-for': '1.2.3.4', origin: 'https://app.example' }
  t.equal((await put(url, { ...foreign, ...bearer('beta') })).status, 201)
  t.equal((await put(url, { authorization: 'bearer alpha' })).status, 201, 'scheme in any case')
  t.equal(new Set(published).size, 2, 'each key is a principal of its own')
  t.notMatch(published.join(), /alpha|beta/, 'whose name does not tell the key')
})

t.test('everything under /v1 needs a key once one exists, also what does not exist', async (t) => {
  const { url } = await openRecording(t, { secrets: ['alpha'] })
  for (const path of ['/v1', '/v1/', '/v1/torrents', `/v1/torrents/${HASH}`, '/v1/nothing']) {
    const answer = await fetch(url + path)
    t.equal(answer.status, 401, path)
    t.match(answer.headers.get('www-authenticate') ?? '', /^Bearer/, path)
  }
  t.equal((await fetch(`${url}/v1/torrents`, { headers: bearer('alpha') })).status, 200)
  t.equal((await fetch(`${url}/${HASH}/movie.mp4`)).status, 200, 'reading content never does')
})

t.test('a key of the feed counts by its hash and within its scopes', async (t) => {
  const fleet = createFleet()
  fleet.keyList = [
    keyOf(sha256('all'), { id: 'all' }),
    keyOf(sha256('reader'), { id: 'reader', scopes: ['read'] }),
    keyOf(sha256('writer'), { id: 'writer', scopes: ['publish'] }),
    keyOf(sha256('gone'), { id: 'gone', revoked: true }),
    keyOf('not a hash', { id: 'broken' })
  ]
  const { url, published } = await openRecording(t, { fleet })
  const list = (key: string) => fetch(`${url}/v1/torrents`, { headers: bearer(key) })

  t.equal((await put(url, bearer('all'))).status, 201)
  t.equal((await put(url, bearer('writer'))).status, 201)
  t.equal((await put(url, bearer('reader'))).status, 403)
  t.equal((await put(url, bearer('gone'))).status, 401)
  t.equal((await put(url, bearer(sha256('all')))).status, 401, 'the hash is not the key')
  t.equal((await list('reader')).status, 200)
  t.equal((await list('writer')).status, 403)
  t.same(published, ['all', 'writer'])
})

t.test('a revoked last key does not open the gateway again', async (t) => {
  const fleet = createFleet()
  fleet.keyList = [keyOf(sha256('gone'), { revoked: true })]
  const { url } = await openRecording(t, { fleet })
  t.equal((await put(url)).status, 401)
})

t.test('until the keys are known the answer is 503 with Retry-After', async (t) => {
  for (const address of ['0.0.0.0', '127.0.0.1']) {
    const fleet = createFleet()
    fleet.keysKnown = false
    const { url, published } = await openRecording(t, { fleet, address, secrets: [] })
    for (const headers of [{}, bearer('some')]) {
      const answer = await put(url, headers)
      t.equal(answer.status, 503, address)
      t.ok(Number(answer.headers.get('retry-after')) > 0)
    }
    fleet.keysKnown = true
    t.equal((await put(url, bearer('some'))).status, 401)
    t.equal((await put(url)).status, address === '0.0.0.0' ? 401 : 201)
    t.same(published, address === '0.0.0.0' ? [] : ['local'])
  }
})

t.test('a configured key works while the keys of the feed are unknown', async (t) => {
  const fleet = createFleet()
  fleet.keysKnown = false
  const { url } = await openRecording(t, { fleet, secrets: ['alpha'] })
  t.equal((await put(url, bearer('alpha'))).status, 201)
  t.equal((await put(url)).status, 401)
  t.equal((await put(url, bearer('other'))).status, 503)
})
