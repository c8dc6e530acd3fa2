/** What a torrent can do in a real browser: nothing from a path URL, what a site can on its own. */
import { access } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core'
import t, { type Test } from 'tap'
import { contentUrlPath } from '../../../core/content-path.ts'
import { fileRepresentation } from '../../../gateway/content/file-representation.ts'
import { createPathLookup } from '../../../gateway/content/folder.ts'
import { planResponse } from '../../../gateway/content/response-plan.ts'
import { createHosts } from '../../../gateway/origin/host-check.ts'
import { guardOrigins } from '../../../gateway/origin/origin-guard.ts'
import { createSites } from '../../../gateway/origin/sites.ts'
import type { EntryFile } from '../../../lib/control/control.ts'
import { closeHttpApp, createHttpApp } from '../../../lib/http/app.ts'
import { silentLog as log } from '../../fakes/silent-log.ts'
import { siteEntry } from './site-samples.ts'

const CHROMIUM = '/usr/bin/chromium'
const ARGUMENTS = '--no-sandbox --disable-gpu --disable-background-networking --disable-quic'
const STEAL = `document.title = 'ran'; new Image().src = '/v1/stolen'; fetch('/v1/stolen')`

const CONTENTS: Readonly<Record<string, string>> = {
  'index.html': `<!doctype html><title>before</title><link rel="stylesheet" href="style.css">
<h1>site</h1><script>${STEAL}</script><script type="module" src="main.js"></script>`,
  'style.css': 'h1 { color: rgb(1, 2, 3) }',
  'main.js': `import { name } from './lib/name.js'; document.body.dataset.module = name`,
  'lib/name.js': `export const name = 'imported'`,
  'sw.js': `addEventListener('fetch', () => {})`,
  'evil.svg': `<svg xmlns="http://www.w3.org/2000/svg" onload="${STEAL.replaceAll('"', "'")}">
<script>${STEAL}</script><rect width="9" height="9"/></svg>`,
  'evil.xhtml': `<html xmlns="http://www.w3.org/1999/xhtml"><head><title>before</title></head>
<body><script>${STEAL}</script></body></html>`,
  'evil.xml': `<?xml version="1.0"?><x:script xmlns:x="http://www.w3.org/1999/xhtml">${STEAL}</x:script>`,
  'evil.xsl': `<?xml version="1.0"?><?xml-stylesheet type="text/xsl" href="style.xsl"?><a/>`,
  'style.xsl': `<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform">
<xsl:template match="/"><html><body><script>${STEAL}</script></body></html></xsl:template>
</xsl:stylesheet>`,
  'frame.html': `<!doctype html><title>before</title><iframe src="evil.svg"></iframe>
<meta http-equiv="refresh" content="0;url=javascript:${STEAL}"><img src=x onerror="${STEAL}">`,
  'plain.txt': `<script>${STEAL}</script>`,
  unnamed: `<!doctype html><script>${STEAL}</script>`
}

const entry = siteEntry(CONTENTS)
/** Documents that a browser would run scripts of. */
const ACTIVE = ['index.html', 'evil.svg', 'evil.xhtml', 'evil.xml', 'evil.xsl', 'frame.html']

/** The gateway's own headers, guard and sites over contents in memory. */
async function openGateway(t: Test) {
  const stolen: string[] = []
  const resolve = createPathLookup()
  const bytesOf = ({ path }: EntryFile) => Buffer.from(CONTENTS[path] ?? '')
  const hosts = createHosts({ url: undefined })
  const sites = createSites({ resolve, readFile: async (_, file) => bytesOf(file) })
  const app = createHttpApp({ log })

  function send({ headers }: FastifyRequest, reply: FastifyReply, file: EntryFile, site: boolean) {
    const view = { download: false, filename: undefined, site }
    const plan = planResponse(fileRepresentation(entry, file, view), { method: 'GET', headers })
    return reply
      .code(plan.status)
      .headers(plan.headers)
      .send(plan.body && bytesOf(file))
  }

  guardOrigins(app, {
    hosts,
    preflight: {},
    async serveSite(request, reply) {
      const answer = await sites.answer(entry, request.url, request.signal)
      if (answer.kind === 'file') await send(request, reply, answer.file, true)
      else await reply.code(404).send()
    }
  })
  app.get('/', async (_, reply) => reply.type('text/html').send('<title>gateway</title>'))
  app.get('/v1/torrents', async () => ({ items: [] }))
  app.get('/v1/stolen', async ({ headers }) => void stolen.push(headers.referer ?? 'somewhere'))
  app.get(`/${entry.infoHash}/*`, async (request, reply) => {
    const { '*': path } = request.params as { readonly '*': string }
    const found = resolve(entry, path.split('/'))
    if (found?.kind === 'file') return send(request, reply, found.file, false)
    return reply.code(404).send()
  })
  await app.listen({ host: '127.0.0.1', port: 0 })
  t.teardown(() => closeHttpApp(app, 0))
  const url = `http://localhost:${(app.server.address() as AddressInfo).port}`
  return { url, site: hosts.siteUrl(url, entry.infoHash) ?? '', stolen }
}

let browser: Promise<Browser> | undefined

/** A fresh profile of one browser for all tests. */
async function openBrowser(t: Test): Promise<BrowserContext> {
  browser ??= chromium.launch({ executablePath: CHROMIUM, args: ARGUMENTS.split(' ') })
  const context = await (await browser).newContext()
  t.teardown(() => context.close())
  return context
}

t.teardown(async () => (await browser)?.close())

/** A page of the gateway's origin with something worth reading in it. */
async function leaveSecret(context: BrowserContext, url: string): Promise<Page> {
  const page = await context.newPage()
  await page.goto(url)
  await page.evaluate(`localStorage.secret = 'mine'; document.cookie = 'secret=mine'`)
  return page
}

/** What the document of `page` reaches, asked inside it as its own script would. */
function reach(page: Page, gateway: string) {
  const said = (code: string) =>
    page.evaluate<string>(`(async () => ${code})().then(String, (err) => 'refused: ' + err.name)`)
  return {
    origin: () => said('self.origin'),
    storage: () => said('localStorage.secret'),
    cookie: () => said('document.cookie'),
    api: () => said(`(await fetch('${gateway}/v1/torrents')).status`),
    worker: (script: string) => said(`(await navigator.serviceWorker.register('${script}')).scope`)
  }
}

const missing = await access(CHROMIUM).then(
  () => false,
  () => `no Chromium at ${CHROMIUM}`
)

t.test('a document from a path URL runs nothing', { skip: missing }, async (t) => {
  const { url, stolen } = await openGateway(t)
  const context = await openBrowser(t)
  for (const name of [...ACTIVE, 'plain.txt']) {
    const page = await context.newPage()
    await page.goto(url + contentUrlPath(entry.infoHash, entry.name, name), { waitUntil: 'load' })
    t.not(await page.title(), 'ran', name)
  }
  const page = await context.newPage()
  const unnamed = url + contentUrlPath(entry.infoHash, entry.name, 'unnamed')
  await t.rejects(page.goto(unnamed), /Download/, 'what has no type is saved, not sniffed')
  t.same(stolen, [])
})

t.test('and is nobody on the gateway’s origin', { skip: missing }, async (t) => {
  const { url } = await openGateway(t)
  const context = await openBrowser(t)
  const own = reach(await leaveSecret(context, url), url)
  t.same(await Promise.all([own.storage(), own.cookie(), own.api()]), [
    'mine',
    'secret=mine',
    '200'
  ])

  const script = contentUrlPath(entry.infoHash, entry.name, 'sw.js')
  t.match(await own.worker(script), /^refused/, 'not even the gateway’s own page may')
  for (const name of ['index.html', 'evil.svg']) {
    const page = await context.newPage()
    await page.goto(url + contentUrlPath(entry.infoHash, entry.name, name))
    const its = reach(page, url)
    t.equal(await its.origin(), 'null', name)
    t.match(await its.storage(), /^refused: SecurityError/)
    t.match(await its.cookie(), /^refused: SecurityError/)
    t.match(await its.api(), /^refused/)
    t.match(await its.worker('sw.js'), /^refused/)
  }
})

t.test('on its own origin the same torrent is a site', { skip: missing }, async (t) => {
  const { url, site, stolen } = await openGateway(t)
  const context = await openBrowser(t)
  await leaveSecret(context, url)
  const page = await context.newPage()
  await page.goto(site)
  await page.waitForFunction('document.body.dataset.module')
  t.equal(await page.title(), 'ran', 'its scripts')
  t.equal(await page.evaluate('document.body.dataset.module'), 'imported', 'its modules')
  t.equal(
    await page.evaluate('getComputedStyle(document.querySelector("h1")).color'),
    'rgb(1, 2, 3)'
  )

  const its = reach(page, url)
  t.equal(`${await its.origin()}/`, site)
  t.equal(await its.storage(), 'undefined', 'nothing of the gateway')
  t.equal(await its.cookie(), '')
  t.match(await its.api(), /^refused/)
  t.equal(await its.worker('sw.js'), site, 'a service worker of its own')
  t.same(stolen, [], '/v1 is the site’s there')
})
