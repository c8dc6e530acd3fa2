/**
 * Torrent objects with what this node knows: the fleet's holders, and its own swarm's counters.
 *
 * One presenter serves a gateway's `/v1` and the answers of an ingest, in one process or apart.
 */
import type { InfoHash } from '../../core/info-hash.ts'
import type { Entry } from '../control/control.ts'
import type { Replica } from '../control/replica.ts'
import type { TorrentStats } from '../swarm/contract.ts'
import { type Torrent, toTorrentObject } from './torrent.ts'

export interface PresenterDeps {
  readonly replica: Pick<Replica, 'holders' | 'nodes'>
  /** What goes into magnets. */
  readonly announceUrls: readonly string[]
  /** What this process's swarm sees of a torrent. */
  readonly statsOf: (infoHash: InfoHash) => TorrentStats | undefined
}

/** @param baseUrl base of the links, without a trailing slash. */
export type PresentTorrent = (entry: Entry, baseUrl: string) => Torrent

export function createTorrentPresenter(deps: PresenterDeps): PresentTorrent {
  const { replica, announceUrls, statsOf } = deps

  return (entry, baseUrl) => {
    const live = replica.nodes().filter((node) => node.live && node.roles.includes('seeder'))
    return toTorrentObject(entry, {
      baseUrl,
      announceUrls,
      holders: replica.holders(entry.infoHash),
      liveSeeders: live.length,
      stats: statsOf(entry.infoHash)
    })
  }
}
