import t from 'tap'
import { AppError } from '../../../core/errors.ts'
import { createPathLookup } from '../../../gateway/content/folder.ts'
import { createSites } from '../../../gateway/origin/sites.ts'
import type { Entry } from '../../../lib/control/control.ts'
import { siteEntry } from './site-samples.ts'

const { signal } = new AbortController()

/** Sites whose files hold `texts[infohash]`; `reads` is of which site something was read. */
function openSites(texts: Readonly<Record<string, string>>) {
  const reads: string[] = []
  const sites = createSites({
    resolve: createPathLookup(),
    async readFile({ infoHash }, { path }) {
      reads.push(`${infoHash}/${path}`)
      return Buffer.from(texts[infoHash] ?? '')
    }
  })
  return { reads, answer: (entry: Entry, target: string) => sites.answer(entry, target, signal) }
}

t.test('rules are read when a path is not there, and once', async (t) => {
  const rules = '/a /b'
  const entry = siteEntry({ 'index.html': '', _redirects: rules })
  const { reads, answer } = openSites({ [entry.infoHash]: rules })
  t.match(await answer(entry, '/'), { kind: 'file', status: 200 })
  t.same(reads, [], 'a page that is there needs none')
  t.match(await answer(entry, '/a?x'), { kind: 'redirect', status: 301, location: '/b?x' })
  t.match(await answer(entry, '/a'), { kind: 'redirect', location: '/b' })
  await t.rejects(answer(entry, '/c'), { code: 'FILE_UNKNOWN', status: 404 })
  t.same(reads, [`${entry.infoHash}/_redirects`])
})

t.test('refusals are errors of the table', async (t) => {
  const entry = siteEntry({ _redirects: '/a' })
  const { reads, answer } = openSites({ [entry.infoHash]: '/a' })
  for (let asked = 0; asked < 2; asked++) {
    await t.rejects(answer(entry, '/x'), { code: 'SITE_INVALID', status: 500, message: /line 1/ })
  }
  t.equal(reads.length, 1, 'what is wrong with it is remembered too')
  await t.rejects(answer(entry, '/../x'), { code: 'PATH_INVALID', status: 400 })
})

t.test('rules that could not be read are asked for again', async (t) => {
  const entry = siteEntry({ _redirects: '/a /b' })
  let fails = true
  const sites = createSites({
    resolve: createPathLookup(),
    async readFile() {
      if (fails) throw new AppError('SWARM_NO_PEERS', 'no peer has it')
      return Buffer.from('/a /b')
    }
  })
  await t.rejects(sites.answer(entry, '/a', signal), { code: 'SWARM_NO_PEERS' })
  fails = false
  t.match(await sites.answer(entry, '/a', signal), { kind: 'redirect' })
})

t.test('only so many rules are kept, those of the site asked last', async (t) => {
  const many = '/a /b\n'.repeat(2000)
  const entries = Array.from({ length: 6 }, (_, k) =>
    siteEntry({ _redirects: many }, { seed: `${k}` })
  )
  const { reads, answer } = openSites(
    Object.fromEntries(entries.map(({ infoHash }) => [infoHash, many]))
  )
  const ask = async (...indexes: number[]) => {
    reads.length = 0
    for (const index of indexes) await answer(entries[index] as Entry, '/a')
    return reads.length
  }
  t.equal(await ask(0, 1, 2, 3), 4)
  t.equal(await ask(0, 1, 2, 3), 0, 'four fit')
  t.equal(await ask(0, 4), 1, 'the fifth puts the second out')
  t.equal(await ask(0, 2, 3, 4), 0)
  t.equal(await ask(1), 1)
})
