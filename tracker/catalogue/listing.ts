/** The catalogue page by page, newest first. */
import { AppError } from '../../core/errors.ts'
import { parseInfoHash } from '../../core/info-hash.ts'
import type { Control, Entry } from '../../lib/control/control.ts'
import { type EntryReader, toEntry } from './entries.ts'
import type { Database } from './tables.ts'

const MAX_PAGE = 1000

type Page = Parameters<Control['list']>[0]
type Listing = Awaited<ReturnType<Control['list']>>

/** Published entries, newest first; of the same millisecond, in the order of their infohashes. */
export async function listEntries(
  db: Database,
  { limit, cursor }: Page,
  reader: EntryReader
): Promise<Listing> {
  const size = Math.min(Math.max(1, limit), MAX_PAGE)
  let query = db.selectFrom('entries').selectAll().where('published', '=', 1)
  if (cursor !== undefined) {
    const after = parseCursor(cursor)
    query = query.where((eb) =>
      eb.or([
        eb('created_at', '<', after.createdAt),
        eb.and([eb('created_at', '=', after.createdAt), eb('info_hash', '<', after.infoHash)])
      ])
    )
  }
  const rows = await query
    .orderBy('created_at', 'desc')
    .orderBy('info_hash', 'desc')
    .limit(size + 1)
    .execute()
  const items = rows.slice(0, size).map((row) => toEntry(row, reader))
  const last = items.at(-1)
  const more = rows.length > size && last !== undefined
  return { items, nextCursor: more ? formatCursor(last) : null }
}

function formatCursor({ createdAt, infoHash }: Entry): string {
  return Buffer.from(`${createdAt}.${infoHash}`).toString('base64url')
}

function parseCursor(cursor: string) {
  const text = Buffer.from(cursor, 'base64url').toString('latin1')
  const match = /^(\d{1,16})\.([0-9a-f]{40})$/.exec(text)
  const infoHash = parseInfoHash(match?.[2] ?? '')
  if (infoHash === undefined) throw new AppError('REQUEST_INVALID', 'not a cursor of this listing')
  return { createdAt: Number(match?.[1]), infoHash }
}
