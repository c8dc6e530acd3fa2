/**
 * The peers of one swarm and one address family, packed for answering.
 *
 *   record:  | address (4 or 16) | port (2) | flags (1) | last heard, seconds (4) |
 *
 * Records lie densely in one buffer, in no order: removing moves the last one into the hole. The
 * first two fields are exactly a compact peer entry (BEP 23, BEP 7), so an answer is a copy.
 * A peer is its address and port: nobody else can speak for it, whatever peer id it claims.
 */
import type { Address } from './address.ts'

const SEED = 1
const PRIVATE = 2
const FIRST_CAPACITY = 2

export interface PeerQuery {
  readonly limit: number
  /**
   * The requester says it has everything: leechers first, then seeds. A seed needs none, but
   * aria2 says the same of itself while it still looks for the metainfo of a magnet.
   */
  readonly seed: boolean
  /** The requester's own network is private, so that private peers mean something to it. */
  readonly private: boolean
  /** The requester's own entry, left out. */
  readonly self?: Uint8Array | undefined
}

/** A compact peer entry: address and big-endian port. */
export function compactEntry(address: Address, port: number): Uint8Array {
  const entry = new Uint8Array(address.bytes.length + 2)
  entry.set(address.bytes)
  entry[entry.length - 2] = port >> 8
  entry[entry.length - 1] = port & 0xff
  return entry
}

export class PeerTable {
  readonly #entryBytes: number
  readonly #stride: number
  readonly #places = new Map<string, number>()
  #records = Buffer.alloc(0)
  #seeds = 0

  /** @param addressBytes 4 for IPv4, 16 for IPv6 */
  constructor(addressBytes: 4 | 16) {
    this.#entryBytes = addressBytes + 2
    this.#stride = this.#entryBytes + 5
  }

  get size(): number {
    return this.#places.size
  }

  get seeds(): number {
    return this.#seeds
  }

  /** Whether this peer is known as a seed; undefined when it is not known. */
  seed(entry: Uint8Array): boolean | undefined {
    const place = this.#places.get(keyOf(entry))
    return place === undefined ? undefined : (this.#flags(place) & SEED) !== 0
  }

  /** Adds the peer or renews it. `nowS` is in seconds of the caller's clock. */
  put(entry: Uint8Array, peer: { seed: boolean; private: boolean }, nowS: number): void {
    const key = keyOf(entry)
    const known = this.#places.get(key)
    const place = known ?? this.#append(key, entry)
    const before = known === undefined ? 0 : this.#flags(place)
    const flags = (peer.seed ? SEED : 0) | (peer.private ? PRIVATE : 0)
    this.#seeds += (flags & SEED) - (before & SEED)
    const at = place * this.#stride + this.#entryBytes
    this.#records[at] = flags
    this.#records.writeUInt32BE(nowS, at + 1)
  }

  /** @returns whether the peer was there */
  remove(entry: Uint8Array): boolean {
    const place = this.#places.get(keyOf(entry))
    if (place === undefined) return false
    this.#removeAt(place)
    return true
  }

  /** Removes the peers last heard of before `beforeS`. */
  expire(beforeS: number): void {
    for (let place = this.size - 1; place >= 0; place -= 1) {
      const at = place * this.#stride + this.#entryBytes + 1
      if (this.#records.readUInt32BE(at) < beforeS) this.#removeAt(place)
    }
  }

  /** Compact entries of up to `limit` suitable peers: a window of the table at a random place. */
  select(query: PeerQuery): Buffer {
    const answer = Buffer.allocUnsafe(Math.min(query.limit, this.size) * this.#entryBytes)
    const self = query.self === undefined ? undefined : this.#places.get(keyOf(query.self))
    const hidden = query.private ? 0 : PRIVATE
    const first = Math.floor(Math.random() * this.size)
    const rounds = query.seed ? [0, SEED] : [undefined]
    let written = 0
    for (const seeds of rounds) {
      for (let step = 0; step < this.size && written < answer.length; step += 1) {
        const place = (first + step) % this.size
        const flags = this.#flags(place)
        if (place === self || (flags & hidden) !== 0) continue
        if (seeds !== undefined && (flags & SEED) !== seeds) continue
        written += this.#records.copy(answer, written, ...this.#entrySpan(place))
      }
    }
    return answer.subarray(0, written)
  }

  #append(key: string, entry: Uint8Array): number {
    const place = this.size
    if ((place + 1) * this.#stride > this.#records.length) {
      this.#resize(Math.max(FIRST_CAPACITY, place * 2))
    }
    this.#records.set(entry, place * this.#stride)
    this.#places.set(key, place)
    return place
  }

  #removeAt(place: number): void {
    const last = this.size - 1
    this.#seeds -= this.#flags(place) & SEED
    this.#places.delete(this.#keyAt(place))
    if (place !== last) {
      this.#records.copyWithin(place * this.#stride, last * this.#stride, (last + 1) * this.#stride)
      this.#places.set(this.#keyAt(place), place)
    }
    const capacity = this.#records.length / this.#stride
    if (this.size < capacity / 4) this.#resize(Math.floor(capacity / 2))
  }

  #resize(capacity: number): void {
    const records = Buffer.alloc(capacity * this.#stride)
    this.#records.copy(records, 0, 0, this.size * this.#stride)
    this.#records = records
  }

  #flags(place: number): number {
    return this.#records[place * this.#stride + this.#entryBytes] ?? 0
  }

  #entrySpan(place: number): [start: number, end: number] {
    const start = place * this.#stride
    return [start, start + this.#entryBytes]
  }

  #keyAt(place: number): string {
    return this.#records.toString('latin1', ...this.#entrySpan(place))
  }
}

function keyOf(entry: Uint8Array): string {
  return Buffer.from(entry.buffer, entry.byteOffset, entry.byteLength).toString('latin1')
}
