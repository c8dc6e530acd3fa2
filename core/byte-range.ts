/**
 * The Range header (RFC 9110 §14): which bytes of a representation a client asks for.
 *
 * Malformed ranges and foreign units are ignored, unreachable ones refused. A request for more
 * bytes than there are (overlapping ranges), or for more ranges than `MAX_RANGES`, is answered with
 * the whole: no header makes a response larger than the file.
 */
import type { ByteSpan } from './geometry.ts'

export type RangeOutcome =
  | { readonly kind: 'whole' }
  /** One or more spans, none empty, in the order asked for. */
  | { readonly kind: 'partial'; readonly spans: readonly ByteSpan[] }
  | { readonly kind: 'unsatisfiable' }

export const MAX_RANGES = 64

const WHOLE: RangeOutcome = { kind: 'whole' }

/** What to send of `size` bytes for a Range header. */
export function resolveRange(header: string | undefined, size: number): RangeOutcome {
  const set = /^[ \t]*bytes=(.*)$/is.exec(header ?? '')?.[1]
  if (set === undefined) return WHOLE
  const specs = set.split(',').filter((spec) => !/^[ \t]*$/.test(spec))
  if (specs.length === 0 || specs.length > MAX_RANGES) return WHOLE

  const spans: ByteSpan[] = []
  let asked = 0
  for (const spec of specs) {
    const span = resolveSpec(spec, size)
    if (span === undefined) return WHOLE
    if (span.start >= span.end) continue
    spans.push(span)
    asked += span.end - span.start
  }
  if (spans.length === 0) return canBeEmpty(specs, size) ? WHOLE : { kind: 'unsatisfiable' }
  return asked > size ? WHOLE : { kind: 'partial', spans }
}

/** The span of one range-spec, empty when out of reach; undefined when malformed. */
function resolveSpec(spec: string, size: number): ByteSpan | undefined {
  const match = /^[ \t]*(\d*)-(\d*)[ \t]*$/.exec(spec)
  if (match === null) return undefined
  const [, first = '', last = ''] = match
  if (first === '' && last === '') return undefined
  if (first === '') return { start: Math.max(0, size - Number(last)), end: size }
  if (last !== '' && BigInt(last) < BigInt(first)) return undefined
  const end = last === '' ? size : Math.min(size, Number(last) + 1)
  return { start: Number(first), end }
}

/**
 * A suffix of an empty file is satisfiable (§14.1.2) and yet no 206 can say so, since
 * Content-Range has no empty range: the range is ignored and the answer is 200 with no bytes.
 */
function canBeEmpty(specs: readonly string[], size: number): boolean {
  return size === 0 && specs.some((spec) => /^[ \t]*-0*[1-9]/.test(spec))
}
