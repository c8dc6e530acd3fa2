/**
 * The sites of a gateway: plans, with the `_redirects` of each torrent read when one is needed.
 *
 * A torrent's content never changes, so what was read of it counts for ever. Only paths that are
 * not there cost a look at the rules, and only the first of them a read.
 */
import { AppError } from '../../core/errors.ts'
import type { InfoHash } from '../../core/info-hash.ts'
import type { Entry, EntryFile } from '../../lib/control/control.ts'
import type { ResolvePath } from '../content/folder.ts'
import { parseRedirects, type RedirectsOutcome } from './redirects-file.ts'
import { planSite, type SitePlan } from './site-plan.ts'

/** What is sent for a path of a site, or where its client is sent. */
export type SiteAnswer = Exclude<SitePlan, { kind: 'unread-redirects' | 'refused' }>

export interface SitesDeps {
  readonly resolve: ResolvePath
  /** All bytes of a small file, verified. Rejects as the content itself would: 502, 503, 504. */
  readonly readFile: (entry: Entry, file: EntryFile, signal: AbortSignal) => Promise<Uint8Array>
}

export interface Sites {
  /**
   * What a site answers to a request target (path and query).
   * Rejects with PATH_INVALID, FILE_UNKNOWN, SITE_INVALID or what `readFile` rejects with.
   */
  answer(entry: Entry, target: string, signal: AbortSignal): Promise<SiteAnswer>
}

/** Rules kept, of all sites together; beyond it the site that was least lately asked goes. */
const MAX_KEPT_RULES = 10_000

export function createSites({ resolve, readFile }: SitesDeps): Sites {
  const kept = new Map<InfoHash, RedirectsOutcome>()
  let keptRules = 0

  async function answer(entry: Entry, target: string, signal: AbortSignal): Promise<SiteAnswer> {
    let plan = planSite(resolve, { entry, target, redirects: recall(entry.infoHash) })
    if (plan.kind === 'unread-redirects') {
      const redirects = parseRedirects(await readFile(entry, plan.file, signal))
      keep(entry.infoHash, redirects)
      plan = planSite(resolve, { entry, target, redirects })
    }
    if (plan.kind === 'refused') throw new AppError(plan.code, plan.detail)
    if (plan.kind === 'unread-redirects') throw new AppError('INTERNAL', 'rules were read in vain')
    return plan
  }

  function recall(infoHash: InfoHash): RedirectsOutcome | undefined {
    const known = kept.get(infoHash)
    if (known === undefined) return undefined
    kept.delete(infoHash)
    kept.set(infoHash, known)
    return known
  }

  function keep(infoHash: InfoHash, redirects: RedirectsOutcome): void {
    if (kept.has(infoHash)) return
    kept.set(infoHash, redirects)
    keptRules += weightOf(redirects)
    for (const [oldest, outcome] of kept) {
      if (keptRules <= MAX_KEPT_RULES) return
      kept.delete(oldest)
      keptRules -= weightOf(outcome)
    }
  }

  return { answer }
}

/** A file without a rule takes room as well. */
function weightOf(redirects: RedirectsOutcome): number {
  return redirects.kind === 'rules' ? 1 + redirects.rules.length : 1
}
