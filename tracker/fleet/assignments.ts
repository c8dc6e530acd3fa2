/**
 * What each seeder should fetch now: the torrents short of copies that placement gives to it.
 *
 * Computed from the catalogue for all seeders in one pass, and kept until something changes: there
 * is no queue to be lost, and every answer follows from what is held and who is live.
 */
import type { InfoHash } from '../../core/info-hash.ts'
import type { NodeId } from '../../lib/control/control.ts'
import type { Catalogue } from '../catalogue/catalogue.ts'
import { placeCopies } from './placement.ts'

/** Assignments per answer. */
const MAX_ASSIGNMENTS = 1000
/** Torrents looked at per query. */
const PAGE = 500

type Plan = ReadonlyMap<NodeId, readonly InfoHash[]>

export interface Assignments {
  /** At most 1000 published torrents that the node should hold and does not yet. */
  of(nodeId: NodeId): Promise<readonly InfoHash[]>
}

export function createAssignments(
  catalogue: Pick<Catalogue, 'usableSeeders' | 'shortOfCopies' | 'onChange'>
): Assignments {
  let plan: Promise<Plan> | undefined
  catalogue.onChange(() => {
    plan = undefined
  })

  /** Everybody who asks between two changes gets one plan; a failed one is made anew. */
  function currentPlan(): Promise<Plan> {
    if (plan !== undefined) return plan
    const made = makePlan(catalogue)
    plan = made
    made.catch(() => {
      if (plan === made) plan = undefined
    })
    return made
  }

  return { of: async (nodeId) => (await currentPlan()).get(nodeId) ?? [] }
}

async function makePlan(
  catalogue: Pick<Catalogue, 'usableSeeders' | 'shortOfCopies'>
): Promise<Plan> {
  const seeders = await catalogue.usableSeeders()
  const nodes = seeders.map((node) => ({ ...node, weight: 1 }))
  const plan = new Map<NodeId, InfoHash[]>(seeders.map(({ id }) => [id, []]))
  const hungry = () => [...plan.values()].some((list) => list.length < MAX_ASSIGNMENTS)
  let after: InfoHash | undefined
  while (hungry()) {
    const page = await catalogue.shortOfCopies({ seeders: nodes.length, after, limit: PAGE })
    for (const torrent of page) {
      for (const id of placeCopies(torrent, nodes)) addTo(plan.get(id), torrent.infoHash)
    }
    if (page.length < PAGE) break
    after = page.at(-1)?.infoHash
  }
  return plan
}

function addTo(list: InfoHash[] | undefined, infoHash: InfoHash): void {
  if (list !== undefined && list.length < MAX_ASSIGNMENTS) list.push(infoHash)
}
