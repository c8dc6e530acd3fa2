/** Which torrents of a node are announced to strangers, and with which figures. */
import type { InfoHash } from '../../core/info-hash.ts'
import type { Replica } from '../control/replica.ts'
import type { AnnounceTotals } from '../swarm/announcer.ts'
import type { TorrentStats } from '../swarm/contract.ts'
import type { Swarm } from '../swarm/swarm.ts'
import type { Discovery } from './discovery.ts'
import type { Session } from './session.ts'

export interface AnnouncingDeps {
  readonly announcer: Discovery
  readonly swarm: Pick<Swarm, 'stats'>
  readonly replica: Pick<Replica, 'entry'>
}

export interface Announcing {
  /** A session joined the swarm. */
  joined(session: Pick<Session, 'infoHash' | 'store'>): void
  /** The library holds it: strangers find it also while it sleeps, and a knock wakes it. */
  held(infoHash: InfoHash): void
  completed(infoHash: InfoHash): void
  forget(infoHash: InfoHash): Promise<void>
}

export function createAnnouncing({ announcer, swarm, replica }: AnnouncingDeps): Announcing {
  function totals(infoHash: InfoHash): () => AnnounceTotals {
    return () => {
      const { uploaded, downloaded } = swarm.stats(infoHash) ?? {}
      return { uploaded: sum(uploaded), downloaded: sum(downloaded) }
    }
  }

  return {
    joined({ infoHash, store }) {
      const { size } = store.metainfo.geometry
      const left = () => (store.complete ? 0 : size)
      announcer.announce(infoHash, left, totals(infoHash), !store.metainfo.private)
    },
    held(infoHash) {
      const entry = replica.entry(infoHash)
      if (entry?.state !== 'published' || entry.size === 0) return
      announcer.announce(infoHash, () => 0, totals(infoHash))
    },
    completed: (infoHash) => announcer.complete(infoHash),
    forget: (infoHash) => announcer.forget(infoHash)
  }
}

function sum(bytes: TorrentStats['uploaded'] | undefined): number {
  return bytes === undefined ? 0 : bytes.seeder + bytes.gateway + bytes.stranger
}
