/** The keys that sign links: one is made when there is none, every node gets them by the feed. */
import { randomBytes } from 'node:crypto'
import type { SigningKey } from '../../lib/control/control.ts'
import type { Writer } from './revisions.ts'
import type { SigningKeysTable } from './tables.ts'

/** Makes a key if there is none. Of trackers that start at the same moment, one makes it. */
export async function ensureSigningKey(writer: Writer): Promise<void> {
  const known = await writer.trx.selectFrom('signing_keys').select('id').limit(1).executeTakeFirst()
  if (known !== undefined) return
  const row: SigningKeysTable = {
    id: randomBytes(4).toString('hex'),
    secret: randomBytes(32).toString('base64url'),
    revision: writer.next()
  }
  await writer.trx.insertInto('signing_keys').values(row).execute()
  writer.note({ type: 'signing-key', signingKey: toSigningKey(row) })
}

export function toSigningKey({ id, secret, revision }: SigningKeysTable): SigningKey {
  return { id, secret, revision }
}
