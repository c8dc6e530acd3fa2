/**
 * The registered nodes and their leases.
 *
 * A lease is renewed without a line in the feed; a node that appears, dies, drains, or whose room
 * changes noticeably makes one.
 */
import type { NodeId, NodeRegistration, NodeReport, NodeState } from '../../lib/control/control.ts'
import type { Writer } from './revisions.ts'
import type { Database, NodesTable } from './tables.ts'

/** Room is told again when it differs by more than this part from what was told last. */
const NOTICEABLE = 1 / 16

export async function registerNode(
  writer: Writer,
  node: NodeRegistration,
  leaseUntil: number
): Promise<void> {
  const { freeBytes, draining, ...registration } = node
  const row: NodesTable = {
    id: node.id,
    revision: writer.next(),
    registration: JSON.stringify(registration),
    free_bytes: freeBytes,
    draining: draining ? 1 : 0,
    seeder: node.roles.includes('seeder') ? 1 : 0,
    live: 1,
    lease_until: leaseUntil
  }
  await writer.trx
    .insertInto('nodes')
    .values(row)
    .onConflict((conflict) => conflict.column('id').doUpdateSet(row))
    .execute()
  writer.note({ type: 'node', node: toNode(row) })
}

export async function findNode(db: Database, id: NodeId): Promise<NodeState | undefined> {
  const row = await db.selectFrom('nodes').selectAll().where('id', '=', id).executeTakeFirst()
  return row === undefined ? undefined : toNode(row)
}

/** Renews the lease of a live node; false when there is none to renew. */
export async function renewLease(db: Database, id: NodeId, leaseUntil: number): Promise<boolean> {
  const { numUpdatedRows } = await db
    .updateTable('nodes')
    .set({ lease_until: leaseUntil })
    .where('id', '=', id)
    .where('live', '=', 1)
    .executeTakeFirst()
  return numUpdatedRows > 0n
}

/** Whether a report says something that the fleet should hear. */
export function isNews(node: NodeState, report: NodeReport): boolean {
  const difference = Math.abs(node.freeBytes - report.freeBytes)
  const noticeable = difference > Math.max(node.freeBytes, report.freeBytes) * NOTICEABLE
  return noticeable || node.draining !== report.draining
}

export async function takeNodeReport(
  writer: Writer,
  id: NodeId,
  report: NodeReport
): Promise<void> {
  const changed = { free_bytes: report.freeBytes, draining: report.draining ? 1 : 0 }
  await changeNode(writer, id, changed)
}

/** Marks the nodes whose lease ran out before `now` as dead. */
export async function expireNodes(writer: Writer, now: number): Promise<void> {
  const rows = await expired(writer.trx, now)
  for (const id of rows) await changeNode(writer, id, { live: 0 })
}

/** The live nodes whose lease ran out before `now`. */
export async function expired(db: Database, now: number): Promise<NodeId[]> {
  const rows = await db
    .selectFrom('nodes')
    .select('id')
    .where('live', '=', 1)
    .where('lease_until', '<', now)
    .execute()
  return rows.map(({ id }) => id)
}

/** Gives every live node a lease until then: while the tracker was away, nobody could renew. */
export async function extendLeases(db: Database, leaseUntil: number): Promise<void> {
  await db
    .updateTable('nodes')
    .set({ lease_until: leaseUntil })
    .where('live', '=', 1)
    .where('lease_until', '<', leaseUntil)
    .execute()
}

/**
 * Forgets nodes whose lease ran out before `before`, and what they held. Containers without a
 * volume come as a new node each time; without this they would fill the feed for ever.
 */
export async function forgetNodes(db: Database, before: number): Promise<void> {
  await db.transaction().execute(async (trx) => {
    const gone = trx
      .selectFrom('nodes')
      .select('id')
      .where('live', '=', 0)
      .where('lease_until', '<', before)
    await trx.deleteFrom('holdings').where('node_id', 'in', gone).execute()
    await trx.deleteFrom('nodes').where('id', 'in', gone).execute()
  })
}

/** Live seeders that are not draining: those that may be given copies. */
export async function usableSeeders(db: Database): Promise<NodeState[]> {
  const rows = await db
    .selectFrom('nodes')
    .selectAll()
    .where('live', '=', 1)
    .where('draining', '=', 0)
    .where('seeder', '=', 1)
    .execute()
  return rows.map(toNode)
}

export function toNode(row: NodesTable): NodeState {
  const registration = JSON.parse(row.registration) as Omit<
    NodeRegistration,
    'freeBytes' | 'draining'
  >
  return {
    ...registration,
    freeBytes: row.free_bytes,
    draining: row.draining === 1,
    live: row.live === 1,
    revision: row.revision
  }
}

async function changeNode(
  writer: Writer,
  id: NodeId,
  changed: Partial<Pick<NodesTable, 'free_bytes' | 'draining' | 'live'>>
): Promise<void> {
  const row = await writer.trx
    .updateTable('nodes')
    .set({ ...changed, revision: writer.next() })
    .where('id', '=', id)
    .returningAll()
    .executeTakeFirst()
  if (row !== undefined) writer.note({ type: 'node', node: toNode(row) })
}
