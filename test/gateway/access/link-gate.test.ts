import t from 'tap'
import { type InfoHash, parseInfoHash } from '../../../core/info-hash.ts'
import { createLinkGate, splitSignedPath } from '../../../gateway/access/link-gate.ts'
import { signLink } from '../../../gateway/access/signed-link.ts'
import { createSigningKeys } from '../../../gateway/access/signing-keys.ts'

const A = parseInfoHash('aa'.repeat(20)) as InfoHash
const NOW = 1_800_000_000_000
const key = { id: 'k', secret: 'a secret of a test' }
const MODES = ['closed', 'open', 'signed'] as const

function gateIn(mode: (typeof MODES)[number], keys = [key]) {
  const signingKeys = createSigningKeys({
    configured: undefined,
    replica: { signingKeys: () => keys.map((one) => ({ ...one, revision: 1 })) }
  })
  return createLinkGate({ mode, signingKeys, now: () => NOW })
}

const request = {
  token: undefined,
  baseUrl: 'https://gateway.test',
  infoHash: A,
  segments: ['name', 'file'],
  address: '192.0.2.1'
}
const tokenFor = (lifeMs: number, segments = ['name']) =>
  signLink(key, { host: 'gateway.test', infoHash: A, segments, expiresAt: NOW + lifeMs })

t.test('a plain URL passes unless the mode is signed', async (t) => {
  for (const mode of ['closed', 'open'] as const) {
    const pass = gateIn(mode, []).admit(request)
    t.equal(pass.baseUrl, request.baseUrl)
    t.equal(pass.cacheControl('public, max-age=1'), 'public, max-age=1')
    t.same(pass.headers, {})
  }
  t.throws(() => gateIn('signed').admit(request), { code: 'LINK_INVALID', status: 403 })
  const listing = { ...request, segments: [] }
  t.throws(() => gateIn('signed').admit(listing), { code: 'LINK_INVALID' }, 'nor its listing')
})

t.test('a link passes in every mode, and what it opens is private', async (t) => {
  for (const mode of MODES) {
    const token = tokenFor(3_600_000)
    const pass = gateIn(mode).admit({ ...request, token })
    t.equal(pass.baseUrl, `https://gateway.test/s/${token}`)
    t.equal(pass.remainingSeconds, 3600)
    t.equal(pass.cacheControl('public, max-age=29030400, immutable'), 'private, max-age=3600')
    t.equal(pass.cacheControl('max-age=60', 60), 'private, max-age=60')
    t.same(pass.headers, { 'referrer-policy': 'no-referrer' })
  }
  const long = gateIn('signed').admit({ ...request, token: tokenFor(10 ** 10) })
  t.equal(long.cacheControl('public'), 'private, max-age=86400')
})

t.test('a link that does not open it is 403, one that has expired 410', async (t) => {
  const gate = gateIn('closed')
  const admit = (token: string) => () => gate.admit({ ...request, token })
  t.throws(admit(tokenFor(1000, ['other'])), { code: 'LINK_INVALID', status: 403 })
  t.throws(admit(tokenFor(-1000)), { code: 'LINK_EXPIRED', status: 410 })
  t.throws(admit(''), { code: 'LINK_INVALID' })
  t.throws(admit('x'.repeat(100_000)), { code: 'LINK_INVALID' })
})

t.test('until the keys are known a link cannot be judged', async (t) => {
  const token = tokenFor(1000)
  t.throws(() => gateIn('signed', []).admit({ ...request, token }), { code: 'TRACKER_UNAVAILABLE' })
})

t.test('the token is the segment after /s/, what follows is the path of the content', async (t) => {
  t.same(splitSignedPath(`/s/k.1.0.x/${A}/a%20b/`), { token: 'k.1.0.x', path: `/${A}/a%20b/` })
  t.same(splitSignedPath('/s/k'), { token: 'k', path: '' })
  t.same(splitSignedPath('/s//x'), { token: '', path: '/x' })
  for (const path of [`/${A}/s/k/x`, '/s', '/sx/y/', 's/x/y']) {
    t.equal(splitSignedPath(path), undefined, path)
  }
})
