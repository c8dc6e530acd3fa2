import { resolve } from 'node:path'
import t from 'tap'
import { checkMode, gatewaySettings } from '../../gateway/config.ts'
import { loadConfig } from '../../lib/config/load.ts'

const load = (env: Record<string, string>) => loadConfig({ gateway: gatewaySettings }, env).gateway

t.test('the defaults are those of the contract', async (t) => {
  t.strictSame(load({}), {
    host: '127.0.0.1',
    port: 8080,
    url: undefined,
    cacheBytes: 20 * 2 ** 30,
    firstByteTimeoutMs: 30_000,
    mode: 'closed',
    denylist: undefined,
    signingKeys: undefined,
    maxOpenTorrents: 100,
    maxOpenBytes: 100 * 2 ** 30,
    openIdleMs: 600_000,
    maxResponses: 4096,
    maxResponsesPerAddress: 256,
    accel: undefined,
    trustedProxies: [],
    maxUploadBytes: 2 ** 40,
    apiKeys: undefined
  })
})

t.test('settings are read under the names of the contract', async (t) => {
  t.match(
    load({
      SWARMGATE_GATEWAY_HOST: '::',
      SWARMGATE_GATEWAY_PORT: '0',
      SWARMGATE_GATEWAY_URL: 'https://files.example/',
      SWARMGATE_GATEWAY_CACHE_BYTES: '64MiB',
      SWARMGATE_GATEWAY_FIRST_BYTE_TIMEOUT: '5s',
      SWARMGATE_TRUSTED_PROXIES: '10.0.0.0/8, ::1',
      SWARMGATE_MAX_UPLOAD_BYTES: '1GiB',
      SWARMGATE_API_KEYS: 'one,two'
    }),
    {
      host: '::',
      port: 0,
      url: 'https://files.example',
      cacheBytes: 2 ** 26,
      firstByteTimeoutMs: 5000,
      trustedProxies: ['10.0.0.0/8', '::1'],
      maxUploadBytes: 2 ** 30,
      apiKeys: ['one', 'two']
    }
  )
})

t.test('the modes and what belongs to them are read', async (t) => {
  const secret = 'x'.repeat(16)
  t.match(
    load({
      SWARMGATE_GATEWAY_MODE: 'signed',
      SWARMGATE_GATEWAY_DENYLIST: 'denied.txt',
      SWARMGATE_SIGNING_KEYS: `a:${secret},b:${secret}`,
      SWARMGATE_GATEWAY_MAX_OPEN_TORRENTS: '5',
      SWARMGATE_GATEWAY_MAX_OPEN_BYTES: '1GiB',
      SWARMGATE_GATEWAY_OPEN_IDLE: '90s'
    }),
    {
      mode: 'signed',
      denylist: resolve('denied.txt'),
      signingKeys: [{ id: 'a', secret }, { id: 'b' }],
      maxOpenTorrents: 5,
      maxOpenBytes: 2 ** 30,
      openIdleMs: 90_000
    }
  )
  t.throws(() => load({ SWARMGATE_GATEWAY_MODE: 'ajar' }), /closed or open or signed/)
  t.throws(() => load({ SWARMGATE_SIGNING_KEYS: 'a:short' }), { message: /^(?!.*short)/ })
})

t.test('a mode that the swarm would defeat is refused', async (t) => {
  const variable = 'SWARMGATE_GATEWAY_MODE'
  checkMode('signed', 'fleet')
  for (const access of ['published', 'any']) {
    t.throws(() => checkMode('signed', access), { variable, message: /SWARM_ACCESS=fleet/ })
    checkMode('open', access)
    checkMode('closed', access)
  }
  t.throws(() => checkMode('open', 'fleet'), { variable, message: /must not be open/ })
  checkMode('closed', 'fleet')
})

t.test('a bad key list is refused without showing it', async (t) => {
  t.throws(() => load({ SWARMGATE_API_KEYS: ' , ' }), /at least one key/)
  t.throws(() => load({ SWARMGATE_API_KEYS: 'se cret' }), { message: /^(?!.*cret)/ })
  t.throws(() => load({ SWARMGATE_API_KEYS: 'se cret' }), /^SWARMGATE_API_KEYS /)
})
