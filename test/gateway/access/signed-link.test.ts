import fc from 'fast-check'
import t from 'tap'
import { type InfoHash, parseInfoHash } from '../../../core/info-hash.ts'
import {
  canonicalAddress,
  type LinkGrant,
  type LinkUse,
  readLink,
  signLink
} from '../../../gateway/access/signed-link.ts'

const A = parseInfoHash('aa'.repeat(20)) as InfoHash
const B = parseInfoHash('bb'.repeat(20)) as InfoHash
const NOW = 1_800_000_000_000
const key = { id: 'k1', secret: 'sixteen characters of a secret' }
const newer = { id: 'k2', secret: 'another sixteen characters' }

const grant = (over: Partial<LinkGrant> = {}): LinkGrant => ({
  host: 'gateway.test:8080',
  infoHash: A,
  segments: ['name', 'folder'],
  expiresAt: NOW + 60_000,
  ...over
})
const use = (over: Partial<LinkUse> = {}): LinkUse => ({
  host: 'gateway.test:8080',
  infoHash: A,
  segments: ['name', 'folder', 'file'],
  address: '192.0.2.1',
  now: NOW,
  ...over
})
const status = (token: string, over: Partial<LinkUse> = {}, keys = [key]) =>
  readLink(keys, token, use(over)).status

t.test('a link opens its path and what is below, for as long as it lasts', async (t) => {
  const token = signLink(key, grant())
  t.same(readLink([key], token, use()), { status: 'ok', remainingSeconds: 60 })
  t.equal(status(token, { segments: ['name', 'folder'] }), 'ok')
  t.equal(status(token, { now: NOW + 59_999 }), 'ok')
  t.equal(status(token, { now: NOW + 60_000 }), 'expired')
  t.match(token, /^[\w.-]+$/, 'it needs no encoding')
  t.ok(token.length < 70, `${token.length} characters`)
})

t.test('it opens nothing beside or above its path', async (t) => {
  const token = signLink(key, grant())
  t.equal(status(token, { segments: ['name', 'folder2'] }), 'invalid')
  t.equal(status(token, { segments: ['name', 'folder2', 'file'] }), 'invalid')
  t.equal(status(token, { segments: ['name'] }), 'invalid')
  t.equal(status(token, { segments: [] }), 'invalid')
  t.equal(status(token, { infoHash: B }), 'invalid')
  t.equal(status(token, { host: 'other.test:8080' }), 'invalid')
  t.equal(status(token, { host: 'gateway.test' }), 'invalid')
  t.equal(status(token, { host: 'GATEWAY.test:8080' }), 'ok', 'hosts have no case')
})

t.test('segments cannot be moved across their borders', async (t) => {
  const token = signLink(key, grant({ segments: ['a/b'] }))
  t.equal(status(token, { segments: ['a/b'] }), 'ok')
  t.equal(status(token, { segments: ['a', 'b'] }), 'invalid')
  const line = signLink(key, grant({ segments: ['a\nb'] }))
  t.equal(status(line, { segments: ['a'] }), 'invalid')
})

t.test('a link for a whole torrent opens everything in it', async (t) => {
  const token = signLink(key, grant({ segments: [] }))
  t.equal(status(token, { segments: [] }), 'ok')
  t.equal(status(token, { segments: ['anything', 'at', 'all'] }), 'ok')
  t.equal(status(token, { infoHash: B, segments: [] }), 'invalid')
})

t.test('a link for one address opens for no other', async (t) => {
  const token = signLink(key, grant({ address: '192.0.2.1' }))
  t.equal(status(token), 'ok')
  t.equal(status(token, { address: '::ffff:192.0.2.1' }), 'ok', 'as a dual-stack socket says it')
  t.equal(status(token, { address: '192.0.2.2' }), 'invalid')
  t.equal(status(token, { address: '' }), 'invalid')
  t.equal(status(token.replace('a.', '.')), 'invalid', 'the mark cannot be taken off')
  t.equal(status(signLink(key, grant()).replace(/\.2\./, '.2a.')), 'invalid', 'nor put on')
  const six = signLink(key, grant({ address: '2001:DB8:0:0::1' }))
  t.equal(status(six, { address: '2001:db8::1' }), 'ok')
  t.throws(() => signLink(key, grant({ address: 'somewhere' })), RangeError)
})

t.test('a link cannot be prolonged, widened or given to another key', async (t) => {
  const token = signLink(key, grant())
  const [, expiry = '', depth = '', code = ''] = token.split('.')
  const later = (Number.parseInt(expiry, 36) + 1000).toString(36)
  t.equal(status(`k1.${later}.${depth}.${code}`), 'invalid')
  t.equal(status(`k1.${expiry}.1.${code}`), 'invalid')
  t.equal(status(`k1.${expiry}.0.${code}`), 'invalid')
  t.equal(status(`k2.${expiry}.${depth}.${code}`, {}, [key, newer]), 'invalid')
  t.equal(status(token, {}, [newer]), 'invalid')
  t.equal(status(token, {}, []), 'invalid')
  t.equal(status(token, { now: NOW + 10 ** 9, host: 'x' }), 'invalid', 'and not just expired')
})

t.test('while keys are exchanged, links of both open', async (t) => {
  const keys = [newer, key]
  t.equal(status(signLink(key, grant()), {}, keys), 'ok')
  t.equal(status(signLink(newer, grant()), {}, keys), 'ok')
})

t.test('an expiry between two seconds is the later one', async (t) => {
  const token = signLink(key, grant({ expiresAt: NOW + 1 }))
  t.same(readLink([key], token, use()), { status: 'ok', remainingSeconds: 1 })
})

t.test('any change of any character of a token closes it', async (t) => {
  const token = signLink(key, grant())
  const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.'
  const at = fc.nat(token.length - 1)
  const letter = fc.constantFrom(...letters)
  fc.assert(
    fc.property(at, letter, (at, letter) => {
      const changed = token.slice(0, at) + letter + token.slice(at + 1)
      // The last digit of 43 carries two bits that mean nothing: the code is the same bytes.
      const isSame = changed === token || at === token.length - 1
      if (!isSame) t.equal(status(changed), 'invalid', changed)
    }),
    { numRuns: 300 }
  )
})

t.test('rubbish is invalid, whatever its form', async (t) => {
  const rubbish = ['', '.', '...', 'k1', 'k1.1.1.', `k1.1.99999.${'A'.repeat(43)}`]
  for (const token of rubbish) t.equal(status(token), 'invalid', token)
  fc.assert(fc.property(fc.string(), (token) => t.equal(status(token), 'invalid')))
})

t.test('an address has one spelling', async (t) => {
  t.equal(canonicalAddress('::FFFF:10.0.0.1'), '10.0.0.1')
  t.equal(canonicalAddress('FE80::1%eth0'), 'fe80::1')
  t.equal(canonicalAddress('1.2.3'), undefined)
  t.equal(canonicalAddress(''), undefined)
})
