/** The settings of the BitTorrent side of a node. */
import { availableParallelism } from 'node:os'
import {
  parseChoice,
  parseCount,
  parseHost,
  parseHostPort,
  parseList,
  parsePort
} from '../config/parsers.ts'
import { optional, setting } from '../config/setting.ts'

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
    'webtorrent',
    parseChoice('webtorrent'),
    'Engine behind the swarm contract.'
  ),
  workers: optional(
    'SWARM_WORKERS',
    parseCount(1, 64),
    'Worker threads of the swarm; the number of cores less one, at least 1, when unset.'
  )
} as const

/** How many workers run when the setting names none. */
export function defaultWorkers(): number {
  return Math.max(1, availableParallelism() - 1)
}
