/**
 * `kill -9` of a gateway that fills and evicts, again and again: what it claims to have is right,
 * what it serves is right, and it leaves no litter. CRASH_ROUNDS=50 is what a release is tried with.
 */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { parseInfoHash } from '../../core/info-hash.ts'
import { parseInfo } from '../../core/metainfo.ts'
import { readMetainfo } from '../../lib/store/metainfo-file.ts'
import { torrentFolders } from '../../lib/store/torrent-folders.ts'
import { testFolder } from '../fakes/test-folder.ts'
import { cacheLayout, judgeClaims } from '../lib/store/claims-judge.ts'
import { apart, publishAt } from './fleet.ts'
import { eventually, fetchBytes, noise, pathOf } from './publish.ts'

const ROUNDS = Number(process.env.CRASH_ROUNDS ?? 3)
const MiB = 2 ** 20
const SIZE = 60 * MiB + 12_345
/** Four of eight extents: each reader's window may lie in two. */
const CACHE = '36MiB'

t.setTimeout(600_000 + ROUNDS * 60_000)

t.test('kill -9 while a gateway fills and evicts leaves nothing wrong', async (t) => {
  const data = testFolder(t)
  const site = await apart(t, data, { SWARMGATE_GATEWAY_CACHE_BYTES: CACHE })
  const bytes = noise(SIZE, 7)
  const published = await publishAt(site, 'content.bin', bytes)
  const infoHash = parseInfoHash(published.infoHash)
  if (infoHash === undefined) throw new Error('no infohash')
  const library = torrentFolders(join(data, 'seeder', 'library'))
  const details = await readMetainfo(library.metainfo(infoHash), infoHash)
  if (details === undefined) throw new Error('no metainfo')
  const metainfo = parseInfo(details.info)
  const cacheRoot = join(data, 'gateway', 'cache')
  const judge = () => judgeClaims(cacheRoot, metainfo, cacheLayout)

  let gateway = site.front
  let base = site.gateway
  let received = 0
  let claims = 0
  for (let round = 0; round < ROUNDS; round++) {
    const enough = received + MiB * (2 + ((round * 311) % 1000))
    const readers = new AbortController()
    const reads = [0, 1].map((reader) => readUntilKilled(reader, readers.signal))
    await eventually(async () => (received >= enough ? true : undefined))
    // Every other kill comes when nobody reads and the ledger says what there is.
    if (round % 2 === 0) {
      readers.abort()
      await eventually(async () => (await judge()).claimed > 0 || undefined)
    }
    await gateway.stop('SIGKILL')
    await Promise.all(reads)
    const { claimed, wrong } = await judge()
    t.same(wrong, [], `round ${round}: no claim without its bytes`)
    claims += claimed
    gateway = await site.restart('gateway')
    base = gateway.addresses.gateway ?? ''
    t.same(await litter(join(data, 'gateway')), [], 'a start leaves no temporary files')
  }
  t.ok(claims > 0, `${claims} pieces were claimed after ${ROUNDS} kills`)
  const { bytes: whole } = await fetchBytes(base + pathOf(published))
  t.ok(whole.equals(bytes))

  /** One reads the first extent over and over, so that it stays; the other all, so that they go. */
  async function readUntilKilled(reader: number, signal: AbortSignal): Promise<void> {
    for (let start = 0; ; start = (start + 17 * MiB) % SIZE) {
      try {
        if (reader === 0) await read(`bytes=0-${8 * MiB - 1}`, 0, signal)
        else await read(`bytes=${start}-`, start, signal)
      } catch {
        return
      }
    }
  }

  /** Each byte that comes is the right one. */
  async function read(range: string, start: number, signal: AbortSignal): Promise<void> {
    const { status, body } = await fetch(base + pathOf(published), { headers: { range }, signal })
    // Another reader's window takes all of the cache: ask again.
    if (status === 429) return
    t.equal(status, 206)
    let at = start
    for await (const chunk of body ?? []) {
      if (!bytes.subarray(at, at + chunk.length).equals(chunk)) t.fail(`wrong bytes at ${at}`)
      at += chunk.length
      received += chunk.length
    }
  }
})

/** Files that only exist while something is being written or deleted. */
async function litter(folder: string): Promise<string[]> {
  const names = await readdir(folder, { recursive: true })
  return names.filter((name) => name.endsWith('.new') || name.startsWith('trash/'))
}
