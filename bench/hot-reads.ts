/**
 * What a seeder reads from its disk for what it sends: twenty leechers, each from an address of its
 * own, take the same hundred pieces in orders of their own.
 *
 * Counted is what the process's read calls returned (/proc/PID/io, `rchar`), less what its peers
 * sent it; page cache or platter makes no difference to that. libtorrent maps files into memory,
 * so it cannot be counted this way and is not beside us here.
 */
import { saveTorrent, writeRandom } from './content.ts'
import type { Figure } from './figure.ts'
import { type BenchOwner, withOwner } from './owner.ts'
import { transferred } from './process-usage.ts'
import { leechPieces } from './raw-leecher.ts'
import { ROUNDS, sampleCount } from './scale.ts'
import { pidOf, publishFile, startFleet, wireAddress } from './swarmgate.ts'
import { type WireSeeder, webtorrent } from './wire-peers.ts'

const SIZE = 64 * 2 ** 20
const HOT = sampleCount(100)
const LEECHERS = sampleCount(20)
const READ = `Disk bytes read per byte sent, ${HOT} hot pieces of 256 KiB, ${LEECHERS} leechers`
const RATE = 'Bytes sent to them together'

export async function benchHotReads(): Promise<Figure[]> {
  return withOwner(async (owner) => {
    const folder = await owner.folder()
    const file = await writeRandom(folder, 'hot.bin', SIZE)
    const fleet = await startFleet(owner)
    const gateway = await fleet.gateway(owner)
    const { infoHash } = await publishFile(gateway, file, 'hot.bin')
    const torrent = await saveTorrent(`${gateway.addresses.gateway}/${infoHash}.torrent`, folder)
    const hot = shuffled(range(torrent.metainfo.geometry.pieceCount)).slice(0, HOT)
    const node = webtorrent()

    const ours: Sample[] = []
    const theirs: Sample[] = []
    for (let round = 0; round < ROUNDS; round++) {
      // After a start, so that the first read of each piece, which proves it, is counted too.
      await fleet.restartSeeder()
      const [seeder] = fleet.seeders
      if (seeder === undefined) throw new Error('no seeder')
      const address = wireAddress(seeder, infoHash)
      ours.push(await measure({ pid: pidOf(seeder), address }, torrent.metainfo, hot))
      const seed = (owner: BenchOwner) => node.seed(owner, torrent.file, folder)
      theirs.push(
        await withOwner(async (owner) => measure(await seed(owner), torrent.metainfo, hot))
      )
    }
    return [
      figure(READ, 'times', 'Swarmgate’s seeder', ours, 'amplification', '≤ 1.1'),
      figure(READ, 'times', 'webtorrent', theirs, 'amplification'),
      figure(RATE, 'MB/s', 'Swarmgate’s seeder', ours, 'rate'),
      figure(RATE, 'MB/s', 'webtorrent', theirs, 'rate')
    ]
  })
}

interface Sample {
  readonly amplification: number
  readonly rate: number
}

type Torrent = Pick<Parameters<typeof leechPieces>[0], 'infoHash' | 'geometry'>

async function measure(
  { pid, address: peer }: WireSeeder,
  { infoHash, geometry }: Torrent,
  hot: readonly number[]
): Promise<Sample> {
  const before = await transferred(pid)
  const began = performance.now()
  const done = await Promise.all(
    range(LEECHERS).map((leecher) =>
      // Linux answers on all of 127.0.0.0/8, so nobody shares an address.
      leechPieces({
        peer,
        infoHash,
        geometry,
        pieces: shuffled(hot),
        from: `127.0.0.${2 + leecher}`
      })
    )
  )
  const seconds = (performance.now() - began) / 1000
  const after = await transferred(pid)
  const payload = done.reduce((sum, { payload }) => sum + payload, 0)
  const heard = done.reduce((sum, { sent }) => sum + sent, 0)
  return {
    amplification: (after.read - before.read - heard) / payload,
    rate: payload / seconds / 1e6
  }
}

function figure(
  name: string,
  unit: Figure['unit'],
  subject: string,
  samples: readonly Sample[],
  key: keyof Sample,
  aim?: string
): Figure {
  const values = samples.map((sample) => sample[key])
  return { name, unit, subject, samples: values, ...(aim !== undefined && { aim }) }
}

function range(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index)
}

function shuffled(values: readonly number[]): number[] {
  return values
    .map((value) => ({ value, key: Math.random() }))
    .sort((a, b) => a.key - b.key)
    .map(({ value }) => value)
}
