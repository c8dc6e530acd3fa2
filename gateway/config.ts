/** Settings of the gateway. */
import { maxUploadBytes } from '../lib/api/limits.ts'
import {
  parseAddressBlock,
  parseDurationSetting,
  parseHost,
  parseList,
  parsePort,
  parseSecret,
  parseSizeSetting,
  parseUrl
} from '../lib/config/parsers.ts'
import { type ConfigOf, optional, setting } from '../lib/config/setting.ts'

export const gatewaySettings = {
  host: setting('GATEWAY_HOST', '127.0.0.1', parseHost, 'Address the public HTTP server binds to.'),
  port: setting('GATEWAY_PORT', '8080', parsePort, 'TCP port of the public HTTP server.'),
  url: optional(
    'GATEWAY_URL',
    parseUrl,
    'Base of the links handed out; from the Host of each request when unset.'
  ),
  cacheBytes: setting(
    'GATEWAY_CACHE_BYTES',
    '20GiB',
    parseSizeSetting,
    'Disk that the cache of pieces may use before it evicts.'
  ),
  firstByteTimeoutMs: setting(
    'GATEWAY_FIRST_BYTE_TIMEOUT',
    '30s',
    parseDurationSetting,
    'How long a response may wait for the swarm before it fails.'
  ),
  trustedProxies: setting(
    'TRUSTED_PROXIES',
    '',
    parseList(parseAddressBlock),
    'Addresses or blocks of proxies whose X-Forwarded-* headers are believed.'
  ),
  maxUploadBytes,
  apiKeys: optional(
    'API_KEYS',
    parseKeys,
    'Keys that may do everything under /v1, separated by commas.',
    { secret: true }
  )
}

export type GatewayConfig = ConfigOf<typeof gatewaySettings>

/** A list without a key would look like one and open what it was meant to close. */
function parseKeys(text: string): readonly string[] {
  const keys = parseList(parseSecret)(text)
  if (keys.length === 0) throw new Error('must name at least one key')
  return keys
}
