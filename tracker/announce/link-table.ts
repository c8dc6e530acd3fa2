/**
 * The WebSocket peers of one swarm, by peer id, densely listed so that a random few cost no walk.
 *
 * A peer id belongs to the link that brought it. Another link may take it over only from the same
 * address, as a browser does that reconnects before we noticed that its old socket is dead;
 * otherwise anybody who learnt a peer id could collect the answers meant for it.
 */
import type { Link } from './link.ts'

export interface LinkPeer {
  readonly peerId: string
  readonly link: Link
  seed: boolean
  seenS: number
}

export class LinkTable {
  readonly #places = new Map<string, number>()
  readonly #peers: LinkPeer[] = []
  #seeds = 0

  get size(): number {
    return this.#peers.length
  }

  get seeds(): number {
    return this.#seeds
  }

  get(peerId: string): LinkPeer | undefined {
    const place = this.#places.get(peerId)
    return place === undefined ? undefined : this.#peers[place]
  }

  /** Adds the peer or renews it. False when the peer id belongs to somebody else. */
  put(peerId: string, link: Link, seed: boolean, nowS: number): boolean {
    const known = this.get(peerId)
    if (known !== undefined && known.link !== link) {
      if (!Buffer.from(known.link.address.bytes).equals(link.address.bytes)) return false
      this.remove(peerId, known.link)
    }
    const peer = this.get(peerId) ?? this.#append({ peerId, link, seed: false, seenS: nowS })
    this.#seeds += Number(seed) - Number(peer.seed)
    peer.seed = seed
    peer.seenS = nowS
    return true
  }

  /** Removes the peer if it is this link's. */
  remove(peerId: string, link: Link): boolean {
    const place = this.#places.get(peerId)
    const peer = place === undefined ? undefined : this.#peers[place]
    if (place === undefined || peer === undefined || peer.link !== link) return false
    const last = this.#peers.pop()
    this.#places.delete(peerId)
    if (last !== undefined && last !== peer) {
      this.#peers[place] = last
      this.#places.set(last.peerId, place)
    }
    this.#seeds -= Number(peer.seed)
    return true
  }

  /** Removes whatever this link listed. */
  removeLink(link: Link): void {
    if (link.actsFor !== undefined) this.remove(link.actsFor, link)
  }

  /** Removes the peers last heard of before `beforeS`; returns them. */
  expire(beforeS: number): LinkPeer[] {
    const gone = this.#peers.filter((peer) => peer.seenS < beforeS)
    for (const peer of gone) this.remove(peer.peerId, peer.link)
    return gone
  }

  /** Up to `limit` peers other than `self`, starting at a random place; no seeds for a seed. */
  select(query: { limit: number; seed: boolean; self: string }): LinkPeer[] {
    const chosen: LinkPeer[] = []
    const first = Math.floor(Math.random() * this.size)
    for (let step = 0; step < this.size && chosen.length < query.limit; step += 1) {
      const peer = this.#peers[(first + step) % this.size]
      if (peer === undefined || peer.peerId === query.self || (query.seed && peer.seed)) continue
      chosen.push(peer)
    }
    return chosen
  }

  *[Symbol.iterator](): Iterator<LinkPeer> {
    yield* this.#peers
  }

  #append(peer: LinkPeer): LinkPeer {
    this.#places.set(peer.peerId, this.#peers.length)
    this.#peers.push(peer)
    return peer
  }
}
