import t from 'tap'
import { ConfigError, type Environment, loadConfig } from '../../../lib/config/load.ts'
import { parsePort, parseSecret, parseSizeSetting, parseText } from '../../../lib/config/parsers.ts'
import { optional, setting, withDefault } from '../../../lib/config/setting.ts'

const groups = {
  gateway: {
    port: setting('GATEWAY_PORT', '8080', parsePort, 'Port.'),
    cacheBytes: setting('GATEWAY_CACHE_BYTES', '20GiB', parseSizeSetting, 'Cache.')
  },
  tracker: {
    port: setting('TRACKER_PORT', '8000', parsePort, 'Port.'),
    zone: optional('ZONE', parseText, 'Zone.'),
    secret: optional('CLUSTER_SECRET', parseSecret, 'Secret.', { secret: true })
  }
}

function messageOf(env: Environment): string {
  try {
    loadConfig(groups, env)
    return 'loaded'
  } catch (err) {
    if (!(err instanceof ConfigError)) throw err
    return err.message
  }
}

t.test('values come from the environment, else from the defaults', async (t) => {
  const env = { SWARMGATE_GATEWAY_PORT: '0', SWARMGATE_ZONE: 'east', HOME: '/', SWARM: 'x' }
  const config = loadConfig(groups, env)
  const port: number = config.gateway.port
  const zone: string | undefined = config.tracker.zone
  t.equal(port, 0)
  t.equal(zone, 'east')
  t.same(config.gateway, { port: 0, cacheBytes: 20 * 2 ** 30 })
  t.same(config.tracker, { port: 8000, zone: 'east', secret: undefined })
})

t.test('an empty variable counts as unset', async (t) => {
  const config = loadConfig(groups, { SWARMGATE_GATEWAY_PORT: '', SWARMGATE_ZONE: '' })
  t.equal(config.gateway.port, 8080)
  t.equal(config.tracker.zone, undefined)
})

t.test('a role may have another default', async (t) => {
  const { port } = groups.gateway
  const config = loadConfig({ apart: { port: withDefault(port, '9000') } }, {})
  t.equal(config.apart.port, 9000)
})

t.test('what stops the start is said in one line that names the variable', async (t) => {
  for (const [env, message] of [
    [
      { SWARMGATE_GATEWAY_PRT: '1' },
      'SWARMGATE_GATEWAY_PRT is not a setting; the nearest known name is SWARMGATE_GATEWAY_PORT'
    ],
    [
      { SWARMGATE_PORT_TRACKER: '1' },
      'SWARMGATE_PORT_TRACKER is not a setting; the nearest known name is SWARMGATE_TRACKER_PORT'
    ],
    [
      { SWARMGATE_TRACKER_PORT: '70000' },
      'SWARMGATE_TRACKER_PORT must be a port number from 0 to 65535, not "70000"'
    ],
    [
      { SWARMGATE_GATEWAY_CACHE_BYTES: 'lots\nof' },
      'SWARMGATE_GATEWAY_CACHE_BYTES must be a size like 20GiB, 512KiB or 1000000, not "lots\\nof"'
    ]
  ] as const) {
    t.equal(messageOf(env), message)
  }
})

t.test('variables of Kubernetes service links get a hint', async (t) => {
  for (const env of [
    { SWARMGATE_TRACKER_PORT: 'tcp://10.0.0.1:8000' },
    { SWARMGATE_TRACKER_SERVICE_HOST: '10.0.0.1' },
    { SWARMGATE_TRACKER_SERVICE_PORT_HTTP: '8000' },
    { SWARMGATE_TRACKER_PORT_8000_TCP_ADDR: '10.0.0.1' }
  ]) {
    const message = messageOf(env)
    t.match(message, /enableServiceLinks: false/)
    t.ok(message.startsWith(Object.keys(env)[0] as string))
    t.notMatch(message, /\n/)
  }
})

t.test('a bad secret is not repeated', async (t) => {
  const message = messageOf({ SWARMGATE_CLUSTER_SECRET: 'hush hush' })
  t.match(message, /^SWARMGATE_CLUSTER_SECRET must be printable ASCII/)
  t.notMatch(message, /hush/)
})
