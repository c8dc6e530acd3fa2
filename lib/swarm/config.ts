/** The settings of the BitTorrent side of a node. */
import { availableParallelism } from 'node:os'
import {
  parseBoolean,
  parseChoice,
  parseCount,
  parseHost,
  parseHostPort,
  parseList,
  parsePort,
  parseSizeSetting
} from '../config/parsers.ts'
import { optional, setting } from '../config/setting.ts'
import { parseIceServer } from './webrtc/ice-server.ts'

export const swarmSettings = {
  wireHost: setting(
    'WIRE_HOST',
    '127.0.0.1',
    parseHost,
    'Address the BitTorrent wire listens on; `::` for every interface.'
  ),
  wirePort: setting(
    'WIRE_PORT',
    '6881',
    parsePort,
    'First TCP port of the BitTorrent wire: worker i listens on this port + i; 0 takes free ports. A gateway that runs apart has 6981.'
  ),
  wireAdvertise: optional(
    'WIRE_ADVERTISE',
    parseList(parseHostPort),
    'Addresses other nodes are told, one `host:port` per worker in their order; derived from what is listened on when unset.'
  ),
  engine: setting(
    'SWARM_ENGINE',
    'wire',
    parseChoice('wire', 'webtorrent'),
    'Engine behind the swarm contract: `wire` is ours, `webtorrent` the reference.'
  ),
  workers: optional(
    'SWARM_WORKERS',
    parseCount(1, 64),
    'Worker threads of the swarm; the number of cores less one, at least 1, when unset.'
  ),
  uploadRate: optional(
    'WIRE_UPLOAD_RATE',
    parseRate,
    'Bytes per second that this node sends to peers, such as `10MiB`; no limit when unset.'
  ),
  torrentUploadRate: optional(
    'WIRE_MAX_TORRENT_UPLOAD_RATE',
    parseRate,
    'Bytes per second that this node sends of one torrent, such as `10MiB`; no limit when unset.'
  ),
  downloadRate: optional(
    'WIRE_DOWNLOAD_RATE',
    parseRate,
    'Bytes per second that this node asks of peers, such as `10MiB`; no limit when unset.'
  ),
  dht: setting(
    'DHT',
    'false',
    parseBoolean,
    'Takes part in the DHT (BEP 5) on the UDP port of the wire; never for private torrents.'
  ),
  iceServers: optional(
    'ICE_SERVERS',
    parseList(parseIceServer),
    'STUN and TURN servers for browsers: `stun:host:port` or `turn:user:password@host:port`, separated by commas.'
  )
} as const

/** A size above 0, once a second. */
function parseRate(text: string): number {
  const bytes = parseSizeSetting(text)
  if (bytes <= 0) throw new Error('must be above 0')
  return bytes
}

/** How many workers run when the setting names none. */
export function defaultWorkers(): number {
  return Math.max(1, availableParallelism() - 1)
}
