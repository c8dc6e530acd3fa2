import t from 'tap'
import { createListingSender } from '../../../gateway/site/listing-sender.ts'
import { createBaseUrl } from '../../../lib/api/base-url.ts'
import { closeHttpApp, createHttpApp } from '../../../lib/http/app.ts'
import { silentLog } from '../../fakes/silent-log.ts'
import { entryOf, HASH } from '../publish/fleet.ts'
import { openGateway } from '../publish/gateway-rig.ts'

t.test('the page shows the commands with the URL it was reached by', async (t) => {
  const { url } = await openGateway(t)
  const answer = await fetch(url)
  t.equal(answer.status, 200)
  t.equal(answer.headers.get('content-type'), 'text/html; charset=utf-8')
  t.equal(answer.headers.get('cache-control'), 'no-store')
  const page = await answer.text()
  t.match(page, `curl -T movie.mp4 ${url}/v1/files/`)
  t.match(page, 'Nothing yet.')
})

t.test('the page runs no script, loads nothing and is framed by nobody', async (t) => {
  const { url } = await openGateway(t)
  const answer = await fetch(url)
  const policy = answer.headers.get('content-security-policy') ?? ''
  t.match(policy, /^default-src 'none'; style-src 'sha256-[\w+/]+=*'; img-src data:; /)
  t.match(policy, "frame-ancestors 'none'")
  const page = await answer.text()
  t.notMatch(page, /<script|\son\w+=|(?:src|href)="(?:https?:)?\/\//)
  const style = /<style>(.*)<\/style>/s.exec(page)?.[1] ?? ''
  const digest = await crypto.subtle.digest('SHA-256', Buffer.from(style))
  t.match(policy, Buffer.from(digest).toString('base64'), 'the style sheet is the one allowed')
})

t.test(
  'what was published lately is shown to whoever may read /v1, and to no one else',
  async (t) => {
    const { url, port, fleet } = await openGateway(t)
    fleet.apply({ type: 'entry', entry: entryOf({ name: '<b>bold.mp4' }) })
    const ask = async (headers: Record<string, string>) => (await fetch(url, { headers })).text()
    const shown = await ask({})
    t.match(shown, `<a href="/${HASH}/%3Cb%3Ebold.mp4"><bdi>&lt;b&gt;bold.mp4</bdi></a>`)
    for (const headers of [{ 'x-forwarded-for': '1.2.3.4' }, { origin: 'https://evil.example' }]) {
      const page = await ask(headers)
      t.notMatch(page, 'bold')
      t.match(page, `http://127.0.0.1:${port}/v1/files/`, 'the commands are no secret')
    }
  }
)

t.test('with keys the page shows how to send one, and the list to its holder', async (t) => {
  const { url, fleet } = await openGateway(t, { secrets: ['alpha'] })
  fleet.apply({ type: 'entry', entry: entryOf() })
  const without = await (await fetch(url)).text()
  t.match(without, 'Authorization: Bearer $KEY')
  t.notMatch(without, HASH)
  const headers = { authorization: 'Bearer alpha' }
  t.match(await (await fetch(url, { headers })).text(), HASH)
})

t.test('the page is there while the tracker is down', async (t) => {
  const { url, fleet } = await openGateway(t)
  fleet.down = true
  const answer = await fetch(url)
  t.equal(answer.status, 200)
  t.match(await answer.text(), 'does not answer')
})

t.test('a magnet link sent to the page of an open gateway leads to its content', async (t) => {
  const query = `?magnet=${encodeURIComponent(`magnet:?xt=urn:btih:${HASH}`)}`
  const ask = (url: string) => fetch(`${url}/${query}`, { redirect: 'manual' })
  const open = await openGateway(t, { open: true })
  const led = await ask(open.url)
  t.match([led.status, led.headers.get('location')], [302, `/${HASH}/`])
  t.equal((await fetch(`${open.url}/?magnet=nonsense`)).status, 200)
  const closed = await openGateway(t)
  t.equal((await ask(closed.url)).status, 200, 'another mode has no use for it')
})

t.test('robots are kept away from content', async (t) => {
  const { url } = await openGateway(t)
  const answer = await fetch(`${url}/robots.txt`)
  t.equal(answer.headers.get('content-type'), 'text/plain; charset=utf-8')
  t.equal(await answer.text(), 'User-agent: *\nAllow: /$\nDisallow: /\n')
})

t.test('a listing is sent in the form that was asked for', async (t) => {
  const app = createHttpApp({ log: silentLog })
  t.teardown(() => closeHttpApp(app, 0))
  const sendListing = createListingSender({ baseUrlOf: createBaseUrl(undefined), announceUrls: [] })
  app.get('/listing', (request, reply) => sendListing(request, reply, entryOf()))
  const url = await app.listen({ host: '127.0.0.1', port: 0 })

  const json = await fetch(`${url}/listing`, { headers: { accept: 'application/json' } })
  t.match(json.headers.get('content-type'), 'application/json')
  t.equal(json.headers.get('access-control-allow-origin'), '*')
  t.match(await json.json(), { infoHash: HASH, files: [{ url: `${url}/${HASH}/movie.mp4` }] })

  const page = await fetch(`${url}/listing`, { headers: { accept: 'text/html' } })
  t.match(page.headers.get('content-type'), 'text/html')
  t.match(page.headers.get('content-security-policy'), "default-src 'none'")
  t.equal(page.headers.get('vary'), 'Accept')
})
