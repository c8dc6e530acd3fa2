/**
 * API keys, of which only the hash is stored: a key is shown once, to whoever asked for it.
 */
import { createHash, randomBytes, randomUUID } from 'node:crypto'
import type { ApiKey } from '../../lib/control/control.ts'
import type { Writer } from './revisions.ts'
import type { KeysTable } from './tables.ts'

/** Makes a key recognisable where it should not be: in a log, a repository, a chat. */
const PREFIX = 'swarmgate_'

/** A new key that may do everything, if there is none yet: its text, never to be seen again. */
export async function createFirstKey(writer: Writer): Promise<string | undefined> {
  const known = await writer.trx
    .selectFrom('keys')
    .select('id')
    .where('revoked', '=', 0)
    .limit(1)
    .executeTakeFirst()
  if (known !== undefined) return undefined
  const text = PREFIX + randomBytes(32).toString('base64url')
  const row: KeysTable = {
    id: randomUUID(),
    hash: createHash('sha256').update(text).digest('hex'),
    scopes: JSON.stringify(['publish', 'read', 'admin']),
    revoked: 0,
    revision: writer.next()
  }
  await writer.trx.insertInto('keys').values(row).execute()
  writer.note({ type: 'key', key: toKey(row) })
  return text
}

export function toKey(row: KeysTable): ApiKey {
  return {
    id: row.id,
    hash: row.hash,
    scopes: JSON.parse(row.scopes) as ApiKey['scopes'],
    revoked: row.revoked === 1,
    revision: row.revision
  }
}
