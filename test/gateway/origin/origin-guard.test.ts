import type { AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import { infoHashOf } from '../../../core/info-hash.ts'
import { createHosts } from '../../../gateway/origin/host-check.ts'
import { guardOrigins } from '../../../gateway/origin/origin-guard.ts'
import { siteLabel } from '../../../gateway/origin/site-label.ts'
import { closeHttpApp, createHttpApp } from '../../../lib/http/app.ts'
import { silentLog as log } from '../../fakes/silent-log.ts'
import { dial, get } from '../content/content-rig.ts'

const infoHash = infoHashOf(Buffer.from('a site'))
const label = siteLabel(infoHash)

interface Options {
  readonly url?: string
  readonly trustedProxies?: readonly string[]
}

/** A gateway with one route, `/v1/ours`; sites say what they were asked. */
async function openGuard(t: Test, { url, trustedProxies = [] }: Options = {}) {
  const app = createHttpApp({ log, trustedProxies })
  guardOrigins(app, {
    hosts: createHosts({ url }),
    async serveSite(request, reply, hash) {
      await reply.send(`site ${hash} ${request.method} ${request.url}`)
    },
    preflight: { 'access-control-allow-origin': '*', allow: 'GET, HEAD, OPTIONS' }
  })
  app.all('/v1/ours', async () => 'the gateway')
  await app.listen({ host: '127.0.0.1', port: 0 })
  t.teardown(() => closeHttpApp(app, 0))
  const { port } = app.server.address() as AddressInfo
  return {
    port,
    ask: (host: string, path: string, headers = {}, method = 'GET') =>
      get(`http://127.0.0.1:${port}${path}`, { method, headers: { host, ...headers } })
  }
}

t.test('routes exist on the gateway’s own host, and on a site’s only the site does', async (t) => {
  const { ask } = await openGuard(t)
  t.equal((await ask('localhost', '/v1/ours')).body.toString(), 'the gateway')
  t.equal((await ask('anything.example', '/v1/ours')).body.toString(), 'the gateway')
  t.equal((await ask('localhost', '/other')).status, 404)
  for (const path of ['/', '/v1/ours', '/v1/ours?x=1', '/other', '/s/x', `/${infoHash}.torrent`]) {
    const { status, body } = await ask(`${label}.localhost:8080`, path)
    t.same([status, body.toString()], [200, `site ${infoHash} GET ${path}`], path)
  }
  const head = await ask(`${label}.localhost`, '/v1/ours', {}, 'HEAD')
  t.same([head.status, head.body.length], [200, 0])
})

t.test('a site can only be read', async (t) => {
  const { ask } = await openGuard(t)
  for (const method of ['POST', 'PUT', 'DELETE', 'PATCH']) {
    for (const path of ['/v1/ours', '/other']) {
      const { status, headers } = await ask(`${label}.localhost`, path, {}, method)
      t.same([status, headers.allow], [405, 'GET, HEAD, OPTIONS'], `${method} ${path}`)
    }
  }
  const { status, headers } = await ask(`${label}.localhost`, '/v1/ours', {}, 'OPTIONS')
  t.same([status, headers['access-control-allow-origin']], [204, '*'])
})

t.test('a host that is nobody here is misdirected', async (t) => {
  const { ask, port } = await openGuard(t, { url: 'https://files.example.org' })
  for (const host of ['evil.example', `${label}.evil.example`, 'www.files.example.org']) {
    for (const path of ['/v1/ours', '/', '/other']) {
      const { status, headers, body } = await ask(host, path)
      t.same([status, headers['cache-control']], [421, 'no-store'], `${host}${path}`)
      t.match(JSON.parse(body.toString()), { code: 'HOST_UNKNOWN' })
    }
  }
  t.equal((await ask('evil.example', '/v1/ours', {}, 'POST')).status, 421)
  for (const host of ['files.example.org', 'localhost:1', '127.0.0.1', '[::1]']) {
    t.equal((await ask(host, '/v1/ours')).status, 200, host)
  }
  t.match((await ask(`${label}.files.example.org`, '/x')).body.toString(), /^site/)
  t.match(
    await send(t, port, 'GET http://evil.example/v1/ours HTTP/1.1\r\nHost: localhost'),
    / 421 /
  )
  t.match(
    await send(t, port, `GET http://${label}.localhost/v1/ours HTTP/1.1\r\nHost: localhost`),
    /site \w{40} GET \/v1\/ours/,
    'the authority of the target is the host'
  )
  t.match(await send(t, port, 'GET /v1/ours HTTP/1.0'), / 200 /, 'no name was asked for')
})

t.test('the hex digits of a site lead to its origin, with path and query', async (t) => {
  const { ask } = await openGuard(t)
  for (const path of ['/', '/v1/ours?x=1', '/a%20b/', '//evil.example/']) {
    const { status, headers } = await ask(`${infoHash}.localhost:8080`, path)
    t.equal(status, 301)
    t.equal(headers.location, `http://${label}.localhost:8080${path}`)
  }
})

t.test('a forwarded host counts when a trusted proxy says so', async (t) => {
  const forwarded = {
    'x-forwarded-host': `${infoHash}.files.example.org`,
    'x-forwarded-proto': 'https'
  }
  const url = 'https://files.example.org'
  const trusting = await openGuard(t, { url, trustedProxies: ['127.0.0.1'] })
  const { status, headers } = await trusting.ask('inner.example', '/x', forwarded)
  t.same([status, headers.location], [301, `https://${label}.files.example.org/x`])
  const wary = await openGuard(t, { url })
  t.equal((await wary.ask('inner.example', '/x', forwarded)).status, 421)
  t.equal((await wary.ask('localhost', '/v1/ours', forwarded)).body.toString(), 'the gateway')
})

t.test('no script becomes a service worker of the gateway, but of its site it may', async (t) => {
  const { ask } = await openGuard(t)
  const headers = { 'service-worker': 'script' }
  for (const path of ['/v1/ours', `/${infoHash}/site/sw.js`, '/']) {
    const { status, body } = await ask('localhost', path, headers)
    t.equal(status, 400)
    t.match(JSON.parse(body.toString()).detail, /service worker/i)
  }
  t.equal((await ask(`${label}.localhost`, '/sw.js', headers)).status, 200)
})

/** Sends a request as it is, and gives all that comes back. */
function send(t: Test, port: number, head: string): Promise<string> {
  const socket = dial(t, port)
  socket.write(`${head}\r\nConnection: close\r\n\r\n`)
  return new Promise((resolve) => {
    let text = ''
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1')
    })
    socket.on('close', () => resolve(text))
  })
}
