/**
 * Peer exchange (BEP 11), both ways: who else is in this swarm.
 *
 * What a peer says is a hint and nothing more; whoever dials it decides about private addresses.
 * Never used for private torrents (BEP 27): the caller does not offer `ut_pex` there.
 */
import { encodeBencode } from '../../../core/bencode.ts'
import { BencodeError, BencodeReader } from '../../../core/bencode-reader.ts'
import { type Address, bytesOf, parseCompact } from './compact-address.ts'
import { WireError } from './wire-error.ts'

/** Addresses believed of one message, of added and of dropped ones. */
export const MAX_PEX_RECEIVED = 100
/** Addresses told in one message, of added and of dropped ones. */
export const MAX_PEX_SENT = 50
/** BEP 11: at most one message a minute. */
export const PEX_EVERY_MS = 60_000

/** A peer that has been told about so many hears of others when some of them are gone. */
const MAX_TOLD = 200

const SEED = 0x02

export interface PexPeer extends Address {
  /** It has everything. */
  readonly seed: boolean
}

export interface PexMessage {
  readonly added: PexPeer[]
  readonly dropped: Address[]
}

/**
 * What a `ut_pex` message says: each address once, port 0 never. Throws `WireError` for bytes that
 * are no bencode; a field of a wrong type counts as empty.
 */
export function parsePex(payload: Uint8Array): PexMessage {
  const fields = readFields(payload)
  const added = new Map<string, PexPeer>()
  const dropped = new Map<string, Address>()
  for (const [suffix, addressBytes] of FAMILIES) {
    const flags = fields.get(`added${suffix}.f`) ?? NONE
    const come = fields.get(`added${suffix}`) ?? NONE
    for (const [at, address] of parseCompact(come, addressBytes, MAX_PEX_RECEIVED).entries()) {
      put(added, { ...address, seed: ((flags[at] ?? 0) & SEED) !== 0 })
    }
    const left = fields.get(`dropped${suffix}`) ?? NONE
    for (const address of parseCompact(left, addressBytes, MAX_PEX_RECEIVED)) put(dropped, address)
  }
  return { added: [...added.values()], dropped: [...dropped.values()] }
}

/** What one peer is told over time. */
export interface PexFeed {
  /**
   * The next message; undefined when it is not time yet or nothing has changed.
   * @param now milliseconds on a clock that never goes back
   * @param peers connected now, with the addresses where they listen; names are left out
   * @param self the entry of the peer that is told, which is left out
   */
  next(now: number, peers: Iterable<PexPeer>, self?: PexPeer): Buffer | undefined
}

export function createPexFeed(): PexFeed {
  const told = new Map<string, Address>()
  let dueAt = Number.NEGATIVE_INFINITY

  function next(now: number, peers: Iterable<PexPeer>, self?: PexPeer): Buffer | undefined {
    if (now < dueAt) return undefined
    const present = new Map<string, PexPeer>()
    for (const peer of peers) if (peer !== self) present.set(keyOf(peer), peer)
    const dropped = forget(told, present)
    const added = tell(told, present)
    if (added.count + dropped.count === 0) return undefined
    dueAt = now + PEX_EVERY_MS
    return encodeBencode({ ...added.fields('added', true), ...dropped.fields('dropped', false) })
  }

  return { next }
}

const NONE = new Uint8Array(0)
const FAMILIES = [
  ['', 4],
  ['6', 16]
] as const
const FIELDS = new Set(['added', 'added.f', 'added6', 'added6.f', 'dropped', 'dropped6'])

/** Compact entries of both families with their flags. */
class Entries {
  count = 0
  readonly #bytes: Record<'' | '6', number[]> = { '': [], '6': [] }
  readonly #flags: Record<'' | '6', number[]> = { '': [], '6': [] }

  /** False for what has no bytes: a name. */
  add({ host, port }: Address, flags: number): boolean {
    const address = bytesOf(host)
    if (address === undefined) return false
    const suffix = address.byteLength === 4 ? '' : '6'
    this.#bytes[suffix].push(...address, port >> 8, port & 0xff)
    this.#flags[suffix].push(flags)
    this.count++
    return true
  }

  fields(name: string, flagged: boolean): Record<string, Buffer> {
    const fields: Record<string, Buffer> = {}
    for (const [suffix] of FAMILIES) {
      fields[`${name}${suffix}`] = Buffer.from(this.#bytes[suffix])
      if (flagged) fields[`${name}${suffix}.f`] = Buffer.from(this.#flags[suffix])
    }
    return fields
  }
}

/** Takes out of `told` who is not there any more. */
function forget(told: Map<string, Address>, present: ReadonlyMap<string, PexPeer>): Entries {
  const dropped = new Entries()
  for (const [key, address] of told) {
    if (dropped.count === MAX_PEX_SENT) break
    if (present.has(key)) continue
    told.delete(key)
    dropped.add(address, 0)
  }
  return dropped
}

/** Puts into `told` who is new. */
function tell(told: Map<string, Address>, present: ReadonlyMap<string, PexPeer>): Entries {
  const added = new Entries()
  for (const [key, peer] of present) {
    if (added.count === MAX_PEX_SENT || told.size >= MAX_TOLD) break
    if (told.has(key)) continue
    if (added.add(peer, peer.seed ? SEED : 0)) told.set(key, { host: peer.host, port: peer.port })
  }
  return added
}

function put<T extends Address>(found: Map<string, T>, address: T): void {
  if (address.port > 0 && found.size < MAX_PEX_RECEIVED) found.set(keyOf(address), address)
}

function keyOf({ host, port }: Address): string {
  return `${host} ${port}`
}

function readFields(payload: Uint8Array): Map<string, Uint8Array> {
  const fields = new Map<string, Uint8Array>()
  try {
    const reader = new BencodeReader(payload)
    reader.dict((key) => {
      if (FIELDS.has(key) && reader.peek() === 'string') fields.set(key, reader.string())
      else reader.skip()
    })
  } catch (error) {
    if (error instanceof BencodeError) throw new WireError('peer exchange is not bencode')
    throw error
  }
  return fields
}
