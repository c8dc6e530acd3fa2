import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { loadNodeId } from '../../../lib/node/node-id.ts'
import { testFolder } from '../../fakes/test-folder.ts'

t.test('a node has one id for ever', async (t) => {
  const folder = join(testFolder(t), 'new')
  const id = await loadNodeId(folder)
  t.match(id, /^[0-9a-f]{32}$/)
  t.equal(await loadNodeId(folder), id)
  t.equal(await readFile(join(folder, 'node-id'), 'utf8'), `${id}\n`)
})

t.test('a damaged id stops the start instead of orphaning what the node holds', async (t) => {
  const folder = join(testFolder(t), 'node')
  await mkdir(folder)
  await writeFile(join(folder, 'node-id'), 'half an i')
  await t.rejects(loadNodeId(folder), { message: /node-id is not a node id/ })
})
