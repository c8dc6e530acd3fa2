/**
 * Whether a request for content may pass: by its signed link, or because the mode needs none.
 *
 * A link counts in every mode; in mode `signed` nothing of a torrent is answered without one. What
 * it opens is private: no shared cache keeps it, and no browser longer than the link lasts or a day.
 * Neither does a shared cache keep answers whose links were made from the Host of one request: not
 * every cache tells hosts apart, and a stranger's would be handed to everybody.
 */
import { AppError } from '../../core/errors.ts'
import type { InfoHash } from '../../core/info-hash.ts'
import { type LinkOutcome, readLink } from './signed-link.ts'
import type { SigningKeys } from './signing-keys.ts'

const DAY_SECONDS = 86_400
/** Longer than any token of ours. */
const MAX_TOKEN = 256

export interface SignedPath {
  readonly token: string
  /** What follows the token, still percent-encoded: `/{infohash}…`. */
  readonly path: string
}

/** Takes `/s/{token}` off the path of a request target; undefined when it does not begin so. */
export function splitSignedPath(rawPath: string): SignedPath | undefined {
  const [, token, path] = /^\/s\/([^/]*)(.*)$/s.exec(rawPath) ?? []
  return token === undefined || path === undefined ? undefined : { token, path }
}

export interface LinkRequest {
  /** The token of `/s/{token}/…`; undefined for a plain URL. */
  readonly token: string | undefined
  /** Base of the links in the answer, as `createBaseUrl` gives it: its host is what was signed. */
  readonly baseUrl: string
  readonly infoHash: InfoHash
  /** As of the content path; empty for the torrent's listing and its documents. */
  readonly segments: readonly string[]
  /** Where the request came from. */
  readonly address: string
}

export interface LinkPass {
  /** Base of the links in the answer: below the token, so that they open by the same link. */
  readonly baseUrl: string
  /** Seconds the link lasts; undefined where none was needed or given. */
  readonly remainingSeconds: number | undefined
  /** What the answer carries beside its own: none for a plain URL. */
  readonly headers: Readonly<Record<string, string>>
  /**
   * `Cache-Control` of an answer that would be public otherwise.
   * @param maxAgeSeconds of one that is made anew each time and has links; content has none
   */
  cacheControl(publicValue: string, maxAgeSeconds?: number): string
}

export interface LinkGate {
  /**
   * @throws AppError LINK_INVALID, LINK_EXPIRED; TRACKER_UNAVAILABLE while the keys of a link
   *   that came are not known.
   */
  admit(request: LinkRequest): LinkPass
}

export interface LinkGateDeps {
  readonly mode: 'closed' | 'open' | 'signed'
  readonly signingKeys: Pick<SigningKeys, 'all'>
  /** Milliseconds since 1970. */
  readonly now?: () => number
}

export function createLinkGate(deps: LinkGateDeps): LinkGate {
  const { mode, signingKeys, now = Date.now } = deps

  function judge(token: string, { baseUrl, ...target }: LinkRequest): LinkOutcome {
    if (token.length > MAX_TOKEN) return { status: 'invalid' }
    const { host } = new URL(baseUrl)
    return readLink(signingKeys.all(), token, { ...target, host, now: now() })
  }

  function admit(request: LinkRequest): LinkPass {
    const { token, baseUrl } = request
    if (token === undefined) {
      if (mode !== 'signed') return plainPass(baseUrl)
      throw new AppError('LINK_INVALID', 'This gateway serves content by signed links only.')
    }
    const outcome = judge(token, request)
    if (outcome.status === 'ok') {
      return signedPass(`${baseUrl}/s/${token}`, outcome.remainingSeconds)
    }
    if (outcome.status === 'expired') throw new AppError('LINK_EXPIRED', 'The link has expired.')
    throw new AppError('LINK_INVALID', 'The link does not open this.')
  }

  return { admit }
}

function plainPass(baseUrl: string): LinkPass {
  return {
    baseUrl,
    remainingSeconds: undefined,
    headers: {},
    cacheControl: (publicValue) => publicValue
  }
}

/** The URL is the key: it is not told to the sites that a page links to. */
function signedPass(baseUrl: string, remainingSeconds: number): LinkPass {
  return {
    baseUrl,
    remainingSeconds,
    headers: { 'referrer-policy': 'no-referrer' },
    cacheControl: (_publicValue, maxAgeSeconds = DAY_SECONDS) =>
      `private, max-age=${Math.min(remainingSeconds, maxAgeSeconds, DAY_SECONDS)}`
  }
}
