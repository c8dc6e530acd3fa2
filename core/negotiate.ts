/**
 * Choosing a representation by the `Accept` header (RFC 9110 §12.5.1).
 *
 * The header is hostile: what cannot be read is passed over, and only the first hundred items
 * count. Parameters other than `q` do not tell our offers apart; a range that has some is taken
 * for its type, behind one that has none.
 */

const MAX_ITEMS = 100
const WEIGHT = /^(?:0(?:\.\d{0,3})?|1(?:\.0{0,3})?)$/
const TYPE = /^([!#$&^_.+*a-z0-9-]+)\/([!#$&^_.+*a-z0-9-]+)$/

interface MediaRange {
  /** `type/subtype`, `type/*` or `*` + `/*`; lower case. */
  readonly type: string
  readonly weight: number
  /** Parameters besides `q`. */
  readonly narrowed: boolean
}

/** How much a client wants a type. */
export interface Wish {
  /** 0 to 1; 0 is a refusal. */
  readonly weight: number
  /** How exactly the header names the type: 0 when only `*` + `/*` fits, -1 when nothing does. */
  readonly closeness: number
}

const INDIFFERENT: Wish = { weight: 1, closeness: 0 }

/**
 * The offer that the client likes best; of equals the one that it names more exactly, of those the
 * first. Undefined when it takes none. Without a header, or with one in which nothing can be read,
 * the first offer.
 * @param offers media types without parameters, lower case
 */
export function negotiate<T extends string>(
  accept: string | undefined,
  offers: readonly T[]
): T | undefined {
  const ranges = parseAccept(accept ?? '')
  let best: T | undefined
  let wish: Wish = { weight: 0, closeness: -1 }
  for (const offer of offers) {
    const next = wishAmong(ranges, offer)
    const closer = next.weight === wish.weight && next.closeness > wish.closeness
    if (next.weight === 0 || (next.weight <= wish.weight && !closer)) continue
    best = offer
    wish = next
  }
  return best
}

/** What the header says of one type. */
export function wishFor(accept: string | undefined, type: string): Wish {
  return wishAmong(parseAccept(accept ?? ''), type)
}

function parseAccept(header: string): MediaRange[] {
  const items = header
    .slice(0, 16 * 1024)
    .toLowerCase()
    .split(',', MAX_ITEMS)
  return items.map(parseRange).filter((range) => range !== undefined)
}

function parseRange(item: string): MediaRange | undefined {
  const [type = '', ...parameters] = item.split(';').map((part) => part.trim())
  const match = TYPE.exec(type)
  if (match === null || (match[1] === '*' && match[2] !== '*')) return undefined
  const q = parameters.find((parameter) => parameter.startsWith('q='))?.slice(2)
  if (q !== undefined && !WEIGHT.test(q)) return undefined
  const others = parameters.filter((parameter) => parameter !== '' && !parameter.startsWith('q='))
  return { type, weight: q === undefined ? 1 : Number(q), narrowed: others.length > 0 }
}

/** The range that fits most closely counts, whatever the others say (§12.5.1). */
function wishAmong(ranges: readonly MediaRange[], offer: string): Wish {
  if (ranges.length === 0) return INDIFFERENT
  let wish: Wish = { weight: 0, closeness: -1 }
  for (const range of ranges) {
    const closeness = closenessOf(range, offer)
    if (closeness > wish.closeness) wish = { weight: range.weight, closeness }
  }
  return wish
}

function closenessOf({ type, narrowed }: MediaRange, offer: string): number {
  if (type === offer) return narrowed ? 2 : 3
  if (type === '*/*') return 0
  return type.endsWith('/*') && offer.startsWith(type.slice(0, -1)) ? 1 : -1
}
