/**
 * What a denylist says, line by line:
 *
 *   # a comment; blank lines are passed over
 *   {infohash}                      the whole torrent
 *   {infohash}/{name}/{path…}       a file, or a folder with all below it, percent-encoded as in URLs
 *   sha256:{64 hex digits}          either of the above, told by its SHA-256 only
 *
 * After white space a line may end in `410` (the default) or `451` (for legal reasons), and in a
 * comment. What is hashed is the text `{infohash}`, or `{infohash}/{name}/{path…}` without a slash at
 * its end: hex in lower case, each segment as `encodeSegment` writes it, so that only one text names
 * a thing. Of two lines for one thing, 451 wins.
 */
import { hash } from 'node:crypto'
import { parseContentPath } from '../../core/content-path.ts'
import type { InfoHash } from '../../core/info-hash.ts'
import { encodeSegment } from '../../core/segment-name.ts'

/** The status of what is denied. */
export type Verdict = 410 | 451

const MAX_RULES = 1_000_000
const MAX_LINE = 16 * 1024

export interface DenyRules {
  readonly size: number
  /** Lines may be about files or folders of this torrent. */
  hasPaths(infoHash: InfoHash): boolean
  /** @param segments the torrent's name, then the path in it, as of a content path */
  verdict(infoHash: InfoHash, segments?: readonly string[]): Verdict | undefined
}

export interface DenyRulesBuilder extends DenyRules {
  /** Takes a line in; what is wrong with it, for people, else undefined. */
  add(line: string): string | undefined
}

export function createDenyRules(): DenyRulesBuilder {
  const plain = new Map<string, Verdict>()
  /** By their digests, a character per byte. */
  const hashed = new Map<string, Verdict>()
  /** Torrents of which files or folders are denied by plain lines. */
  const partial = new Set<string>()

  function add(line: string): string | undefined {
    const text = line.trim()
    if (text === '' || text.startsWith('#')) return undefined
    if (text.length > MAX_LINE) return `longer than ${MAX_LINE} characters`
    const [subject = '', status = '410', rest = '#'] = text.replace(/\s+#.*$/s, '').split(/\s+/)
    if (!isVerdict(status) || rest !== '#') return 'after the subject only 410 or 451 may stand'
    if (plain.size + hashed.size >= MAX_RULES) return `past the limit of ${MAX_RULES} lines`
    const verdict = status === '451' ? 451 : 410
    return /^sha256:/i.test(subject) ? addHashed(subject, verdict) : addPlain(subject, verdict)
  }

  function addHashed(subject: string, verdict: Verdict): string | undefined {
    const digest = /^sha256:([0-9a-f]{64})$/i.exec(subject)?.[1]
    if (digest === undefined) return 'sha256: must be followed by 64 hex digits'
    put(hashed, Buffer.from(digest, 'hex').toString('latin1'), verdict)
    return undefined
  }

  function addPlain(subject: string, verdict: Verdict): string | undefined {
    const target = parseContentPath(`/${subject}`)
    if ('error' in target) return target.detail
    put(plain, keyOf(target.infoHash, target.segments), verdict)
    if (target.segments.length > 0) partial.add(target.infoHash)
    return undefined
  }

  function hasPaths(infoHash: InfoHash): boolean {
    return hashed.size > 0 || partial.has(infoHash)
  }

  function judge(key: string): Verdict | undefined {
    const verdict = plain.get(key)
    if (verdict !== undefined || hashed.size === 0) return verdict
    return hashed.get(hash('sha256', key, 'binary'))
  }

  return {
    get size() {
      return plain.size + hashed.size
    },
    add,
    hasPaths,
    verdict(infoHash, segments = []) {
      let key: string = infoHash
      let verdict = judge(key)
      if (!hasPaths(infoHash)) return verdict
      for (const segment of segments) {
        if (verdict !== undefined) break
        key += `/${encodeSegment(segment)}`
        verdict = judge(key)
      }
      return verdict
    }
  }
}

function isVerdict(text: string): boolean {
  return text === '410' || text === '451'
}

function keyOf(infoHash: InfoHash, segments: readonly string[]): string {
  return [infoHash, ...segments.map(encodeSegment)].join('/')
}

function put(rules: Map<string, Verdict>, key: string, verdict: Verdict): void {
  if (rules.get(key) !== 451) rules.set(key, verdict)
}
