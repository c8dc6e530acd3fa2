import t, { type Test } from 'tap'
import { createHosts } from '../../../gateway/origin/host-check.ts'
import { gatewayPlace } from '../../../gateway/site/listing.ts'
import { createListingSender, type ListingChoice } from '../../../gateway/site/listing-sender.ts'
import { createBaseUrl } from '../../../lib/api/base-url.ts'
import type { Entry } from '../../../lib/control/control.ts'
import { closeHttpApp, createHttpApp } from '../../../lib/http/app.ts'
import { silentLog } from '../../fakes/silent-log.ts'
import { folderEntry, folderOf } from '../content/archive/archive-rig.ts'
import { entryOf, HASH } from '../publish/fleet.ts'

/** Sends one listing on a real port. */
async function serve(t: Test, entry: Entry, choice?: ListingChoice): Promise<string> {
  const app = createHttpApp({ log: silentLog })
  t.teardown(() => closeHttpApp(app, 0))
  const baseUrlOf = createBaseUrl(undefined)
  const sendListing = createListingSender({
    baseUrlOf,
    announceUrls: ['http://tracker.test/a'],
    siteUrl: createHosts({ url: 'https://g.test' }).siteUrl
  })
  app.route({
    method: ['GET', 'HEAD'],
    url: '/',
    exposeHeadRoute: false,
    handler: (request, reply) => sendListing(request, reply, entry, choice)
  })
  return app.listen({ host: '127.0.0.1', port: 0 })
}

t.test('the root is listed as the client reached it', async (t) => {
  const url = await serve(t, entryOf())
  const json = await fetch(url, { headers: { accept: 'application/json' } })
  const document = JSON.parse(await json.text())
  t.match(document, { infoHash: HASH, files: [{ url: `${url}/${HASH}/movie.mp4` }] })
  t.match(document.links.magnet, 'tr=http%3A%2F%2Ftracker.test%2Fa')
  const page = await fetch(url)
  t.match(page.headers.get('content-type'), 'text/html')
  t.match(page.headers.get('content-security-policy'), "default-src 'none'")
  t.equal(page.headers.get('vary'), 'Accept')
  t.match(await page.text(), `<a href="/${HASH}/movie.mp4">`)
})

t.test('a folder, as JSON though the client did not ask, below a prefix', async (t) => {
  const entry = folderEntry([{ path: 'a/b' }])
  const place = gatewayPlace(entry, 'https://g.test', '/s/t')
  const url = await serve(t, entry, { folder: folderOf(entry, 'a'), json: true, place })
  const answer = await fetch(url, { headers: { accept: 'text/html' } })
  t.equal(answer.headers.get('content-type'), 'application/json; charset=utf-8')
  t.equal(answer.headers.get('access-control-allow-origin'), '*')
  t.ok(answer.headers.has('content-length'))
  const document = JSON.parse(await answer.text())
  t.match(document, { path: 'a', entries: [{ url: `https://g.test/s/t/${HASH}/album/a/b` }] })
  t.match(document.links.magnet, 'ws=https%3A%2F%2Fg.test%2Fs%2Ft%2F')
})

t.test('a very large document is streamed', async (t) => {
  const entry = folderEntry(Array.from({ length: 3000 }, (_, index) => ({ path: `f${index}` })))
  const url = await serve(t, entry, { json: true })
  const answer = await fetch(url)
  t.notOk(answer.headers.has('content-length'))
  t.equal(JSON.parse(await answer.text()).files.length, 3000)
  const head = await fetch(url, { method: 'HEAD' })
  t.equal(head.status, 200)
  t.equal(await head.text(), '')
})

t.test('HEAD costs nothing of a very large document', async (t) => {
  const plain = folderEntry(Array.from({ length: 3000 }, (_, index) => ({ path: `f${index}` })))
  let read = 0
  const files = plain.files.map((file) => ({
    ...file,
    get sha256() {
      read++
      return null
    }
  }))
  const url = await serve(t, { ...plain, files }, { json: true })
  const head = await fetch(url, { method: 'HEAD' })
  t.equal(head.headers.get('content-type'), 'application/json; charset=utf-8')
  t.notOk(head.headers.has('content-length'), 'as GET, which has none')
  t.equal(read, 0)
})

t.test('JSON is for those who ask for it, HTML for everybody else', async (t) => {
  const url = await serve(t, entryOf())
  for (const [accept, type] of [
    ['application/json', 'json'],
    ['Application/JSON;q=0.5, */*;q=0.1', 'json'],
    ['application/json, text/plain, */*', 'json'],
    ['text/html;q=0.1,application/json', 'json'],
    ['', 'html'],
    ['*/*', 'html'],
    ['text/html,application/xhtml+xml,*/*;q=0.8', 'html'],
    ['text/html, application/json', 'html'],
    ['application/json;q=0', 'html'],
    ['image/png', 'html']
  ] as const) {
    const answer = await fetch(url, { headers: { accept } })
    t.match(answer.headers.get('content-type'), type, accept)
  }
})

t.test('a torrent with an index can be opened as a site, where it can be one', async (t) => {
  const site = folderEntry([{ path: 'index.html' }, { path: 'docs/index.html' }])
  const plain = folderEntry([{ path: 'readme.txt' }])
  const here = gatewayPlace(site, 'https://g.test')
  for (const [entry, choice, shown] of [
    [site, { place: here }, true],
    [plain, { place: here }, false],
    [site, { place: here, folder: folderOf(site, 'docs') }, false],
    [site, { place: gatewayPlace(site, 'https://g.test', '/s/t') }, false],
    [site, { place: gatewayPlace(site, 'https://192.0.2.1') }, false]
  ] as const) {
    const page = await (await fetch(await serve(t, entry, choice))).text()
    const href = /<a href="([^"]*)">Open as a site</.exec(page)?.[1]
    if (shown) t.match(href, /^https:\/\/[a-z2-7]{32}\.g\.test\/$/)
    else t.equal(href, undefined, choice.place.baseUrl)
  }
})
