/**
 * Files of the library sent by the web server in front of us (`X-Accel-Redirect`, `X-Sendfile`).
 *
 * We answer with headers only, and the front puts the file's bytes behind them and applies the
 * client's Range itself. It knows neither our validators nor our plan, so it is given only requests
 * of which it cannot make anything else: a GET of the whole file or of one plain range, without a
 * condition that it might judge by the file's own date. Nor is it given what would be unsafe
 * without a header that it may drop. Everything else we answer ourselves. Pure.
 */
import type { IncomingHttpHeaders } from 'node:http'
import type { EntryFile } from '../../lib/control/control.ts'
import type { LibraryFile } from '../../lib/store/library-file.ts'
import type { Representation } from './representation.ts'
import type { ResponsePlan } from './response-plan.ts'

export type Accel =
  | {
      readonly header: 'x-accel-redirect'
      /** Path of the front's internal location; no slash at its end. */
      readonly prefix: string
    }
  | { readonly header: 'x-sendfile' }

/** The setting: `x-accel-redirect=PREFIX` or `x-sendfile`. */
export function parseAccel(text: string): Accel {
  if (text === 'x-sendfile') return { header: text }
  const prefix = /^x-accel-redirect=((?:\/[\w.~-]+)+)\/?$/.exec(text)?.[1]
  if (prefix === undefined || /\/\.\.?(?:\/|$)/.test(prefix)) {
    throw new Error('must be x-sendfile, or x-accel-redirect= and a path such as /library')
  }
  return { header: 'x-accel-redirect', prefix }
}

/** Two ends, or one: what every server reads alike. */
const PLAIN_RANGE = /^bytes=(?:\d+-\d*|-\d+)$/

/** The file that the front may send in answer to a request; undefined when we are to. */
export function fileForFront(
  representation: Representation,
  plan: ResponsePlan,
  headers: IncomingHttpHeaders
): EntryFile | undefined {
  if (!isPlain(plan, headers)) return undefined
  // Without its sandbox a page would act on the gateway's origin.
  if (representation.headers['content-security-policy'] !== undefined) return undefined
  return onlyFile(representation)
}

/** Whether any server comes to the same plan. */
function isPlain({ status, spans }: ResponsePlan, headers: IncomingHttpHeaders): boolean {
  if (headers['if-match'] !== undefined) return false
  if (headers['if-unmodified-since'] !== undefined) return false
  const { range } = headers
  if (range === undefined) return status === 200
  return status === 206 && spans.length === 1 && PLAIN_RANGE.test(range)
}

/** The file that a representation is, byte for byte. */
function onlyFile(representation: Representation): EntryFile | undefined {
  const { size = 0 } = representation
  const [part, more] = representation.parts({ start: 0, end: size })
  if (part?.kind !== 'file' || more !== undefined) return undefined
  const { file, span, see } = part
  const whole = span.start === 0 && span.end === size && file.size === size
  return whole && see === undefined ? file : undefined
}

/** The headers that make the front send `file` in place of our body. */
export function frontHeaders(
  accel: Accel,
  { headers }: Pick<ResponsePlan, 'headers'>,
  { absolute, relative }: LibraryFile
): Readonly<Record<string, string>> {
  // The front says these of what it sends; of the last, nginx would say both.
  const { 'content-range': _, 'accept-ranges': __, ...shared } = headers
  const place = accel.header === 'x-sendfile' ? absolute : `${accel.prefix}/${relative}`
  return { ...shared, 'content-length': '0', [accel.header]: place }
}
