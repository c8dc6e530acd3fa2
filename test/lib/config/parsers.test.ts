import t, { type Test } from 'tap'
import * as parsers from '../../../lib/config/parsers.ts'

const REFUSED = Symbol('refused')

/** Checks a parser against a table; REFUSED stands for an error that does not repeat the text. */
function table<T>(t: Test, parse: (text: string) => T, rows: readonly [string, unknown][]): void {
  for (const [text, expected] of rows) {
    if (expected !== REFUSED) {
      t.same(parse(text), expected, JSON.stringify(text))
      continue
    }
    t.throws(() => parse(text), /^must (be|not) /, `refuses ${JSON.stringify(text)}`)
  }
}

t.test('ports', async (t) => {
  const bad = ['', '-1', '65536', '1.5', '0x10', ' 80', '8e1', 'tcp://10.0.0.1:80']
  table(t, parsers.parsePort, [
    ['0', 0],
    ['8080', 8080],
    ['65535', 65_535]
  ])
  table(
    t,
    parsers.parsePort,
    bad.map((text) => [text, REFUSED])
  )
})

t.test('counts between bounds', async (t) => {
  const rows: [string, unknown][] = [
    ['1', 1],
    ['64', 64],
    ['0', REFUSED],
    ['65', REFUSED]
  ]
  table(t, parsers.parseCount(1, 64), rows)
  table(t, parsers.parseCount(0), [
    ['9007199254740993', REFUSED],
    ['0', 0]
  ])
})

t.test('hosts to bind to', async (t) => {
  table(t, parsers.parseHost, [
    ['127.0.0.1', '127.0.0.1'],
    ['::', '::'],
    ['[::1]', '::1'],
    ['LocalHost', 'localhost'],
    ['node-1.example.org', 'node-1.example.org'],
    ['', REFUSED],
    ['localhost:80', REFUSED],
    ['http://localhost', REFUSED],
    ['300.1.1.1', REFUSED],
    ['1', REFUSED],
    ['[localhost]', REFUSED],
    ['a b', REFUSED],
    ['-a', REFUSED],
    [`${'a'.repeat(64)}.org`, REFUSED]
  ])
})

t.test('host and port together', async (t) => {
  table(t, parsers.parseHostPort, [
    ['example.org:6881', 'example.org:6881'],
    ['10.0.0.1:1', '10.0.0.1:1'],
    ['[2001:db8::1]:6881', '[2001:db8::1]:6881'],
    ['example.org', REFUSED],
    ['example.org:0', REFUSED],
    ['example.org:65536', REFUSED],
    ['2001:db8::1:6881', REFUSED],
    [':6881', REFUSED]
  ])
})

t.test('base URLs lose the trailing slash', async (t) => {
  table(t, parsers.parseUrl, [
    ['https://Example.org/', 'https://example.org'],
    ['http://example.org:80/files//', 'http://example.org/files'],
    ['http://[::1]:8080', 'http://[::1]:8080'],
    ['example.org', REFUSED],
    ['ftp://example.org', REFUSED],
    ['https://example.org/?', REFUSED],
    ['https://example.org/#x', REFUSED],
    ['https://u:p@example.org', REFUSED],
    ['https://', REFUSED]
  ])
})

t.test('announce URLs stay as they are', async (t) => {
  for (const url of ['udp://t.example:8000', 'ws://t:1', 'http://t/announce?k=1', 'wss://t']) {
    t.equal(parsers.parseAnnounceUrl(url), url)
  }
  table(t, parsers.parseAnnounceUrl, [
    ['t:1', REFUSED],
    ['udp://', REFUSED],
    ['ftp://t', REFUSED]
  ])
})

t.test('origins have no path', async (t) => {
  table(t, parsers.parseOrigin, [
    ['*', '*'],
    ['https://example.org', 'https://example.org'],
    ['https://example.org/', REFUSED],
    ['example.org', REFUSED],
    ['null', REFUSED]
  ])
})

t.test('addresses and blocks of them', async (t) => {
  table(t, parsers.parseAddressBlock, [
    ['10.0.0.0/8', '10.0.0.0/8'],
    ['192.0.2.1', '192.0.2.1'],
    ['2001:db8::/32', '2001:db8::/32'],
    ['loopback', 'loopback'],
    ['10.0.0.0/33', REFUSED],
    ['10.0.0.0/', REFUSED],
    ['1', REFUSED],
    ['example.org', REFUSED]
  ])
})

t.test('sizes, durations, booleans, choices, texts and secrets', async (t) => {
  table(t, parsers.parseSizeSetting, [
    ['512KiB', 524_288],
    ['1000', 1000],
    ['many', REFUSED]
  ])
  table(t, parsers.parseDurationSetting, [
    ['150ms', 150],
    ['24h', 86_400_000],
    ['5', REFUSED]
  ])
  table(t, parsers.parseBoolean, [
    ['true', true],
    ['false', false],
    ['1', REFUSED]
  ])
  const parseAccess = parsers.parseChoice('published', 'fleet')
  table(t, parseAccess, [
    ['fleet', 'fleet'],
    ['Fleet', REFUSED]
  ])
  t.throws(() => parseAccess('x'), { message: 'must be published or fleet' })
  table(t, parsers.parseText, [
    [' a b ', 'a b'],
    ['  ', REFUSED]
  ])
  table(t, parsers.parseSecret, [
    ['s3cret!', 's3cret!'],
    ['a b', REFUSED],
    ['é', REFUSED]
  ])
})

t.test('lists drop empty items and are bounded', async (t) => {
  const parsePorts = parsers.parseList(parsers.parsePort)
  table(t, parsePorts, [
    ['1, 2,', [1, 2]],
    ['', []],
    ['1,x', REFUSED]
  ])
  t.throws(() => parsePorts('1,'.repeat(257)), /256/)
})
