/**
 * Who may use `/v1`: a Bearer key, or, while no key exists, a program on this machine.
 *
 * A key that was revoked existed: revoking the last one does not open the gateway again
 * (`SWARMGATE_API_KEYS` does). Until the keys of the feed are known, nobody can be refused or let
 * in by them, and the answer is 503.
 */
import { AppError } from '../../core/errors.ts'
import type { ApiKey } from '../../lib/control/control.ts'
import { configuredKeys, feedKeys, type Principal, principalOf, type Scope } from './api-keys.ts'
import { type Binding, type RequestHead, whyForeign } from './local-request.ts'

export interface AuthenticationDeps {
  /** `SWARMGATE_API_KEYS` */
  readonly secrets: readonly string[]
  /** The hashed keys of the feed, and whether they were ever received. */
  readonly replica: { keys(): readonly ApiKey[]; readonly keysKnown: boolean }
  /** Where the gateway listens, once it does. */
  readonly binding: () => Binding
}

export interface Authentication {
  /** Throws KEY_REQUIRED, or TRACKER_UNAVAILABLE while the keys are not known. */
  authenticate(request: RequestHead): Principal
}

const EVERYTHING: readonly Scope[] = ['publish', 'read', 'admin']
const RETRY_AFTER_S = 2

export function createAuthentication(deps: AuthenticationDeps): Authentication {
  const configured = configuredKeys(deps.secrets)

  function authenticate(request: RequestHead): Principal {
    const { authorization } = request.headers
    return authorization === undefined ? withoutKey(request) : withKey(authorization)
  }

  function withKey(authorization: string): Principal {
    const secret = /^bearer +([\x21-\x7e]+) *$/i.exec(authorization)?.[1]
    if (secret === undefined) throw refusal('Authorization must be "Bearer" and a key.')
    const principal = principalOf(secret, [...configured, ...feedKeys(deps.replica.keys())])
    if (principal !== undefined) return principal
    if (!deps.replica.keysKnown) throw keysUnknown()
    throw refusal('The key is not known here.')
  }

  function withoutKey(request: RequestHead): Principal {
    if (configured.length > 0 || deps.replica.keys().length > 0) {
      throw refusal('Send "Authorization: Bearer" and a key.')
    }
    if (!deps.replica.keysKnown) throw keysUnknown()
    const reason = whyForeign(request, deps.binding())
    if (reason === undefined) return { id: 'local', scopes: EVERYTHING }
    throw refusal(`Without a key only programs on this machine may do this, and ${reason}.`)
  }

  return { authenticate }
}

/** Throws SCOPE_MISSING. A key with `admin` may do everything. */
export function requireScope(principal: Principal, scope: Scope): void {
  if (principal.scopes.includes(scope) || principal.scopes.includes('admin')) return
  throw new AppError('SCOPE_MISSING', `The key has no scope "${scope}".`)
}

function refusal(detail: string): AppError {
  return new AppError('KEY_REQUIRED', detail)
}

function keysUnknown(): AppError {
  const detail = 'The keys are not known yet: the tracker has not answered.'
  return new AppError('TRACKER_UNAVAILABLE', detail, { retryAfter: RETRY_AFTER_S })
}
