import fc from 'fast-check'
import t, { type Test } from 'tap'
import { infoHashFromBytes, infoHashOf } from '../../../core/info-hash.ts'
import { createHosts, type Hosts, type RequestedHost } from '../../../gateway/origin/host-check.ts'
import { parseSiteLabel, siteLabel } from '../../../gateway/origin/site-label.ts'
import { holds } from '../../core/property.ts'

const infoHash = infoHashOf(Buffer.from('a site'))
const label = siteLabel(infoHash)
const site: RequestedHost = { kind: 'site', infoHash }

type Rows = readonly (readonly [host: string, expected: RequestedHost['kind']])[]

function check(t: Test, hosts: Hosts, rows: Rows): void {
  for (const [host, kind] of rows) t.equal(hosts.classify(host).kind, kind, JSON.stringify(host))
}

t.test('a label is the infohash in 32 characters', async (t) => {
  t.match(label, /^[a-z2-7]{32}$/)
  t.same(parseSiteLabel(label), { infoHash, canonical: true })
  t.same(parseSiteLabel(label.toUpperCase()), { infoHash, canonical: true })
  t.same(parseSiteLabel(infoHash), { infoHash, canonical: false })
  const others = [
    '',
    'www',
    label.slice(1),
    `${label}a`,
    `${label.slice(1)}1`,
    `${label.slice(1)}=`,
    infoHash.slice(1),
    `xn--${label.slice(4)}`
  ]
  for (const text of others) t.equal(parseSiteLabel(text), undefined, text)
})

t.test('with a URL configured, only its names, localhost and addresses are ours', async (t) => {
  const hosts = createHosts({ url: 'https://Files.Example.org:8443' })
  check(t, hosts, [
    ['files.example.org', 'gateway'],
    ['files.example.org:8443', 'gateway'],
    ['files.example.org:80', 'gateway'],
    ['files.example.org:', 'gateway'],
    ['FILES.example.ORG', 'gateway'],
    ['files.example.org.', 'gateway'],
    ['files.example.org.:8443', 'gateway'],
    ['localhost', 'gateway'],
    ['localhost:8080', 'gateway'],
    ['127.0.0.1:8080', 'gateway'],
    ['203.0.113.9', 'gateway'],
    ['[::1]:8080', 'gateway'],
    ['[2001:db8::1]', 'gateway'],
    ['', 'gateway'],
    [`${label}.files.example.org`, 'site'],
    [`${label.toUpperCase()}.Files.example.org:8443`, 'site'],
    [`${label}.files.example.org.`, 'site'],
    [`${label}.localhost:8080`, 'site'],
    [`${infoHash}.files.example.org`, 'moved'],
    ['example.org', 'foreign'],
    ['evil.example', 'foreign'],
    ['www.files.example.org', 'foreign'],
    ['foo.localhost', 'foreign'],
    [`${label}.example.org`, 'foreign'],
    [`${label}x.files.example.org`, 'foreign'],
    [`x.${label}.files.example.org`, 'foreign'],
    [`${label}.${label}.localhost`, 'foreign'],
    [`${label}.127.0.0.1`, 'foreign'],
    ['files.example.org.evil.example', 'foreign'],
    ['evilfiles.example.org', 'foreign'],
    ['localhost.evil.example', 'foreign'],
    ['files.example.org..', 'foreign'],
    ['.files.example.org', 'foreign'],
    ['.', 'foreign'],
    [label, 'foreign'],
    ['2130706433', 'foreign'],
    ['0x7f.1', 'foreign'],
    ['127.1', 'foreign'],
    ['[::1', 'foreign'],
    ['[files.example.org]', 'foreign'],
    ['::1', 'foreign'],
    ['files.example.org:x', 'foreign'],
    ['files.example.org:123456', 'foreign'],
    ['user@files.example.org', 'foreign'],
    ['files.example.org/x', 'foreign'],
    ['files.example.org, evil.example', 'foreign'],
    ['files.example.org\\.evil.example', 'foreign'],
    [' files.example.org', 'foreign']
  ])
  t.same(hosts.classify(`${label}.files.example.org:1`), site)
})

t.test('with none, any name may read and sites are below localhost only', async (t) => {
  const hosts = createHosts({ url: undefined })
  check(t, hosts, [
    ['anything.example', 'gateway'],
    ['10.0.0.1:8080', 'gateway'],
    ['foo.localhost', 'gateway'],
    ['not a host', 'gateway'],
    [`${label}.anything.example`, 'gateway'],
    [`${infoHash}.anything.example`, 'gateway'],
    [`x.${label}.localhost`, 'gateway'],
    [`${label}.localhost`, 'site'],
    [`${label}.LOCALHOST:8080`, 'site'],
    [`${infoHash}.localhost`, 'moved']
  ])
})

t.test('nothing is a site below an address', async (t) => {
  for (const url of ['http://10.0.0.1:8080', 'http://[::1]:8080']) {
    const hosts = createHosts({ url })
    check(t, hosts, [
      [new URL(url).host, 'gateway'],
      [`${label}.10.0.0.1`, 'foreign'],
      [`${label}.[::1]`, 'foreign'],
      [`${label}.localhost`, 'site']
    ])
  }
})

t.test('the hex digits of a site lead to its one origin, on the same port', async (t) => {
  const hosts = createHosts({ url: 'https://files.example.org' })
  const rows: readonly (readonly [string, string])[] = [
    [`${infoHash}.localhost:8080`, `${label}.localhost:8080`],
    [`${infoHash.toUpperCase()}.Files.Example.Org`, `${label}.files.example.org`],
    [`${infoHash}.files.example.org.:81`, `${label}.files.example.org:81`],
    [`${infoHash}.files.example.org:`, `${label}.files.example.org`]
  ]
  for (const [host, to] of rows) {
    t.same(hosts.classify(host), { kind: 'moved', infoHash, host: to }, host)
    t.same(hosts.classify(to), site, 'which is the site')
  }
})

t.test('a site has a URL wherever it can have a host', async (t) => {
  const rows: readonly (readonly [string | undefined, string, string | undefined])[] = [
    [undefined, 'http://localhost:8080', `http://${label}.localhost:8080/`],
    [undefined, 'http://127.0.0.1:8080', `http://${label}.localhost:8080/`],
    [undefined, 'http://[::1]:8080', `http://${label}.localhost:8080/`],
    [undefined, 'http://10.0.0.1:8080', undefined],
    [undefined, 'https://other.example', undefined],
    ['https://f.example', 'https://f.example', `https://${label}.f.example/`],
    ['https://f.example:8443', 'https://f.example:8443', `https://${label}.f.example:8443/`],
    ['https://f.example.', 'https://f.example.', `https://${label}.f.example/`],
    ['https://example.org/cdn', 'https://example.org/cdn', undefined],
    ['http://10.0.0.1', 'http://10.0.0.1', undefined]
  ]
  for (const [url, base, expected] of rows) {
    const hosts = createHosts({ url })
    const found = hosts.siteUrl(base, infoHash)
    t.equal(found, expected, base)
    if (found !== undefined) t.same(hosts.classify(new URL(found).host), site, 'and lives there')
  }
})

t.test('from a site, links to the gateway go to the host above it', async (t) => {
  const hosts = createHosts({ url: undefined })
  t.equal(hosts.gatewayUrl(`http://${label}.localhost:8080`), 'http://localhost:8080')
  for (const base of ['http://localhost:8080', 'https://example.org/cdn', 'http://[::1]:80']) {
    t.equal(hosts.gatewayUrl(base), base)
  }
})

t.test(
  'whatever stands in Host, there is an answer, and a site is only a site below us',
  async (t) => {
    const hosts = createHosts({ url: 'https://files.example.org' })
    const part = fc.constantFrom(
      label,
      infoHash,
      'files.example.org',
      'localhost',
      '.',
      ':',
      '[',
      '1'
    )
    const text = fc.oneof(
      fc.string(),
      fc.array(part, { maxLength: 6 }).map((parts) => parts.join(''))
    )
    holds(
      t,
      fc.property(text, (host) => {
        const found = hosts.classify(host)
        if (found.kind !== 'site') return true
        return /^[a-z2-7]{32}\.(?:files\.example\.org|localhost)\.?(?::\d{0,5})?$/i.test(host)
      }),
      3000
    )
  }
)

t.test('each infohash has one label', async (t) => {
  holds(
    t,
    fc.property(fc.uint8Array({ minLength: 20, maxLength: 20 }), (bytes) => {
      const hash = infoHashFromBytes(bytes)
      return hash !== undefined && parseSiteLabel(siteLabel(hash))?.infoHash === hash
    })
  )
})
