/**
 * Which keys sign and verify links: `SWARMGATE_SIGNING_KEYS`, else those of the feed.
 *
 * The first signs, all verify: a key is exchanged by putting the new one first, and the old one is
 * taken out once its last link has expired.
 */
import { AppError } from '../../core/errors.ts'
import type { SigningKey } from '../../lib/control/control.ts'
import { KEY_ID, type LinkKey } from './signed-link.ts'

const MAX_KEYS = 16
const MIN_SECRET = 16

export interface SigningKeys {
  /** Verifies. Throws TRACKER_UNAVAILABLE while no key is known. */
  all(): readonly LinkKey[]
  /** Signs. Throws TRACKER_UNAVAILABLE while no key is known. */
  first(): LinkKey
}

export interface SigningKeysDeps {
  /** `SWARMGATE_SIGNING_KEYS` */
  readonly configured: readonly LinkKey[] | undefined
  /** The keys of the feed, newest first. */
  readonly replica: { signingKeys(): readonly SigningKey[] }
}

export function createSigningKeys({ configured, replica }: SigningKeysDeps): SigningKeys {
  const known = () => configured ?? replica.signingKeys()

  function first(): LinkKey {
    const [key] = known()
    if (key !== undefined) return key
    const detail = 'The keys of signed links are not known yet: the tracker has not answered.'
    throw new AppError('TRACKER_UNAVAILABLE', detail, { retryAfter: 2 })
  }

  return {
    first,
    all() {
      first()
      return known()
    }
  }
}

/** Parser of `SWARMGATE_SIGNING_KEYS`. What is wrong is said without showing any of it. */
export function parseSigningKeys(text: string): readonly LinkKey[] {
  const keys = text.split(',').map(parseKey)
  if (keys.length > MAX_KEYS) throw new Error(`must not list more than ${MAX_KEYS} keys`)
  if (new Set(keys.map(({ id }) => id)).size < keys.length) {
    throw new Error('must not use one key id twice')
  }
  return keys
}

function parseKey(text: string): LinkKey {
  const [, id = '', secret = ''] = /^\s*([^:]*):(.*?)\s*$/s.exec(text) ?? []
  if (!KEY_ID.test(id) || !/^[\x21-\x7e]+$/.test(secret) || secret.length < MIN_SECRET) {
    throw new Error(
      'must be id:secret pairs separated by commas: ids of letters, digits, - and _, ' +
        `secrets of ${MIN_SECRET} or more printable ASCII characters without white space`
    )
  }
  return { id, secret }
}
