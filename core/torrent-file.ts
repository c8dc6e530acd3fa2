/**
 * `.torrent` files (BEP 3, 12, 19): an info dictionary and, around it, where to find peers.
 *
 * Reading takes the info dictionary and ignores the rest: trackers, web seeds and nodes of a
 * stranger's file are never followed. The size of the input is the caller's to bound.
 */
import { BencodeError, dictSpan, encodeBencode } from './bencode.ts'
import { AppError } from './errors.ts'
import { type Metainfo, parseInfo } from './metainfo.ts'

export interface TorrentExtras {
  /** Tiers of tracker URLs (BEP 12). */
  readonly announce: readonly (readonly string[])[]
  /** Web seeds (BEP 19). */
  readonly urlList: readonly string[]
  /** Milliseconds since the epoch. */
  readonly createdAt?: number
}

/** The metainfo in a `.torrent` file. Throws `AppError('METAINFO_INVALID')`. */
export function parseTorrentFile(bytes: Uint8Array): Metainfo {
  const span = infoSpan(bytes)
  if (span === undefined) throw new AppError('METAINFO_INVALID', 'the file has no info dictionary')
  return parseInfo(bytes.subarray(span.start, span.end))
}

/** A `.torrent` file around an info dictionary, whose bytes stay exactly as they are. */
export function buildTorrentFile(info: Uint8Array, extras: TorrentExtras): Buffer {
  const tiers = extras.announce.filter((tier) => tier.length > 0)
  const { createdAt, urlList } = extras
  const head = encodeBencode({
    announce: tiers[0]?.[0],
    'announce-list': tiers.length > 0 ? tiers : undefined,
    'creation date': createdAt === undefined ? undefined : Math.floor(createdAt / 1000)
  })
  const tail = encodeBencode({ 'url-list': urlList.length > 0 ? urlList : undefined })
  return Buffer.concat([head.subarray(0, -1), Buffer.from('4:info'), info, tail.subarray(1)])
}

function infoSpan(bytes: Uint8Array): { start: number; end: number } | undefined {
  try {
    return dictSpan(bytes, 'info')
  } catch (err) {
    if (!(err instanceof BencodeError)) throw err
    throw new AppError('METAINFO_INVALID', `not a torrent file: ${err.message}`, { cause: err })
  }
}
