/** Random numbers and random wire messages from a seed, so that a storm can be had again. */
import { encodeBencode } from '../../../core/bencode.ts'
import { type InfoHash, infoHashBytes } from '../../../core/info-hash.ts'
import { EXTENDED, u32 } from './raw-peer.ts'

const KNOWN_IDS = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 13, 14, 15, 16, 17, EXTENDED]
/** What may come at any time; the others (bitfield, have-all, have-none) only at the start. */
const ANY_TIME_IDS = [0, 1, 2, 3, 4, 6, 8, 9, 13, 17, EXTENDED, EXTENDED]
/** Answers, of which a peer that asked for nothing bears a few. */
const ANSWER_IDS = [7, 16]
const BLOCK = 16 * 1024
const SPOILED_BYTES = 10

export interface Random {
  /** A whole number below `end`. */
  below(end: number): number
  chance(probability: number): boolean
  bytes(length: number): Buffer
  pick<T>(list: readonly T[]): T
}

/** @param seed a whole number; the same one gives the same numbers */
export function randomFrom(seed: number): Random {
  let state = seed >>> 0

  function next(): number {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }

  const below = (end: number) => Math.floor(next() * end)
  return {
    below,
    chance: (probability) => next() < probability,
    bytes: (length) => Buffer.from(Uint8Array.from({ length }, () => below(256))),
    pick: (list) => list[below(list.length)] as (typeof list)[number]
  }
}

export function frame(id: number, ...body: readonly Uint8Array[]): Buffer {
  const length = 1 + body.reduce((sum, part) => sum + part.byteLength, 0)
  return Buffer.concat([u32(length), Buffer.from([id]), ...body])
}

/** A right handshake, or now and then a wrong one. */
export function randomHandshake(random: Random, infoHash: InfoHash): Buffer {
  const reserved = random.chance(0.8) ? Buffer.from([0, 0, 0, 0, 0, 0x10, 0, 5]) : random.bytes(8)
  const name = Buffer.from('\x13BitTorrent protocol', 'latin1')
  const bytes = Buffer.concat([name, reserved, infoHashBytes(infoHash), random.bytes(20)])
  if (random.chance(0.95)) return bytes
  return random.chance(0.5) ? bytes.subarray(0, random.below(68)) : spoiled(random, bytes)
}

/** A message of the right shape with anything in it: most a peer has to bear. */
export function plausibleMessage(random: Random, pieceCount: number): Buffer {
  const index = u32(random.below(pieceCount))
  const offset = u32(random.below(2) * BLOCK)
  const id = random.pick(random.chance(0.02) ? ANSWER_IDS : ANY_TIME_IDS)
  switch (id) {
    case 4:
    case 13:
    case 17:
      return frame(id, index)
    case 6:
    case 8:
    case 16:
      return frame(id, index, offset, u32(BLOCK))
    case 7:
      return frame(id, index, offset, random.bytes(random.below(64)))
    case 9:
      return frame(id, random.bytes(2))
    case EXTENDED:
      return frame(id, Buffer.from([random.below(10)]), extensionPayload(random))
    default:
      return frame(id)
  }
}

/** A message that was right once, or never was one. */
export function brokenMessage(random: Random, pieceCount: number): Buffer {
  const message = plausibleMessage(random, pieceCount)
  switch (random.below(9)) {
    case 0:
      return spoiled(random, message)
    case 1:
      return message.subarray(0, random.below(message.length))
    case 2:
      return frame(random.pick(KNOWN_IDS), random.bytes(random.below(40)))
    case 3:
      return frame(random.below(256), random.bytes(random.below(300)))
    case 4:
      return Buffer.concat([u32(random.below(2 ** 32)), random.bytes(random.below(100))])
    case 5:
      return frame(random.pick([5, 14, 15]), random.bytes(random.below(12)))
    case 6:
    case 7:
      return edgeMessage(random, pieceCount)
    default:
      return random.bytes(1 + random.below(200))
  }
}

/** A message of the right length whose numbers lie at or past their limits. */
function edgeMessage(random: Random, pieceCount: number): Buffer {
  const edge = () =>
    u32(
      random.pick([0, 1, pieceCount - 1, pieceCount, 2 * BLOCK, 2 ** 17 + 1, 2 ** 31, 2 ** 32 - 1])
    )
  const id = random.pick([4, 6, 7, 8, 9, 13, 16, 17])
  if (id === 9) return frame(id, Buffer.alloc(2))
  if (id === 7) return frame(id, edge(), edge(), random.bytes(random.below(3)))
  return [4, 13, 17].includes(id) ? frame(id, edge()) : frame(id, edge(), edge(), edge())
}

function extensionPayload(random: Random): Buffer {
  const whole = encodeBencode(
    random.pick([
      {
        m: { ut_metadata: random.below(300), ut_pex: 1, lt_donthave: 7 },
        reqq: random.below(9999)
      },
      { m: { ut_metadata: -1 }, metadata_size: random.below(2 ** 31), p: random.below(99_999) },
      { msg_type: random.below(4), piece: random.below(5), total_size: random.below(2 ** 31) },
      { added: Buffer.alloc(6 * random.below(9) + random.below(2), 10), dropped: 5 },
      {
        added6: Buffer.alloc(18 * random.below(4), 0xfc),
        m: random.bytes(4),
        yourip: random.bytes(4)
      },
      [random.below(9), [], {}]
    ])
  )
  if (random.chance(0.97)) return whole
  return random.chance(0.5)
    ? spoiled(random, whole)
    : Buffer.concat([whole, random.bytes(random.below(50))])
}

/**
 * One to four of its first bytes replaced. No further, so that addresses in it stay those of private
 * networks: nobody outside may be dialled because of a test.
 */
function spoiled(random: Random, bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes)
  const end = Math.min(copy.length, SPOILED_BYTES)
  for (let count = 1 + random.below(4); count > 0; count--) {
    copy[random.below(end)] = random.below(256)
  }
  return copy
}
