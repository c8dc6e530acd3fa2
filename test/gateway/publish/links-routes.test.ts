import { createHash } from 'node:crypto'
import t, { type Test } from 'tap'
import { parseContentPath } from '../../../core/content-path.ts'
import { readLink } from '../../../gateway/access/signed-link.ts'
import { createSigningKeys } from '../../../gateway/access/signing-keys.ts'
import { linksRoutes } from '../../../gateway/publish/links-routes.ts'
import { createBaseUrl } from '../../../lib/api/base-url.ts'
import { closeHttpApp, createHttpApp } from '../../../lib/http/app.ts'
import { silentLog as log } from '../../fakes/silent-log.ts'
import { createFleet, entryOf, HASH, keyOf } from './fleet.ts'
import { openGateway } from './gateway-rig.ts'

const NOW = Date.UTC(2026, 10, 22, 12, 0, 0, 500)
const DAY = 24 * 3_600_000
const key = { id: 'k1', secret: 'a secret of a test' }
const file = { size: 1, sha256: null, crc32: null }
const FOLDER = entryOf({
  name: 'album',
  single: false,
  files: [
    { ...file, index: 0, path: 'disc 1/one.flac' },
    { ...file, index: 1, path: 'disc 10/two.flac' }
  ]
})

async function open(t: Test, { entry = FOLDER, keys = [key] } = {}) {
  const fleet = createFleet()
  fleet.apply({ type: 'entry', entry })
  const app = createHttpApp({ log })
  t.teardown(() => closeHttpApp(app, 0))
  const signingKeys = createSigningKeys({
    configured: undefined,
    replica: { signingKeys: () => keys.map((one) => ({ ...one, revision: 1 })) }
  })
  const baseUrlOf = createBaseUrl('https://gateway.test')
  linksRoutes(app, { replica: fleet, signingKeys, baseUrlOf, now: () => NOW })
  return async (body: object, infoHash: string = HASH) => {
    const url = `/v1/torrents/${infoHash}/links`
    const answer = await app.inject({ method: 'POST', url, body })
    return { status: answer.statusCode, ...answer.json() }
  }
}

/** What the gateway makes of a URL that it handed out. */
function follow(url: string, { address = '192.0.2.1', now = NOW } = {}) {
  const { host, pathname } = new URL(url)
  const [, token = '', path = ''] = /^\/s\/([^/]+)(\/.*)$/.exec(pathname) ?? []
  const target = parseContentPath(path)
  if ('error' in target) throw new Error(target.detail)
  const { infoHash, segments } = target
  return { path, ...readLink([key], token, { host, infoHash, segments, address, now }) }
}

t.test('a link opens the file it was asked for, for a day unless told', async (t) => {
  const ask = await open(t)
  const { status, url, expiresAt } = await ask({ path: 'disc 1/one.flac' })
  t.equal(status, 201)
  t.equal(expiresAt, '2026-11-23T12:00:01.000Z')
  t.match(follow(url), { path: `/${HASH}/album/disc%201/one.flac`, status: 'ok' })
  t.equal(follow(url, { now: NOW + DAY + 500 }).status, 'expired')
  t.equal(follow(url.replace('one.flac', 'other')).status, 'invalid')
})

t.test('a folder opens with all below it and nothing beside it', async (t) => {
  const ask = await open(t)
  for (const path of ['disc 1', 'disc 1/']) {
    const { url } = await ask({ path })
    t.match(follow(url), { path: `/${HASH}/album/disc%201/`, status: 'ok' })
    t.equal(follow(`${url}one.flac`).status, 'ok')
    t.equal(follow(url.replace('%201/', '%2010/')).status, 'invalid')
  }
})

t.test('without a path all of the torrent is opened', async (t) => {
  const whole = await open(t)
  const { url } = await whole({})
  t.match(follow(url), { path: `/${HASH}/album/`, status: 'ok' })
  t.equal(follow(url.replace('album/', '')).status, 'ok')
  const single = await open(t, { entry: entryOf() })
  for (const body of [{}, { path: '' }, { path: 'movie.mp4' }]) {
    t.match(follow((await single(body)).url), { path: `/${HASH}/movie.mp4`, status: 'ok' })
  }
})

t.test('the life of a link has a unit or is seconds, and an end', async (t) => {
  const ask = await open(t)
  t.equal((await ask({ expiresIn: '90s' })).expiresAt, '2026-11-22T12:01:31.000Z')
  t.equal((await ask({ expiresIn: 90 })).expiresAt, '2026-11-22T12:01:31.000Z')
  t.equal((await ask({ expiresIn: '366d' })).status, 201)
  for (const expiresIn of ['367d', '10ms', 0, -5, 'tomorrow', '1e9d', 1.5, null, {}]) {
    const answer = await ask({ expiresIn })
    t.match(answer, { status: 400, code: 'REQUEST_INVALID' }, JSON.stringify(expiresIn))
  }
})

t.test('a link may be for one address only', async (t) => {
  const ask = await open(t)
  const { url } = await ask({ ip: '2001:DB8::1' })
  t.equal(follow(url, { address: '2001:db8:0::1' }).status, 'ok')
  t.equal(follow(url).status, 'invalid')
  for (const ip of ['', 'localhost', '10.0.0.0/8', '10.0.0.1:80']) {
    t.match(await ask({ ip }), { status: 400, code: 'REQUEST_INVALID' }, ip)
  }
})

t.test('what is not there has no link', async (t) => {
  const ask = await open(t)
  t.match(await ask({ path: 'disc' }), { status: 404, code: 'FILE_UNKNOWN' })
  t.match(await ask({ path: '../x' }), { status: 404, code: 'FILE_UNKNOWN' })
  t.match(await ask({}, '0'.repeat(40)), { status: 404, code: 'CONTENT_UNKNOWN' })
  t.match(await ask({}, 'nonsense'), { status: 400, code: 'INFOHASH_INVALID' })
  t.match(await ask({ what: 1 }), { status: 400, code: 'REQUEST_INVALID' })
  const gone = await open(t, { entry: entryOf({ state: 'unpublished' }) })
  t.match(await gone({}), { status: 410, code: 'CONTENT_GONE' })
})

t.test('a link needs a key that may publish', async (t) => {
  const hash = (secret: string) => createHash('sha256').update(secret).digest('hex')
  const { url, fleet } = await openGateway(t)
  fleet.apply({ type: 'entry', entry: entryOf() })
  fleet.keyList = [
    keyOf(hash('reader'), { scopes: ['read'] }),
    keyOf(hash('writer'), { id: 'key-2', scopes: ['publish'] })
  ]
  const ask = async (secret: string) => {
    const headers = { authorization: `Bearer ${secret}`, 'content-type': 'application/json' }
    const link = `${url}/v1/torrents/${HASH}/links`
    return (await fetch(link, { method: 'POST', headers, body: '{}' })).status
  }
  t.equal(await ask('reader'), 403)
  t.equal(await ask('nobody'), 401)
  t.equal(await ask('writer'), 201)
})

t.test('until a key is known there are no links', async (t) => {
  const ask = await open(t, { keys: [] })
  t.match(await ask({}), { status: 503, code: 'TRACKER_UNAVAILABLE' })
})
