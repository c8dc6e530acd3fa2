/** Who waits for the info dictionary of which torrent (BEP 9): one question for all who ask. */
import type { InfoHash } from '../../core/info-hash.ts'
import type { PeerAddress } from './contract.ts'
import { mergePeers } from './merge-peers.ts'

interface Request {
  peers: readonly PeerAddress[]
  readonly waiting: Set<(info: Uint8Array) => void>
}

export interface MetadataRequests {
  /**
   * Resolves with the info dictionary; rejects with the signal's reason.
   * @param onAbandoned nobody waits for it any more, and it did not come
   */
  wait(
    infoHash: InfoHash,
    peers: readonly PeerAddress[],
    signal: AbortSignal,
    onAbandoned: () => void
  ): Promise<Uint8Array>
  /** More peers; false when nobody waits for this one. */
  add(infoHash: InfoHash, peers: readonly PeerAddress[]): boolean
  /** Peers heard of so far. */
  heard(infoHash: InfoHash): number
  arrived(infoHash: InfoHash, info: Uint8Array): void
  open(): Iterable<readonly [InfoHash, readonly PeerAddress[]]>
}

export function createMetadataRequests(): MetadataRequests {
  const requests = new Map<InfoHash, Request>()

  function wait(...[infoHash, peers, signal, onAbandoned]: Parameters<MetadataRequests['wait']>) {
    const request = requests.get(infoHash) ?? { peers: [], waiting: new Set() }
    request.peers = mergePeers(request.peers, peers)
    requests.set(infoHash, request)
    return new Promise<Uint8Array>((resolve, reject) => {
      const take = (info: Uint8Array) => {
        signal.removeEventListener('abort', giveUp)
        resolve(info)
      }
      const giveUp = () => {
        request.waiting.delete(take)
        if (request.waiting.size === 0 && requests.get(infoHash) === request) {
          requests.delete(infoHash)
          onAbandoned()
        }
        reject(signal.reason)
      }
      request.waiting.add(take)
      signal.addEventListener('abort', giveUp, { once: true })
    })
  }

  return {
    wait,
    add(infoHash, peers) {
      const request = requests.get(infoHash)
      if (request !== undefined) request.peers = mergePeers(request.peers, peers)
      return request !== undefined
    },
    heard: (infoHash) => requests.get(infoHash)?.peers.length ?? 0,
    arrived(infoHash, info) {
      const request = requests.get(infoHash)
      requests.delete(infoHash)
      for (const take of request?.waiting ?? []) take(info)
    },
    *open() {
      for (const [infoHash, { peers }] of requests) yield [infoHash, peers]
    }
  }
}
