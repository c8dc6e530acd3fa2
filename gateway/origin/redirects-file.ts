/**
 * The `_redirects` file of a site, read: one rule a line, `from to [status]`.
 *
 * The grammar is the one of IPFS gateways: placeholders `:name` for a segment, `*` at the end for
 * the rest, comments, status 301 unless another is given, and no `!`: a file that is there is
 * never shadowed. A file with one wrong line has no rules at all, for a site that half works is
 * harder to mend than one that says what is wrong. Pure and total: any text gives an outcome.
 */
import { isUtf8 } from 'node:buffer'
import { decodeSegment, segmentName } from '../../core/segment-name.ts'

export type RedirectStatus = 301 | 302 | 303 | 307 | 308
/** The target is served in place of the path, with this status. */
export type RewriteStatus = 200 | 404 | 410 | 451

export interface RedirectRule {
  /** Of the file, from 1. */
  readonly line: number
  readonly from: readonly PathPart[]
  /** `from` ends in `/*`: what follows, if anything does, is `:splat`. */
  readonly splat: boolean
  readonly to: RuleTarget
  readonly status: RedirectStatus | RewriteStatus
}

export type PathPart =
  | { readonly kind: 'segment'; readonly name: string }
  | { readonly kind: 'placeholder'; readonly name: string }

export interface RuleTarget {
  /** `https://host` of another site, where nothing is ever filled in; empty for this one. */
  readonly origin: string
  /** What follows, percent-encoded, with `:name` where a captured segment goes. */
  readonly rest: string
}

export type RedirectsOutcome =
  | { readonly kind: 'rules'; readonly rules: readonly RedirectRule[] }
  /** @property line 0 where the whole file is meant. */
  | { readonly kind: 'invalid'; readonly line: number; readonly detail: string }

export const MAX_REDIRECTS_BYTES = 64 * 1024
export const MAX_RULES = 2000
/** Uses of placeholders in one target: each may become as long as a URL. */
const MAX_USES = 32

const STATUSES: readonly string[] = '200 301 302 303 307 308 404 410 451'.split(' ')
export const PLACEHOLDER = /:([a-z_]\w*)/gi

/** Thrown inside this file only. */
class LineError extends Error {}

/** The rules of a file's bytes. */
export function parseRedirects(bytes: Uint8Array): RedirectsOutcome {
  if (bytes.byteLength > MAX_REDIRECTS_BYTES) return invalid(0, 'it is larger than 64 KiB')
  if (!isUtf8(bytes)) return invalid(0, 'it is not UTF-8')
  const rules: RedirectRule[] = []
  const lines = new TextDecoder().decode(bytes).split('\n')
  for (const [index, text] of lines.entries()) {
    const line = index + 1
    const fields = fieldsOf(text)
    if (fields.length === 0) continue
    if (rules.length === MAX_RULES) return invalid(line, `there are more than ${MAX_RULES} rules`)
    try {
      rules.push(parseRule(line, fields))
    } catch (err) {
      if (!(err instanceof LineError)) throw err
      return invalid(line, err.message)
    }
  }
  return { kind: 'rules', rules }
}

function invalid(line: number, detail: string): RedirectsOutcome {
  return { kind: 'invalid', line, detail }
}

function fieldsOf(text: string): string[] {
  const fields = text.split(/[ \t\r]+/).filter((field) => field !== '')
  const comment = fields.findIndex((field) => field.startsWith('#'))
  return comment < 0 ? fields : fields.slice(0, comment)
}

function parseRule(line: number, [from = '', to, status, ...more]: string[]): RedirectRule {
  if (to === undefined) throw new LineError('a rule is: from to [status]')
  const target = parseTarget(to)
  const code = parseStatus(status)
  if (more.length > 0) throw new LineError('conditions are not supported')
  if (!isRedirect(code) && target.origin !== '') {
    throw new LineError(`a target with status ${code} must be a path of this site`)
  }
  return { line, ...parseFrom(from), to: target, status: code }
}

export function isRedirect(status: RedirectStatus | RewriteStatus): status is RedirectStatus {
  return status >= 301 && status <= 308
}

function parseStatus(text = '301'): RedirectStatus | RewriteStatus {
  if (text.endsWith('!')) throw new LineError('forced rules (!) are not supported')
  if (!STATUSES.includes(text)) throw new LineError(`the status is one of ${STATUSES.join(', ')}`)
  return Number(text) as RedirectStatus | RewriteStatus
}

function parseFrom(text: string): Pick<RedirectRule, 'from' | 'splat'> {
  if (!text.startsWith('/')) throw new LineError('the path must begin with a slash')
  if (/[?#]/.test(text)) throw new LineError('queries and fragments cannot be matched')
  const path = text.endsWith('/*') ? text.slice(0, -2) : text.replace(/\/$/, '')
  const splat = text.endsWith('/*')
  const from = path.split('/').slice(1).map(parsePart)
  const names = from.filter(({ kind }) => kind === 'placeholder').map(({ name }) => name)
  if (splat) names.push('splat')
  if (new Set(names).size < names.length) throw new LineError('two placeholders have one name')
  return { from, splat }
}

function parsePart(segment: string): PathPart {
  if (segment.includes('*')) throw new LineError('a * must be the last segment, alone')
  if (segment.startsWith(':')) {
    if (!/^:[a-z_]\w*$/i.test(segment)) {
      throw new LineError('a placeholder is a colon, a letter, then letters, digits and _')
    }
    return { kind: 'placeholder', name: segment.slice(1) }
  }
  const bytes = decodeSegment(Buffer.from(segment, 'utf8').toString('latin1'))
  if (bytes === undefined) throw new LineError('malformed percent-encoding in the path')
  const name = segmentName(bytes)
  if (name === '' || name === '.' || name === '..' || /[/\0]/.test(name)) {
    throw new LineError('no request has a path like this')
  }
  return { kind: 'segment', name }
}

function parseTarget(text: string): RuleTarget {
  // Browsers read a backslash as a slash: with one in front, a path would name another host.
  if (/\\|\p{Cc}/u.test(text)) throw new LineError('a target has no backslash and no control')
  if (text.startsWith('//')) throw new LineError('a target on another host begins with https://')
  const [, origin = '', rest = ''] = /^(https?:\/\/[^/?#]*)?(.*)$/is.exec(text) ?? []
  if (origin !== '' && !isOrigin(origin)) throw new LineError('the target is not a URL')
  if (origin === '' && !rest.startsWith('/')) {
    throw new LineError('the target must begin with a slash, http:// or https://')
  }
  if ((rest.match(PLACEHOLDER)?.length ?? 0) > MAX_USES) {
    throw new LineError(`more than ${MAX_USES} placeholders in a target`)
  }
  return { origin, rest: encodeRest(rest) }
}

/** Scheme and host, perhaps a port: nothing that could hide where it leads. */
function isOrigin(text: string): boolean {
  return /^https?:\/\/[a-z0-9.:[\]-]+$/i.test(text) && URL.canParse(text)
}

/** Whatever may not stand in a header or a URL as its UTF-8 bytes, percent-encoded. */
function encodeRest(text: string): string {
  return text.replace(/[^\x21-\x7e]|["<>^`{|}]|%(?![0-9a-f]{2})/giu, (character) =>
    encodeURIComponent(character)
  )
}
