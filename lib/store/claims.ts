/**
 * What a torrent's folder may claim to hold when it is opened: instant, nothing is hashed.
 *
 * A piece is claimed when the ledger has it and every file it touches is still the one that was
 * made durable (size, mtime and inode). What the ledger has of other files is kept as a hint for
 * the rehash; without a sound ledger every piece is one.
 */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Bitfield } from '../../core/bitfield.ts'
import { type Geometry, pieceSpan } from '../../core/geometry.ts'
import { boundedEach } from './bounded-each.ts'
import { removeLeftover } from './durable-disk.ts'
import { decodeLedger, type LedgerContent, type LedgerIdentity } from './ledger.ts'
import { recordOf } from './ledger-keeper.ts'
import type { PieceBits } from './piece-bits.ts'
import { segmentSpan, segmentsOf } from './segments.ts'
import type { Layout } from './shared-pieces.ts'
import { systemCode } from './store-error.ts'

export interface Claims {
  /** What the ledger says of pieces that were claimed; for the keeper to go on from. */
  readonly content: LedgerContent
  /** Unclaimed pieces whose bytes may well be right, all of their files being of full size. */
  readonly hints: readonly number[]
}

export interface ClaimsConfig {
  /** The ledger file. */
  readonly path: string
  readonly identity: LedgerIdentity
  readonly geometry: Geometry
  readonly layout: Layout
  /** The ledger's bytes, where somebody began to read them before; default: they are read now. */
  readonly ledger?: Promise<Buffer> | undefined
  /** Gives a file of the wrong size its size, so that what it lacks can be written; may fail. */
  readonly mend?: (path: string, size: number) => Promise<boolean>
}

const STATS_AT_ONCE = 8
/** A ledger that will not come back; any other failure to read it is an error of the moment. */
const UNREADABLE: ReadonlySet<string | undefined> = new Set(['ENOENT', 'ENOTDIR', 'EISDIR', 'EIO'])

/** Begins to read a ledger that `claim` will need, beside whatever comes before that. */
export function readAhead(path: string): Promise<Buffer> {
  const bytes = readFile(path)
  // Whoever needs it sees the failure; nobody may.
  bytes.catch(() => {})
  return bytes
}

/** The ledger, or undefined when there is none that can be believed. */
export async function readLedger(
  path: string,
  identity: LedgerIdentity,
  bytes: Promise<Buffer> = readFile(path)
): Promise<LedgerContent | undefined> {
  try {
    return decodeLedger(await bytes, identity)
  } catch (err) {
    if (!UNREADABLE.has(systemCode(err))) throw err
    return undefined
  }
}

/** Sets the claims in `bits`, which are all clear. */
export async function claim(config: ClaimsConfig, bits: PieceBits): Promise<Claims> {
  const { path, identity, geometry, layout, mend } = config
  const { pieceCount, segmentCount } = identity
  const [ledger] = await Promise.all([
    readLedger(path, identity, config.ledger),
    removeLeftover(path)
  ])
  const have = new Bitfield(
    pieceCount,
    ledger === undefined ? undefined : Uint8Array.from(ledger.have)
  )
  const states = await inspect(layout, segmentCount, ledger, mend)
  const kept = new Bitfield(pieceCount)
  const hints: number[] = []
  for (let index = 0; index < pieceCount; index++) {
    if (ledger !== undefined && !have.get(index)) continue
    const worst = worstOf(states, segmentsOf(layout.starts, pieceSpan(geometry, index)))
    if (ledger !== undefined && worst === UNCHANGED) {
      bits.claim(index)
      kept.set(index)
    } else if (worst !== SHORT) hints.push(index)
  }
  return { content: { have: kept.bytes, records: ledger?.records ?? new Map() }, hints }
}

/** State of a segment's file, the worse the lower. */
const SHORT = 0
const WHOLE = 1
const UNCHANGED = 2

async function inspect(
  layout: Layout,
  segmentCount: number,
  ledger: LedgerContent | undefined,
  mend: ClaimsConfig['mend']
): Promise<Uint8Array> {
  const states = new Uint8Array(segmentCount)
  const segments = ledger?.records.keys() ?? states.keys()
  await boundedEach(segments, STATS_AT_ONCE, async (segment) => {
    const path = join(layout.folder, String(segment))
    const now = await recordOf(path).catch(() => undefined)
    const { start, end } = segmentSpan(layout.starts, segment)
    const mended = now?.size === end - start || (await mend?.(path, end - start)) === true
    if (now === undefined || !mended) return
    const then = ledger?.records.get(segment)
    const unchanged =
      then?.size === now.size && then.mtimeNs === now.mtimeNs && then.inode === now.inode
    states[segment] = unchanged ? UNCHANGED : WHOLE
  })
  return states
}

function worstOf(states: Uint8Array, segments: Iterable<number>): number {
  let worst = UNCHANGED
  for (const segment of segments) worst = Math.min(worst, states[segment] ?? SHORT)
  return worst
}
