import t, { type Test } from 'tap'
import { openControl } from './open-control.ts'
import { SECRET, serveControl } from './serve-control.ts'
import { nodeId, seeder, torrentOf } from './torrents.ts'

t.test('without a cluster secret there is nothing below /control', async (t) => {
  const { control } = await openControl(t)
  const url = await serveControl(t, control, '')
  for (const path of ['/control', '/control/v1/torrents?limit=1', '/control/v1/snapshot']) {
    const response = await fetch(url + path, { headers: { authorization: 'Bearer x' } })
    t.equal(response.status, 404, path)
    t.match(await response.json(), { code: 'ROUTE_UNKNOWN' })
  }
})

t.test('every route needs the cluster secret', async (t) => {
  const { ask } = await open(t)
  const { infoHash } = torrentOf('a').draft
  const calls: [string, string][] = [
    ['GET', '/torrents?limit=1'],
    ['GET', `/torrents/${infoHash}`],
    ['GET', `/torrents/${infoHash}/metainfo`],
    ['PUT', `/torrents/${infoHash}`],
    ['DELETE', `/torrents/${infoHash}`],
    ['GET', '/changes?after=.0'],
    ['GET', '/snapshot'],
    ['PUT', `/nodes/${nodeId(1)}`],
    ['POST', `/nodes/${nodeId(1)}/heartbeat`],
    ['POST', `/nodes/${nodeId(1)}/holdings`],
    ['GET', `/nodes/${nodeId(1)}/assignments`]
  ]
  const wrong = ['', 'Bearer', 'Bearer x', `Basic ${SECRET}`, `Bearer ${SECRET}x`]
  for (const [method, path] of calls) {
    for (const authorization of wrong) {
      const response = await ask(path, { method, headers: { authorization } })
      t.equal(response.status, 401, `${method} ${path} with "${authorization}"`)
      t.match(await response.json(), { code: 'KEY_REQUIRED' })
    }
  }
})

t.test('metainfo is sent as the bytes that were hashed, and never changes', async (t) => {
  const { ask, control } = await open(t)
  const { draft, info } = torrentOf('a')
  await control.commit(draft, info, nodeId(1))
  const response = await ask(`/torrents/${draft.infoHash}/metainfo`)
  t.equal(response.status, 200)
  t.match(response.headers.get('cache-control'), /immutable/)
  t.equal(response.headers.get('etag'), `"${draft.infoHash}"`)
  t.same(Buffer.from(await response.arrayBuffer()), info)
})

t.test('answers about state are not stored by anybody', async (t) => {
  const { ask } = await open(t)
  t.equal((await ask('/snapshot')).headers.get('cache-control'), 'no-store')
  const { infoHash } = torrentOf('a').draft
  const unknown = await ask(`/torrents/${infoHash}`)
  t.equal(unknown.status, 404)
  t.equal(unknown.headers.get('cache-control'), 'no-store')
  t.match(await unknown.json(), { code: 'CONTENT_UNKNOWN' })
})

t.test('a commit is 201 the first time and 200 after', async (t) => {
  const { put } = await open(t)
  const { draft, info } = torrentOf('a')
  const body = {
    draft,
    info: Buffer.from(info).toString('base64'),
    nodeId: nodeId(1),
    keepTombstone: false
  }
  t.equal((await put(`/torrents/${draft.infoHash}`, body)).status, 201)
  t.equal((await put(`/torrents/${draft.infoHash}`, body)).status, 200)
})

t.test('a position of another epoch is 409', async (t) => {
  const { ask } = await open(t)
  const response = await ask('/changes?after=feedfacefeedface.7&wait=30000')
  t.equal(response.status, 409)
  t.match(await response.json(), { code: 'EPOCH_CHANGED' })
})

t.test('what is malformed is refused before it reaches the catalogue', async (t) => {
  const { ask, put } = await open(t)
  const { draft, info } = torrentOf('a')
  const other = torrentOf('b').draft
  const commit = { draft, info: Buffer.from(info).toString('base64'), nodeId: nodeId(1) }
  const refused = [
    ask('/torrents/xyz'),
    ask('/torrents?limit=0'),
    ask('/torrents'),
    ask('/changes'),
    ask('/changes?after=1'),
    ask('/changes?after=.0&wait=30001'),
    ask('/nodes/1/assignments'),
    put(`/torrents/${draft.infoHash}`, { ...commit }),
    put(`/torrents/${other.infoHash}`, { ...commit, keepTombstone: false }),
    put(`/torrents/${draft.infoHash}`, {
      ...commit,
      draft: { ...draft, size: -1 },
      keepTombstone: false
    }),
    put(`/nodes/${nodeId(2)}`, seeder(1)),
    put(`/nodes/${nodeId(1)}`, { ...seeder(1), roles: ['king'] })
  ]
  for (const [index, response] of (await Promise.all(refused)).entries()) {
    t.equal(response.status, 400, `request ${index}`)
    t.match(await response.json(), { code: 'REQUEST_INVALID' })
  }
})

async function open(t: Test) {
  const { control } = await openControl(t)
  const base = `${await serveControl(t, control)}/control/v1`
  const authorization = `Bearer ${SECRET}`
  const ask = (path: string, init: RequestInit = {}) =>
    fetch(base + path, { ...init, headers: { authorization, ...init.headers } })
  const put = (path: string, body: unknown) =>
    ask(path, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body)
    })
  return { control, ask, put }
}
