/**
 * What a site answers to a path: a pure function of the torrent's files and its `_redirects`.
 *
 * The torrent's folder is the root, a torrent of one file a root with that file in it. What is
 * there is served, whatever the rules say; a folder by its `index.html`, else by its listing; what
 * is not there by the first rule that fits, else by the nearest `404.html`. Queries are the site's
 * own: none has a meaning here, and every redirect keeps them.
 */
import { parseContentPath } from '../../core/content-path.ts'
import { encodeSegment } from '../../core/segment-name.ts'
import type { Entry, EntryFile } from '../../lib/control/control.ts'
import type { Folder, ResolvePath, Target } from '../content/folder.ts'
import { matchRedirect, type RedirectMatch } from './redirect-match.ts'
import {
  isRedirect,
  MAX_REDIRECTS_BYTES,
  type RedirectStatus,
  type RedirectsOutcome,
  type RewriteStatus
} from './redirects-file.ts'

export type SitePlan =
  | { readonly kind: 'file'; readonly file: EntryFile; readonly status: RewriteStatus }
  | { readonly kind: 'listing'; readonly folder: Folder }
  | { readonly kind: 'redirect'; readonly status: RedirectStatus; readonly location: string }
  /** Plan again with what is in this file. */
  | { readonly kind: 'unread-redirects'; readonly file: EntryFile }
  | SiteRefusal

export interface SiteRefusal {
  readonly kind: 'refused'
  readonly code: 'PATH_INVALID' | 'FILE_UNKNOWN' | 'SITE_INVALID'
  readonly detail: string
}

export interface SiteRequest {
  readonly entry: Entry
  /** The request target as it was sent: path and query. */
  readonly target: string
  /** What was read of the entry's `_redirects`; undefined while it was not. */
  readonly redirects?: RedirectsOutcome | undefined
}

const REDIRECTS = '_redirects'
const NOT_FOUND = '404.html'

export function planSite(resolve: ResolvePath, request: SiteRequest): SitePlan {
  const { entry, target } = request
  const [path = '', sent = ''] = target.split(/\?(.*)/s, 2)
  const query = headerSafe(sent)
  if (!path.startsWith('/')) return refuse('PATH_INVALID', 'the path does not start with a slash')
  const parsed = parseContentPath(`/${entry.infoHash}${path}`)
  if ('error' in parsed) return refuse('PATH_INVALID', parsed.detail)
  const { segments, trailingSlash } = parsed
  const found = at(resolve, entry, segments)
  if (found?.kind === 'file' && !trailingSlash) return served(found.file)
  if (found?.kind !== 'folder') return planMissing(resolve, request, segments, query)
  if (!trailingSlash) return redirect(301, `${pathOf(segments)}/`, query)
  return planFolder(entry, found.folder, query)
}

function planFolder({ single }: Entry, folder: Folder, query: string): SitePlan {
  if (folder.index !== undefined) return served(folder.index)
  const [only] = folder.entries.files
  if (single && only !== undefined) return redirect(302, pathOf([only.path]), query)
  return { kind: 'listing', folder }
}

function planMissing(
  resolve: ResolvePath,
  request: SiteRequest,
  segments: readonly string[],
  query: string
): SitePlan {
  const { entry } = request
  const rules = rulesOf(resolve, request)
  if ('kind' in rules) return rules
  const match = matchRedirect(rules, segments, query)
  if (match === undefined) return missing(resolve, entry, segments)
  const { status } = match.rule
  if (isRedirect(status)) return { kind: 'redirect', status, location: match.location }
  const file = fileNamed(resolve, entry, match)
  if (file !== undefined) return { kind: 'file', file, status }
  // Filled in by the request, a target that is not there is the request's mistake.
  if (status === 200 || status === 404) return missing(resolve, entry, segments)
  const detail = `${REDIRECTS}, line ${match.rule.line}: its target is not there.`
  return refuse('SITE_INVALID', detail)
}

/** The site's rules, or the plan that comes before them. */
function rulesOf(resolve: ResolvePath, { entry, redirects }: SiteRequest) {
  const file = fileAt(resolve, entry, [REDIRECTS])
  if (file === undefined) return []
  if (file.size > MAX_REDIRECTS_BYTES) return refuse('SITE_INVALID', `${REDIRECTS} is over 64 KiB.`)
  if (redirects === undefined) return { kind: 'unread-redirects' as const, file }
  if (redirects.kind === 'rules') return redirects.rules
  const place = redirects.line === 0 ? REDIRECTS : `${REDIRECTS}, line ${redirects.line}`
  return refuse('SITE_INVALID', `${place}: ${redirects.detail}.`)
}

/** What a rule serves in place of a path; rules are not asked again for it. */
function fileNamed(resolve: ResolvePath, entry: Entry, { location }: RedirectMatch) {
  const [path = ''] = location.split(/[?#]/, 1)
  const parsed = parseContentPath(`/${entry.infoHash}${path}`)
  const found = 'error' in parsed ? undefined : at(resolve, entry, parsed.segments)
  return found?.kind === 'folder' ? found.folder.index : found?.file
}

/** The `404.html` of the deepest folder on the way to `segments` that has one. */
function missing(resolve: ResolvePath, entry: Entry, segments: readonly string[]): SitePlan {
  let page: EntryFile | undefined
  for (let depth = 0; depth <= segments.length; depth++) {
    const folder = segments.slice(0, depth)
    if (at(resolve, entry, folder)?.kind !== 'folder') break
    page = fileAt(resolve, entry, [...folder, NOT_FOUND]) ?? page
  }
  if (page !== undefined) return { kind: 'file', file: page, status: 404 }
  return refuse('FILE_UNKNOWN', `This site has no ${pathOf(segments).slice(0, 200)}`)
}

function at(resolve: ResolvePath, entry: Entry, segments: readonly string[]): Target | undefined {
  return resolve(entry, entry.single ? segments : [entry.name, ...segments])
}

function fileAt(resolve: ResolvePath, entry: Entry, segments: readonly string[]) {
  const found = at(resolve, entry, segments)
  return found?.kind === 'file' ? found.file : undefined
}

function served(file: EntryFile): SitePlan {
  return { kind: 'file', file, status: 200 }
}

function redirect(status: RedirectStatus, path: string, query: string): SitePlan {
  return { kind: 'redirect', status, location: query === '' ? path : `${path}?${query}` }
}

/** Begins with exactly one slash, since no segment is empty. */
function pathOf(segments: readonly string[]): string {
  return `/${segments.map(encodeSegment).join('/')}`
}

function refuse(code: SiteRefusal['code'], detail: string): SiteRefusal {
  return { kind: 'refused', code, detail }
}

/** A query as it may stand in a header: bytes that were sent raw are percent-encoded. */
function headerSafe(query: string): string {
  const encode = (byte: string) => `%${byte.charCodeAt(0).toString(16).toUpperCase()}`
  return query.replace(/[\x7f-\xff]/g, encode)
}
