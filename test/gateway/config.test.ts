import t from 'tap'
import { gatewaySettings } from '../../gateway/config.ts'
import { loadConfig } from '../../lib/config/load.ts'

const load = (env: Record<string, string>) => loadConfig({ gateway: gatewaySettings }, env).gateway

t.test('the defaults are those of the contract', async (t) => {
  t.strictSame(load({}), {
    host: '127.0.0.1',
    port: 8080,
    url: undefined,
    cacheBytes: 20 * 2 ** 30,
    firstByteTimeoutMs: 30_000,
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

t.test('a bad key list is refused without showing it', async (t) => {
  t.throws(() => load({ SWARMGATE_API_KEYS: ' , ' }), /at least one key/)
  t.throws(() => load({ SWARMGATE_API_KEYS: 'se cret' }), { message: /^(?!.*cret)/ })
  t.throws(() => load({ SWARMGATE_API_KEYS: 'se cret' }), /^SWARMGATE_API_KEYS /)
})
