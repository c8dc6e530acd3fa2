/** The id of a node: made once, kept on its disk, the same after every restart. */
import { randomBytes } from 'node:crypto'
import { mkdir, open, readFile, rename } from 'node:fs/promises'
import { join } from 'node:path'
import type { NodeId } from '../control/control.ts'

const PATTERN = /^[0-9a-f]{32}$/

/**
 * Reads `{folder}/node-id`, or makes it durably.
 * @throws when the file holds something else: guessing a new id would orphan what the node holds.
 */
export async function loadNodeId(folder: string): Promise<NodeId> {
  const path = join(folder, 'node-id')
  const kept = await readFile(path, 'utf8').catch(ignoreMissing)
  if (kept === undefined) return makeNodeId(folder, path)

  const id = kept.trim()
  if (!PATTERN.test(id)) throw new Error(`${path} is not a node id: expected 32 hex digits`)
  return id
}

async function makeNodeId(folder: string, path: string): Promise<NodeId> {
  const id = randomBytes(16).toString('hex')
  await mkdir(folder, { recursive: true })
  const temporary = `${path}.new`
  const file = await open(temporary, 'w')
  try {
    await file.writeFile(`${id}\n`)
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(temporary, path)
  return id
}

function ignoreMissing(err: NodeJS.ErrnoException): undefined {
  if (err.code !== 'ENOENT') throw err
}
