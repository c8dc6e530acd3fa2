/** Disks that lose or change bytes under a running response: right bytes or a reset, never else. */
import { once } from 'node:events'
import { open, readdir, truncate } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import { request } from 'node:http'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { sampleTorrent } from '../../fakes/sample-torrent.ts'
import { testFolder } from '../../fakes/test-folder.ts'
import { store, until } from '../../lib/node/node-rig.ts'
import { type ContentOptions, type Gateway, get, openGateway } from './content-rig.ts'

const MIB = 2 ** 20
const PIECE = MIB
/** More than the sockets of both ends hold, and more than an extent of the cache. */
const PIECES = 24
const sample = sampleTorrent({ size: PIECES * PIECE, pieceLength: PIECE })
const { infoHash } = sample.metainfo
const HASTY = { firstByteTimeoutMs: 1000 }

/** A gateway apart whose cache has everything. */
async function openCached(t: Test, options: ContentOptions = {}): Promise<Gateway> {
  const gateway = await openGateway(t, { library: false, ...options })
  gateway.fleet.publish(sample)
  const getting = get(`${gateway.url}/${infoHash}/sample`)
  await until(() => gateway.swarm.joined.length === 1)
  for (let index = 0; index < PIECES; index++) {
    await until(() => gateway.swarm.wants.some(({ windows }) => wants(windows, index)))
    await gateway.swarm.deliver(sample, index, gateway.descriptors)
  }
  t.ok((await getting).body.equals(sample.bytes))
  return gateway
}

const wants = (windows: readonly { first: number; end: number }[], index: number) =>
  windows.some(({ first, end }) => first <= index && index < end)

/** Every file of the torrent's bytes below `folder`, largest index last. */
async function filesBelow(folder: string): Promise<string[]> {
  const all = await readdir(folder, { recursive: true, withFileTypes: true })
  const files = all.filter((file) => file.isFile() && file.parentPath.endsWith('/files'))
  return files.map(({ parentPath, name }) => join(parentPath, name)).toSorted()
}

/** Overwrites where piece `index` lies, whichever extent that is. */
async function spoil(folder: string, index: number): Promise<void> {
  const bytes = sample.piece(index).subarray(1000, 2000)
  for (const path of await filesBelow(folder)) {
    const file = await open(path, 'r+')
    try {
      const held = await file.readFile()
      const at = held.indexOf(bytes)
      if (at >= 0) await file.write(Buffer.alloc(1000), 0, 1000, at)
    } finally {
      await file.close()
    }
  }
}

/** A response that has begun and is not read on. */
async function begin(url: string): Promise<IncomingMessage> {
  const sent = request(url, { agent: false }).end()
  sent.on('error', () => {})
  const [response] = (await once(sent, 'response')) as [IncomingMessage]
  response.pause()
  return response
}

/** All of the body, or the code of the error that ended it; never a short one. */
async function rest(response: IncomingMessage): Promise<Buffer | string> {
  const chunks: Buffer[] = []
  try {
    for await (const chunk of response) chunks.push(chunk as Buffer)
  } catch (err) {
    return (err as NodeJS.ErrnoException).code ?? 'unknown'
  }
  return Buffer.concat(chunks)
}

t.test('a piece that was spoilt on disk is fetched again in the middle', async (t) => {
  const folder = testFolder(t)
  const before = await openCached(t, { folder })
  await before.app.close()
  await before.close()
  const gateway = await openGateway(t, { folder, library: false })
  gateway.fleet.publish(sample)
  const response = await begin(`${gateway.url}/${infoHash}/sample`)
  await spoil(folder, PIECES - 2)
  const body = rest(response)
  await until(() => gateway.swarm.wants.some(({ windows }) => wants(windows, PIECES - 2)))
  await gateway.swarm.deliver(sample, PIECES - 2, gateway.descriptors)
  t.ok(sample.bytes.equals((await body) as Buffer))
  t.same(gateway.sent.seeder, PIECE, 'one piece came anew')
})

t.test('a spoilt piece that nobody has resets the response', async (t) => {
  const folder = testFolder(t)
  const before = await openCached(t, { folder })
  await before.app.close()
  await before.close()
  const gateway = await openGateway(t, { folder, library: false, ...HASTY })
  gateway.fleet.publish(sample)
  const response = await begin(`${gateway.url}/${infoHash}/sample`)
  await spoil(folder, PIECES - 2)
  t.equal(await rest(response), 'ECONNRESET')
  t.equal(gateway.counts.stalls, 1)
})

t.test('an extent of the cache that is cut is fetched again', async (t) => {
  const folder = testFolder(t)
  const gateway = await openCached(t, { folder })
  const url = `${gateway.url}/${infoHash}/sample`
  const response = await begin(url)
  const already = gateway.swarm.wants.length
  for (const file of (await filesBelow(folder)).slice(-1)) await truncate(file, PIECE)
  const first = await rest(response)
  t.ok(first === 'ECONNRESET' || sample.bytes.equals(first as Buffer), String(first.length))
  const range = { range: `bytes=-${PIECE}` }
  const again = get(url, { headers: range })
  await until(() => gateway.swarm.wants.slice(already).some(({ windows }) => wants(windows, 23)))
  await gateway.swarm.deliver(sample, PIECES - 1, gateway.descriptors)
  t.ok((await again).body.equals(sample.piece(PIECES - 1)))
})

t.test('a file of the library that is cut resets when nobody else has it', async (t) => {
  const folder = testFolder(t)
  const gateway = await openGateway(t, { folder, ...HASTY })
  await store(gateway.library, sample)
  gateway.fleet.publish(sample)
  const response = await begin(`${gateway.url}/${infoHash}/sample`)
  for (const file of await filesBelow(folder)) await truncate(file, (PIECES - 1) * PIECE + 7)
  t.equal(await rest(response), 'ECONNRESET')
  const range = { range: `bytes=${PIECE}-${2 * PIECE - 1}` }
  const got = await get(`${gateway.url}/${infoHash}/sample`, { headers: range })
  t.ok(got.body.equals(sample.bytes.subarray(PIECE, 2 * PIECE)), 'what is left is served')
})

t.test('a file that goes away under its response does no harm to it', async (t) => {
  const folder = testFolder(t)
  const gateway = await openGateway(t, { folder, ...HASTY })
  await store(gateway.library, sample)
  gateway.fleet.publish(sample)
  const response = await begin(`${gateway.url}/${infoHash}/sample`)
  gateway.fleet.unpublish(infoHash)
  await gateway.node.drop(infoHash)
  t.equal(await rest(response), 'ECONNRESET', 'unpublished in the middle')
  t.equal((await get(`${gateway.url}/${infoHash}/sample`)).status, 410)
  t.equal(gateway.counts.stalls, 0)
})
