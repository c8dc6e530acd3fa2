/**
 * Which torrents may have a swarm here, by `SWARMGATE_SWARM_ACCESS`.
 *
 * `published`: those of published torrents; `fleet`: none, as the change feed tells nodes about
 * each other; `any`: all. What is published is kept in memory, current with every commit, so that
 * announces hardly ever reach the database; how many questions may be open at once is bounded by
 * the announce side.
 */
import type { InfoHash } from '../core/info-hash.ts'
import type { Change } from '../lib/control/control.ts'
import type { Catalogue } from './catalogue/catalogue.ts'

export type SwarmAccess = 'published' | 'fleet' | 'any'
export type Approve = (infoHash: InfoHash) => Promise<boolean>

/** Published infohashes remembered; the one not asked for longest is forgotten first. */
const MAX_REMEMBERED = 100_000

export function createSwarmAccess(
  access: SwarmAccess,
  { catalogue }: { readonly catalogue: Pick<Catalogue, 'lookup' | 'onChange'> }
): Approve {
  if (access === 'any') return async () => true
  if (access === 'fleet') return async () => false
  const published = new Set<InfoHash>()
  let turn = 0

  catalogue.onChange((changes) => {
    turn += 1
    for (const change of changes) note(change)
  })

  function note(change: Change): void {
    if (change.type !== 'entry') return
    if (change.entry.state === 'published') remember(change.entry.infoHash)
    else published.delete(change.entry.infoHash)
  }

  function remember(infoHash: InfoHash): void {
    published.delete(infoHash)
    published.add(infoHash)
    for (const oldest of published) {
      if (published.size <= MAX_REMEMBERED) break
      published.delete(oldest)
    }
  }

  async function ask(infoHash: InfoHash): Promise<boolean> {
    const before = turn
    const entry = await catalogue.lookup(infoHash)
    const approved = entry?.state === 'published'
    // A change since the question may have been this torrent's: then the answer is not kept.
    if (approved && turn === before) remember(infoHash)
    return approved
  }

  return async (infoHash) => {
    if (!published.has(infoHash)) return ask(infoHash)
    remember(infoHash)
    return true
  }
}
