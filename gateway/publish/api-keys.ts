/**
 * Which API key a secret is: `SWARMGATE_API_KEYS` and the hashed keys of the feed.
 *
 * A secret is compared by its SHA-256, with every key and in constant time each, so that neither
 * a near miss nor a key's place in the list shows in the time an answer takes.
 */
import { createHash, timingSafeEqual } from 'node:crypto'
import type { ApiKey } from '../../lib/control/control.ts'

export type Scope = ApiKey['scopes'][number]

/** Who asks, and what they may do. */
export interface Principal {
  /** Stable for one key, and no secret: uploads of one principal go to one seeder. */
  readonly id: string
  readonly scopes: readonly Scope[]
}

/** A key as it is compared. */
interface KnownKey extends Principal {
  readonly hash: Buffer
}

/** Keys that may do everything, as they are configured. */
export function configuredKeys(secrets: readonly string[]): readonly KnownKey[] {
  return secrets.map((secret) => {
    const hash = sha256(secret)
    const id = `configured-${hash.toString('hex', 0, 6)}`
    return { id, scopes: ['publish', 'read', 'admin'], hash }
  })
}

/** The keys of the feed that still count. */
export function feedKeys(keys: readonly ApiKey[]): readonly KnownKey[] {
  return keys
    .filter((key) => !key.revoked)
    .map(({ id, scopes, hash }) => ({ id, scopes, hash: Buffer.from(hash, 'hex') }))
}

/** The principal of a secret; undefined when it is no key. */
export function principalOf(secret: string, keys: readonly KnownKey[]): Principal | undefined {
  const presented = sha256(secret)
  let found: KnownKey | undefined
  for (const key of keys) {
    const same = key.hash.length === presented.length && timingSafeEqual(key.hash, presented)
    if (same) found = key
  }
  return found && { id: found.id, scopes: found.scopes }
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
