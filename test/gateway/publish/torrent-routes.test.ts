import t from 'tap'
import { type InfoHash, parseInfoHash } from '../../../core/info-hash.ts'
import type { Torrent } from '../../../lib/api/torrent.ts'
import { entryOf, HASH, nodeOf } from './fleet.ts'
import { openGateway } from './gateway-rig.ts'

const numbered = (n: number) => parseInfoHash(n.toString(16).padStart(40, '0')) as InfoHash

t.test('a torrent is answered with its links, copies and revision', async (t) => {
  const { url, fleet } = await openGateway(t)
  fleet.nodeList = [nodeOf({ id: 'a' }), nodeOf({ id: 'b', live: false })]
  fleet.apply({ type: 'entry', entry: entryOf() })
  const answer = await fetch(`${url}/v1/torrents/${HASH.toUpperCase()}`)
  t.equal(answer.status, 200)
  t.equal(answer.headers.get('etag'), '"5"')
  t.equal(answer.headers.get('cache-control'), 'no-store')
  const torrent = (await answer.json()) as Torrent
  t.match(torrent, { infoHash: HASH, status: 'seeding', size: 7, bytesDone: 7, tags: {} })
  t.same(
    torrent.replicas.nodes.map(({ id, status }) => [id, status]),
    [
      ['a', 'seeding'],
      ['b', 'offline']
    ]
  )
  t.equal(torrent.links.gateway, `${url}/${HASH}/movie.mp4`)
  t.equal(torrent.links.self, `${url}/v1/torrents/${HASH}`)
  t.match(torrent.links.magnet, `magnet:?xt=urn:btih:${HASH}`)
})

t.test('If-None-Match with the current revision is answered with 304', async (t) => {
  const { url, fleet } = await openGateway(t)
  fleet.apply({ type: 'entry', entry: entryOf() })
  const ask = (tag: string) =>
    fetch(`${url}/v1/torrents/${HASH}`, { headers: { 'if-none-match': tag } })
  for (const tag of ['"5"', 'W/"5"', '"4", "5"', '*']) t.equal((await ask(tag)).status, 304, tag)
  for (const tag of ['"4"', '5', '"55"']) t.equal((await ask(tag)).status, 200, tag)
})

t.test('what was never published is 404, what was unpublished 410, nonsense 400', async (t) => {
  const { url, fleet } = await openGateway(t)
  fleet.apply({ type: 'entry', entry: entryOf({ state: 'unpublished' }) })
  for (const [path, status, code] of [
    [numbered(1), 404, 'CONTENT_UNKNOWN'],
    [HASH, 410, 'CONTENT_GONE'],
    ['xyz', 400, 'INFOHASH_INVALID']
  ] as const) {
    const answer = await fetch(`${url}/v1/torrents/${path}`)
    t.equal(answer.status, status)
    t.match(await answer.json(), { code, status, errors: [] })
  }
})

t.test('while the tracker is down known torrents are answered, others are 503', async (t) => {
  const { url, fleet } = await openGateway(t)
  fleet.apply({ type: 'entry', entry: entryOf() })
  fleet.down = true
  t.equal((await fetch(`${url}/v1/torrents/${HASH}`)).status, 200)
  for (const [method, path] of [
    ['GET', `/${numbered(1)}`],
    ['DELETE', `/${HASH}`],
    ['GET', '']
  ] as const) {
    const answer = await fetch(`${url}/v1/torrents${path}`, { method })
    t.equal(answer.status, 503, `${method} ${path}`)
    t.equal(answer.headers.get('retry-after'), '2')
  }
})

t.test('DELETE is answered once the tombstone is committed, and takes effect here', async (t) => {
  const { url, fleet } = await openGateway(t)
  fleet.apply({ type: 'entry', entry: entryOf() })
  const remove = (infoHash: string) => fetch(`${url}/v1/torrents/${infoHash}`, { method: 'DELETE' })
  const answer = await remove(HASH)
  t.equal(answer.status, 204)
  t.equal(await answer.text(), '')
  t.equal((await fetch(`${url}/v1/torrents/${HASH}`)).status, 410)
  t.equal((await remove(HASH)).status, 204, 'again')
  t.equal((await remove(numbered(9))).status, 404)
  t.equal((await remove('nonsense')).status, 400)
})

t.test('the list comes in pages that link to the next', async (t) => {
  const { url, fleet } = await openGateway(t)
  for (let n = 1; n <= 5; n++) {
    fleet.apply({ type: 'entry', entry: entryOf({ infoHash: numbered(n) }) })
  }
  const seen: string[] = []
  let next: string | undefined = `${url}/v1/torrents?limit=2`
  for (let page = 0; next !== undefined && page < 9; page++) {
    const answer = await fetch(next)
    const { items, nextCursor } = (await answer.json()) as {
      items: Torrent[]
      nextCursor: string | null
    }
    seen.push(...items.map(({ infoHash }) => infoHash))
    next = /^<(.+)>; rel="next"$/.exec(answer.headers.get('link') ?? '')?.[1]
    t.equal(next === undefined, nextCursor === null)
  }
  t.same(seen, [1, 2, 3, 4, 5].map(numbered))
})

t.test('a query that the list does not know is refused, not ignored', async (t) => {
  const { url } = await openGateway(t)
  for (const query of ['limit=0', 'limit=501', 'limit=x', 'limit=1&limit=2', 'q=a', 'cursor=']) {
    const answer = await fetch(`${url}/v1/torrents?${query}`)
    t.equal(answer.status, 400, query)
    t.match(await answer.json(), { code: 'REQUEST_INVALID', errors: [{ detail: String }] })
  }
})

t.test('what /v1 does not have is a problem document, never content', async (t) => {
  const { url } = await openGateway(t)
  for (const [method, path, status, allow] of [
    ['GET', '/v1', 404, null],
    ['GET', '/v1/', 404, null],
    ['GET', '/v1/uploads', 404, null],
    ['POST', '/v1/uploads', 404, null],
    ['GET', '/v1/openapi.json', 404, null],
    ['GET', `/v1/torrents/${HASH}/events`, 404, null],
    ['POST', '/v1/torrents', 405, 'GET, HEAD'],
    ['PATCH', `/v1/torrents/${HASH}`, 405, 'DELETE, GET, HEAD'],
    ['GET', '/v1/files/a', 405, 'PUT']
  ] as const) {
    const body = method === 'POST' || method === 'PATCH' ? { body: 'x' } : {}
    const answer = await fetch(url + path, { method, ...body })
    t.equal(answer.status, status, `${method} ${path}`)
    t.equal(answer.headers.get('content-type'), 'application/problem+json')
    t.equal(answer.headers.get('allow'), allow)
    await answer.text()
  }
})
