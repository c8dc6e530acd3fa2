/**
 * Who should hold a torrent: a pure function of what is verifiably held and who is there.
 *
 * Copies that exist count first; only the missing places are filled, by weighted rendezvous
 * hashing, so that a node that comes or goes moves nothing but its own share. Nodes that are dead
 * or draining are not candidates and their copies do not count: they are on their way out.
 */
import { hash } from 'node:crypto'
import type { InfoHash } from '../../core/info-hash.ts'
import type { NodeId } from '../../lib/control/control.ts'

export interface PlacementNode {
  readonly id: NodeId
  readonly live: boolean
  readonly draining: boolean
  readonly freeBytes: number
  /** Share of the torrents relative to other nodes; above 0. */
  readonly weight: number
}

export interface PlacementTorrent {
  readonly infoHash: InfoHash
  readonly size: number
  /** Copies there should be, if there are as many nodes. */
  readonly wanted: number
  /** Nodes that hold every piece, verified. */
  readonly holders: ReadonlySet<NodeId>
}

/**
 * The nodes that should take a copy, best first: never more than are missing, and none for a
 * torrent of size 0, which every seeder holds by its nature.
 */
export function placeCopies(torrent: PlacementTorrent, nodes: readonly PlacementNode[]): NodeId[] {
  if (torrent.size === 0) return []
  const usable = nodes.filter((node) => node.live && !node.draining)
  const copies = usable.filter((node) => torrent.holders.has(node.id)).length
  const missing = Math.max(0, torrent.wanted - copies)
  return usable
    .filter((node) => !torrent.holders.has(node.id) && node.freeBytes >= torrent.size)
    .map(({ id, weight }) => ({ id, score: score(torrent.infoHash, id, weight) }))
    .sort((a, b) => b.score - a.score || (a.id < b.id ? -1 : 1))
    .slice(0, missing)
    .map(({ id }) => id)
}

/**
 * Weighted rendezvous: −weight / ln(u) with u uniform in (0, 1). The highest scores win, each node
 * with a probability in proportion to its weight, whoever else takes part.
 */
function score(infoHash: InfoHash, id: NodeId, weight: number): number {
  const digits = hash('sha1', `${infoHash}:${id}`).slice(0, 12)
  const uniform = (Number.parseInt(digits, 16) + 0.5) / 2 ** 48
  return -weight / Math.log(uniform)
}
