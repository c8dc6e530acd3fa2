/**
 * What a node knows of the fleet, in memory: entries, nodes, holdings, API keys and signing keys by their names.
 *
 * Changes may come twice and out of order: the higher revision wins, so applying any mixture of
 * snapshot pages, feed pages and answers gives the same state. Bounded by the catalogue itself:
 * one line per entry, node, key, and pair of entry and node.
 */
import type { InfoHash } from '../../core/info-hash.ts'
import type { ApiKey, Change, Entry, Holding, NodeId, NodeState, SigningKey } from './control.ts'

interface Revised {
  readonly revision: number
}

export class FleetState {
  readonly entries = new Map<InfoHash, Entry>()
  readonly nodes = new Map<NodeId, NodeState>()
  readonly keys = new Map<string, ApiKey>()
  readonly signingKeys = new Map<string, SigningKey>()
  readonly #holdings = new Map<InfoHash, Map<NodeId, Holding>>()

  /**
   * Takes a change in. False when something as new was known already. Revision 0 is knowledge of
   * our own that the tracker has not numbered yet: it holds until the tracker says otherwise.
   */
  apply(change: Change): boolean {
    switch (change.type) {
      case 'entry':
        return put(this.entries, change.entry.infoHash, change.entry)
      case 'node':
        return put(this.nodes, change.node.id, change.node)
      case 'key':
        return put(this.keys, change.key.id, change.key)
      case 'signing-key':
        return put(this.signingKeys, change.signingKey.id, change.signingKey)
      case 'holding':
        return put(this.#holders(change.holding.infoHash), change.holding.nodeId, change.holding)
    }
  }

  /** The nodes that hold every piece, live or not. Of an empty torrent: every seeder. */
  holders(infoHash: InfoHash): NodeState[] {
    if (this.entries.get(infoHash)?.size === 0) {
      return [...this.nodes.values()].filter((node) => node.roles.includes('seeder'))
    }
    const holdings = this.#holdings.get(infoHash)
    if (holdings === undefined) return []
    return [...holdings.values()].flatMap(({ nodeId, held }) => {
      const node = this.nodes.get(nodeId)
      return held && node !== undefined ? [node] : []
    })
  }

  /** Everything known, as changes that rebuild it. */
  *changes(): Generator<Change, void, undefined> {
    for (const node of this.nodes.values()) yield { type: 'node', node }
    for (const key of this.keys.values()) yield { type: 'key', key }
    for (const signingKey of this.signingKeys.values()) yield { type: 'signing-key', signingKey }
    for (const entry of this.entries.values()) yield { type: 'entry', entry }
    for (const holdings of this.#holdings.values()) {
      for (const holding of holdings.values()) yield { type: 'holding', holding }
    }
  }

  #holders(infoHash: InfoHash): Map<NodeId, Holding> {
    let holders = this.#holdings.get(infoHash)
    if (holders === undefined) {
      holders = new Map()
      this.#holdings.set(infoHash, holders)
    }
    return holders
  }
}

function put<K, V extends Revised>(map: Map<K, V>, key: K, value: V): boolean {
  const known = map.get(key)?.revision ?? -1
  const local = value.revision === 0
  if (!local && value.revision <= known) return false
  map.set(key, local ? { ...value, revision: Math.max(known, 0) } : value)
  return true
}
