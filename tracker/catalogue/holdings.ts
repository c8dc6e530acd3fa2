/**
 * Which node holds which torrent in full, as the nodes themselves verified it.
 *
 * Only torrents of the catalogue are recorded: what it does not know, a node offers again.
 */
import type { InfoHash } from '../../core/info-hash.ts'
import type { Control, Holding, NodeId } from '../../lib/control/control.ts'
import type { Writer } from './revisions.ts'
import type { Database, HoldingsTable } from './tables.ts'

/** Values per statement, well below what any dialect allows. */
const CHUNK = 500

export type HoldingsReport = Parameters<Control['report']>[1]

/** Sets one holding; a change only if it is one. */
export async function putHolding(
  writer: Writer,
  infoHash: InfoHash,
  nodeId: NodeId,
  held: boolean
): Promise<void> {
  const row = await writer.trx
    .selectFrom('holdings')
    .select('held')
    .where('info_hash', '=', infoHash)
    .where('node_id', '=', nodeId)
    .executeTakeFirst()
  if ((row?.held ?? 0) !== (held ? 1 : 0)) await write(writer, [{ infoHash, nodeId, held }])
}

/** Nobody but `keeper` counts as a holder any more, until it reports itself again. */
export async function dropHoldings(
  writer: Writer,
  infoHash: InfoHash,
  keeper: NodeId
): Promise<void> {
  const rows = await writer.trx
    .selectFrom('holdings')
    .select('node_id')
    .where('info_hash', '=', infoHash)
    .where('held', '=', 1)
    .where('node_id', '!=', keeper)
    .execute()
  const given = rows.map((row) => ({ infoHash, nodeId: row.node_id, held: false }))
  await write(writer, given)
}

/** Takes in what a node says that it holds. Saying the same again changes nothing. */
export async function takeReport(
  writer: Writer,
  nodeId: NodeId,
  report: HoldingsReport
): Promise<void> {
  const recorded = new Set(await heldBy(writer.trx, nodeId))
  const held = new Set(report.held)
  const dropped = report.replace ? recorded : new Set(report.dropped)
  const lost = [...dropped].filter((infoHash) => recorded.has(infoHash) && !held.has(infoHash))
  const fresh = [...held].filter((infoHash) => !recorded.has(infoHash))
  const added = await catalogued(writer.trx, fresh)
  await write(writer, [
    ...lost.map((infoHash) => ({ infoHash, nodeId, held: false })),
    ...added.map((infoHash) => ({ infoHash, nodeId, held: true }))
  ])
}

async function heldBy(db: Database, nodeId: NodeId): Promise<InfoHash[]> {
  const rows = await db
    .selectFrom('holdings')
    .select('info_hash')
    .where('node_id', '=', nodeId)
    .where('held', '=', 1)
    .execute()
  return rows.map((row) => row.info_hash as InfoHash)
}

/** Those of the infohashes that the catalogue knows, unpublished ones included. */
async function catalogued(db: Database, infoHashes: readonly InfoHash[]): Promise<InfoHash[]> {
  const known: InfoHash[] = []
  for (let at = 0; at < infoHashes.length; at += CHUNK) {
    const rows = await db
      .selectFrom('entries')
      .select('info_hash')
      .where('info_hash', 'in', infoHashes.slice(at, at + CHUNK))
      .execute()
    for (const row of rows) known.push(row.info_hash as InfoHash)
  }
  return known
}

async function write(writer: Writer, changes: readonly Omit<Holding, 'revision'>[]): Promise<void> {
  const holdings = changes.map((change) => ({ ...change, revision: writer.next() }))
  for (let at = 0; at < holdings.length; at += CHUNK) {
    await writer.trx
      .insertInto('holdings')
      .values(holdings.slice(at, at + CHUNK).map(toRow))
      .onConflict((conflict) =>
        conflict.columns(['info_hash', 'node_id']).doUpdateSet((eb) => ({
          held: eb.ref('excluded.held'),
          revision: eb.ref('excluded.revision')
        }))
      )
      .execute()
  }
  for (const holding of holdings) writer.note({ type: 'holding', holding })
}

function toRow({ infoHash, nodeId, held, revision }: Holding): HoldingsTable {
  return { info_hash: infoHash, node_id: nodeId, held: held ? 1 : 0, revision }
}
