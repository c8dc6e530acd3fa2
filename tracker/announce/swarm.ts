/** The peers of one torrent, by the way they are reached, and what a scrape tells of them. */
import type { Family } from './address.ts'
import { LinkTable } from './link-table.ts'
import { PeerTable } from './peer-table.ts'

/** BEP 48. A peer reached in two ways counts twice. */
export interface SwarmCounts {
  readonly complete: number
  readonly incomplete: number
  /** Leechers seen becoming seeds since the swarm was last empty. */
  readonly downloaded: number
}

export const NOBODY: SwarmCounts = { complete: 0, incomplete: 0, downloaded: 0 }

export class Swarm {
  readonly ipv4 = new PeerTable(4)
  readonly ipv6 = new PeerTable(16)
  readonly links = new LinkTable()
  downloaded = 0

  get size(): number {
    return this.ipv4.size + this.ipv6.size + this.links.size
  }

  get counts(): SwarmCounts {
    const complete = this.ipv4.seeds + this.ipv6.seeds + this.links.seeds
    return { complete, incomplete: this.size - complete, downloaded: this.downloaded }
  }

  table(family: Family): PeerTable {
    return family === 'ipv4' ? this.ipv4 : this.ipv6
  }
}
