import t from 'tap'
import { createBaseUrl, listenerUrl } from '../../../lib/api/base-url.ts'

const socket = { localAddress: '127.0.0.1', localPort: 8080 }

/** The base URL for a request with that Host. */
function baseOf(host: string | undefined, over: Record<string, unknown> = {}, configured?: string) {
  const request = { host, protocol: 'http', socket, ...over }
  return createBaseUrl(configured)(request as Parameters<ReturnType<typeof createBaseUrl>>[0])
}

t.test('the configured URL is the base whatever the request says', async (t) => {
  t.equal(baseOf('evil.example', {}, 'https://files.example/x'), 'https://files.example/x')
})

t.test('else the links name the host that the client named', async (t) => {
  for (const [host, base] of [
    ['localhost:8080', 'http://localhost:8080'],
    ['Files.Example', 'http://files.example'],
    ['10.0.0.7:80', 'http://10.0.0.7:80'],
    ['[::1]:8080', 'http://[::1]:8080'],
    ['a_b.example:65535', 'http://a_b.example:65535']
  ] as const) {
    t.equal(baseOf(host), base)
  }
  t.equal(baseOf('files.example', { protocol: 'https' }), 'https://files.example')
})

t.test('a Host that is none never gets into a link', async (t) => {
  for (const host of [
    undefined,
    '',
    'a b',
    'a/b',
    'a"><script>',
    'user@host',
    'host:0',
    'host:65536',
    'host:80:80',
    '[::1',
    '[nonsense]',
    '[::]:8080',
    '0.0.0.0:8080',
    '-a.example',
    '256.1.1.1:80',
    '1.2.3.4.5',
    `${'a'.repeat(300)}.example`
  ]) {
    t.equal(baseOf(host), 'http://127.0.0.1:8080', String(host))
  }
})

t.test('without a usable Host the address that the client reached is named', async (t) => {
  const at = (localAddress?: string) => baseOf('', { socket: { localAddress, localPort: 9 } })
  t.equal(at('::ffff:10.0.0.1'), 'http://10.0.0.1:9')
  t.equal(at('fd00::1'), 'http://[fd00::1]:9')
  t.equal(at(undefined), 'http://127.0.0.1:9')
})

t.test('a listener is printed by an address that can be opened', async (t) => {
  t.equal(listenerUrl('0.0.0.0', 8080), 'http://localhost:8080')
  t.equal(listenerUrl('::', 8080), 'http://localhost:8080')
  t.equal(listenerUrl('::1', 8080), 'http://[::1]:8080')
  t.equal(listenerUrl('127.0.0.1', 1), 'http://127.0.0.1:1')
})
