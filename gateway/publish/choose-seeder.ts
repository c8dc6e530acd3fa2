/**
 * Which seeder takes an upload: a live one with room, always the same for one principal while
 * the fleet stays as it is, so that the parts of one upload meet.
 */
import { createHash } from 'node:crypto'
import { AppError } from '../../core/errors.ts'
import type { NodeState } from '../../lib/control/control.ts'

/** A seeder that takes uploads from gateways. */
export type IngestNode = NodeState & { readonly ingestUrl: string }

const RETRY_AFTER_S = 5

/**
 * The seeders to try, in order: rendezvous hashing of the principal over those that fit.
 * @param bytes size of the upload; undefined when the client does not say.
 * @throws AppError SEEDER_UNAVAILABLE when no seeder is live, STORE_FULL when none has room.
 */
export function chooseSeeders(
  nodes: readonly NodeState[],
  principal: string,
  bytes: number | undefined
): readonly IngestNode[] {
  const live = nodes.filter(takesUploads)
  if (live.length === 0) {
    const detail = 'No seeder is live that takes uploads.'
    throw new AppError('SEEDER_UNAVAILABLE', detail, { retryAfter: RETRY_AFTER_S })
  }
  const roomy = live.filter((node) => node.freeBytes >= (bytes ?? 1))
  if (roomy.length === 0) throw new AppError('STORE_FULL', 'No seeder has room for the upload.')
  const weighted = roomy.map((node) => ({ node, weight: weightOf(principal, node) }))
  return weighted.toSorted((a, b) => Buffer.compare(b.weight, a.weight)).map(({ node }) => node)
}

function takesUploads(node: NodeState): node is IngestNode {
  return node.live && !node.draining && node.ingestUrl !== null && node.roles.includes('seeder')
}

function weightOf(principal: string, node: NodeState): Buffer {
  return createHash('sha1').update(principal).update('\0').update(node.id).digest()
}
