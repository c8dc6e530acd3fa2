/**
 * Which rule of a `_redirects` file a path falls under, and where it then leads.
 *
 * A rule is compared segment by segment and never backtracks, so a path costs at most one look at
 * each rule. What a request put into a placeholder is percent-encoded again: it can neither become
 * a host, a query or another path segment, nor leave the site.
 */
import { encodeSegment } from '../../core/segment-name.ts'
import { isRedirect, PLACEHOLDER, type RedirectRule } from './redirects-file.ts'

export interface RedirectMatch {
  readonly rule: RedirectRule
  /** Percent-encoded: a path that begins with one slash, or a URL of the origin the rule names. */
  readonly location: string
}

/** Longer, a browser or proxy would refuse it. */
const MAX_LOCATION = 16 * 1024

/**
 * The first rule that fits `segments` (decoded, without a last empty one: a trailing slash does
 * not count). `query` is without its question mark and follows that of a redirect's target.
 * Undefined when no rule fits, or what it would make is longer than 16 KiB.
 */
export function matchRedirect(
  rules: readonly RedirectRule[],
  segments: readonly string[],
  query = ''
): RedirectMatch | undefined {
  const rule = rules.find((candidate) => fits(candidate, segments))
  if (rule === undefined) return undefined
  const location = locationOf(rule, segments, isRedirect(rule.status) ? query : '')
  return location === undefined ? undefined : { rule, location }
}

function fits({ from, splat }: RedirectRule, segments: readonly string[]): boolean {
  if (splat ? segments.length < from.length : segments.length !== from.length) return false
  return from.every((part, index) => part.kind === 'placeholder' || part.name === segments[index])
}

function locationOf(
  rule: RedirectRule,
  segments: readonly string[],
  query: string
): string | undefined {
  const { origin, rest } = rule.to
  const captured = capturesOf(rule, segments)
  const uses = rest.match(PLACEHOLDER) ?? []
  const length = uses.reduce((sum, use) => sum + (captured.get(use.slice(1))?.length ?? 0), 0)
  if (rest.length + length + query.length > MAX_LOCATION) return undefined
  const filled = rest.replace(PLACEHOLDER, (use, name: string) => captured.get(name) ?? use)
  const whole = withQuery(filled, query)
  // An empty splat may leave two slashes in front, which would name a host.
  return origin === '' ? whole.replace(/^\/+/, '/') : origin + whole
}

function capturesOf({ from, splat }: RedirectRule, segments: readonly string[]) {
  const captured = new Map<string, string>()
  for (const [index, part] of from.entries()) {
    if (part.kind === 'placeholder') captured.set(part.name, encodeSegment(segments[index] ?? ''))
  }
  if (splat) captured.set('splat', segments.slice(from.length).map(encodeSegment).join('/'))
  return captured
}

function withQuery(target: string, query: string): string {
  if (query === '') return target
  const [, before = '', fragment = ''] = /^([^#]*)(.*)$/s.exec(target) ?? []
  return `${before}${before.includes('?') ? '&' : '?'}${query}${fragment}`
}
