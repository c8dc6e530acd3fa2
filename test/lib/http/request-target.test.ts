import fc from 'fast-check'
import t from 'tap'
import { parseContentPath } from '../../../core/content-path.ts'
import {
  checkTarget,
  loggedTarget,
  toOriginForm,
  withRawBytes
} from '../../../lib/http/request-target.ts'
import { holds } from '../../core/property.ts'

function check(host: string | undefined, url = '/', httpVersion = '1.1') {
  const headers = host === undefined ? {} : { host }
  const rawHeaders = host === undefined ? [] : ['Host', host]
  return () => checkTarget({ url, httpVersion, headers, rawHeaders })
}

t.test('a host must be one that could exist', async (t) => {
  for (const host of [
    ...['localhost', 'gw.test', 'gw.test:8080', 'a_b', '127.0.0.1:1', '', 'gw.test:', 'xn--a.test'],
    ...['[::1]', '[::1]:8080', '[::ffff:1.2.3.4]', '%C3%A9.test']
  ]) {
    t.doesNotThrow(check(host), host)
  }
  for (const host of [
    ...[
      '[',
      ']',
      '[]',
      '[::1',
      '::1',
      'a:b',
      'a:1:2',
      'a b',
      'a/b',
      '/',
      'user@host',
      'a?b',
      'a#b'
    ],
    ...['a"b', 'a<b', 'a\\b', '%', '%zz', 'ä', 'a:123456', '[g::1]', 'a,b/c']
  ]) {
    t.throws(check(host), { code: 'REQUEST_INVALID' }, host)
  }
  t.throws(check(undefined), { code: 'REQUEST_INVALID' })
  t.doesNotThrow(check(undefined, '/', '1.0'))
})

t.test('a target may have 8 KiB', async (t) => {
  t.doesNotThrow(check('a', `/${'x'.repeat(8191)}`))
  t.throws(check('a', `/${'x'.repeat(8192)}`), { code: 'URI_TOO_LONG' })
})

t.test('the absolute form gives the path, and its authority is the Host', async (t) => {
  for (const [url, path, host] of [
    ['/a', '/a', 'old'],
    ['http://new/a?b', '/a?b', 'new'],
    ['HTTPS://new:1', '/', 'new:1'],
    ['http://new?b', '/?b', 'new'],
    ['http://[/a', '/a', '['],
    ['http:///a', '/a', '/'],
    ['http://', '/', '/'],
    ['http://u@new/', '/', 'u@new'],
    ['ftp://new/a', 'ftp://new/a', 'old']
  ] as const) {
    const headers = { host: 'old' }
    t.equal(toOriginForm({ url, headers }), path, url)
    t.equal(headers.host, host, url)
  }
})

t.test('bytes of a path that are not UTF-8 become raw, all else stays', async (t) => {
  for (const [target, raw] of [
    ['/a%20b', '/a%20b'],
    ['/%C3%A9', '/%C3%A9'],
    ['/%FF', '/\xff'],
    ['/%41%ff%2F%25', '/%41\xff%2F%25'],
    ['/%C3%A9/%C3', '/%C3%A9/\xc3'],
    ['/%E0%A4%A', '/\xe0\xa4%A'],
    ['/a?%FF', '/a?%FF'],
    ['/%FF?%FF', '/\xff?%FF']
  ] as const) {
    t.equal(withRawBytes(target), raw, target)
  }
})

t.test('raw bytes name the same content, and the router can decode the path', async (t) => {
  const prefix = `/${'a'.repeat(40)}/`
  const byte = fc.integer({ min: 1, max: 255 }).filter((byte) => byte !== 0x2f)
  const name = fc.array(byte, { minLength: 1, maxLength: 12 })
  holds(
    t,
    fc.property(name, (bytes) => {
      const hex = Buffer.from(bytes).toString('hex').replace(/../g, '%$&')
      const raw = withRawBytes(prefix + hex)
      decodeURI(raw)
      return (
        JSON.stringify(parseContentPath(raw)) === JSON.stringify(parseContentPath(prefix + hex))
      )
    })
  )
})

t.test('a log gets to know what was asked for, and not the key to it', async (t) => {
  for (const [target, logged] of [
    ['/a/b?c', '/a/b?c'],
    ['/s/k1.x.0.secret/abc/name?x', '/s/…/abc/name?x'],
    ['/s/k1.x.0.secret', '/s/…'],
    ['/s/k1.x.0.secret?x', '/s/…?x'],
    ['/site/name', '/site/name'],
    ['x'.repeat(600), 'x'.repeat(500)]
  ] as const) {
    t.equal(loggedTarget(target), logged)
  }
})
