/** The tracker's settings. */
import {
  parseAnnounceUrl,
  parseChoice,
  parseCount,
  parseHost,
  parseList,
  parsePort
} from '../lib/config/parsers.ts'
import { type ConfigOf, optional, setting } from '../lib/config/setting.ts'

export const trackerSettings = {
  host: setting(
    'TRACKER_HOST',
    '127.0.0.1',
    parseHost,
    'Address the tracker listens on; `::` for every interface.'
  ),
  port: setting(
    'TRACKER_PORT',
    '8000',
    parsePort,
    'Port of announce over HTTP and WebSocket (TCP) and UDP, and of the control interface.'
  ),
  announceUrls: optional(
    'TRACKER_ANNOUNCE_URLS',
    parseList(parseAnnounceUrl),
    'Announce URLs that go into metainfo and magnets; by default those of where the tracker is reached.'
  ),
  access: setting(
    'SWARM_ACCESS',
    'published',
    parseChoice('published', 'fleet', 'any'),
    'Who may take part in swarms: anyone in those of published torrents, registered nodes only, or anyone in any.'
  ),
  replicas: setting(
    'REPLICAS',
    '2',
    parseCount(1, 1000),
    'Wanted copies of a torrent, capped by the number of live seeders.'
  )
} as const

export interface TrackerConfig extends ConfigOf<typeof trackerSettings> {
  /** Where the catalogue lies. */
  readonly folder: string
  /** What nodes show on the control interface; there is none without it. */
  readonly clusterSecret: string | undefined
}
