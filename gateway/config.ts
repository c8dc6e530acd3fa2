/** Settings of the gateway. */
import { resolve } from 'node:path'
import { maxUploadBytes } from '../lib/api/limits.ts'
import { ConfigError, PREFIX } from '../lib/config/load.ts'
import {
  parseAddressBlock,
  parseChoice,
  parseCount,
  parseDurationSetting,
  parseHost,
  parseList,
  parsePort,
  parseSecret,
  parseSizeSetting,
  parseText,
  parseUrl
} from '../lib/config/parsers.ts'
import { type ConfigOf, optional, setting } from '../lib/config/setting.ts'
import { parseSigningKeys } from './access/signing-keys.ts'
import { parseAccel } from './content/accel.ts'

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
  mode: setting(
    'GATEWAY_MODE',
    'closed',
    parseChoice('closed', 'open', 'signed'),
    'What is served: published content, any torrent by its infohash, or published content by signed URLs only.'
  ),
  denylist: optional(
    'GATEWAY_DENYLIST',
    (text) => resolve(parseText(text)),
    'File of denied infohashes and paths, plain or hashed; read again when it changes.'
  ),
  signingKeys: optional(
    'SIGNING_KEYS',
    parseSigningKeys,
    'Keys of signed URLs as `id:secret,…`: the first signs, all verify; the tracker makes one when unset.',
    { secret: true }
  ),
  maxOpenTorrents: setting(
    'GATEWAY_MAX_OPEN_TORRENTS',
    '100',
    parseCount(1, 900),
    'Unpublished torrents that mode `open` fetches at the same time.'
  ),
  maxOpenBytes: setting(
    'GATEWAY_MAX_OPEN_BYTES',
    '100GiB',
    parseSizeSetting,
    'Size of the largest unpublished torrent that mode `open` fetches.'
  ),
  openIdleMs: setting(
    'GATEWAY_OPEN_IDLE',
    '10m',
    parseDurationSetting,
    'How long nobody may have asked for an unpublished torrent before mode `open` leaves it.'
  ),
  maxResponses: setting(
    'GATEWAY_MAX_RESPONSES',
    '4096',
    parseCount(1, 65_536),
    'Content responses under way at once; beyond it clients that hardly read give way, then 429.'
  ),
  maxResponsesPerAddress: setting(
    'GATEWAY_MAX_RESPONSES_PER_ADDRESS',
    '256',
    parseCount(1, 65_536),
    'The same for one IPv4 address or IPv6 /64; this machine is not held to it.'
  ),
  accel: optional(
    'GATEWAY_ACCEL',
    parseAccel,
    'Lets a web server in front send library files: `x-accel-redirect=PREFIX` or `x-sendfile`.'
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

/**
 * Refuses a mode that the swarm's access would defeat. Throws `ConfigError`.
 * @param access `SWARMGATE_SWARM_ACCESS`
 */
export function checkMode(mode: GatewayConfig['mode'], access: string): void {
  if (mode === 'signed' && access !== 'fleet') {
    throw new ConfigError(
      `${PREFIX}GATEWAY_MODE`,
      `must not be signed while ${PREFIX}SWARM_ACCESS is ${access}: anyone could fetch from the swarm what needs a signature here; set ${PREFIX}SWARM_ACCESS=fleet on every role`
    )
  }
  if (mode === 'open' && access === 'fleet') {
    throw new ConfigError(
      `${PREFIX}GATEWAY_MODE`,
      `must not be open while ${PREFIX}SWARM_ACCESS is fleet: no peer outside the fleet would be found or spoken to`
    )
  }
}

/** A list without a key would look like one and open what it was meant to close. */
function parseKeys(text: string): readonly string[] {
  const keys = parseList(parseSecret)(text)
  if (keys.length === 0) throw new Error('must name at least one key')
  return keys
}
