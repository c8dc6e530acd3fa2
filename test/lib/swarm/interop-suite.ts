/**
 * An engine against another BitTorrent client over the real wire, both ways.
 *
 * One process of the client and one swarm per address family carry every transfer at once; peers
 * come from a tracker that introduces the two to each other. A test file runs it with one line.
 */
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { buildMagnet } from '../../../core/magnet.ts'
import { buildTorrentFile } from '../../../core/torrent-file.ts'
import type { PeerAddress } from '../../../lib/swarm/contract.ts'
import { createSwarm, type Swarm, type SwarmConfig } from '../../../lib/swarm/swarm.ts'
import { silentLog } from '../../fakes/silent-log.ts'
import { testFolder } from '../../fakes/test-folder.ts'
import { eventually } from '../../system/publish.ts'
import type { InteropClient, RunningClient, Source } from './interop-client.ts'
import * as content from './interop-content.ts'
import { type InteropTracker, openInteropTracker } from './interop-tracker.ts'
import { listen, verified } from './swarm-events.ts'
import { EVERYTHING, NOTHING } from './torrent-folder.ts'

const KiB = 1024
const MiB = 1024 * KiB
const PATIENCE_MS = 600_000

interface Transfer {
  readonly name: string
  readonly shape: content.Shape
  readonly family?: 'IPv6'
  readonly magnet?: true
  /** The side that fetches has every other piece. */
  readonly resumed?: true
}

const TRANSFERS: readonly Transfer[] = [
  { name: 'one byte', shape: { pieceLength: 16 * KiB, files: [1] } },
  {
    name: 'a folder, small pieces across its files, the last of one byte',
    shape: { pieceLength: 16 * KiB, files: [1, 70_000, 5, 0, 131_072, 16 * KiB * 20 - 201_077] }
  },
  {
    name: 'pieces of 16 MiB, the last of one byte',
    shape: { pieceLength: 16 * MiB, files: [32 * MiB + 1] }
  },
  {
    // More than 820 hashes: the info dictionary takes two pieces of BEP 9.
    name: 'a magnet',
    shape: { pieceLength: 16 * KiB, files: [900 * 16 * KiB + 7] },
    magnet: true
  },
  {
    name: 'a magnet of one file over IPv6',
    shape: { pieceLength: 64 * KiB, files: [3 * MiB + 5] },
    family: 'IPv6',
    magnet: true
  },
  {
    name: 'a folder over IPv6',
    shape: { pieceLength: 256 * KiB, files: [MiB, 3 * MiB + 3] },
    family: 'IPv6'
  },
  {
    name: 'the rest of an interrupted download',
    shape: { pieceLength: 32 * KiB, files: [2 * MiB + 11, MiB] },
    resumed: true
  }
]

interface Rig {
  readonly client: RunningClient
  readonly tracker: InteropTracker
  readonly folder: string
  readonly host: string
  readonly swarm: Swarm
}

/** Runs every transfer in both directions, all at once. */
export async function interopSuite(
  engine: SwarmConfig['engine'],
  client: InteropClient
): Promise<void> {
  t.setTimeout(PATIENCE_MS)
  const options = { skip: client.skip, timeout: PATIENCE_MS }
  await t.test(`${engine} and ${client.name}`, options, async (t) => {
    const folder = testFolder(t)
    const tracker = await openInteropTracker()
    t.teardown(() => tracker.close())
    const swarms = {
      IPv4: await openSwarm(t, engine, client.host('IPv4')),
      IPv6: await openSwarm(t, engine, client.host('IPv6'))
    }
    const running = await client.start(t, join(folder, 'client'))
    t.jobs = 2 * TRANSFERS.length
    for (const transfer of TRANSFERS) {
      const { family = 'IPv4' } = transfer
      const [swarm, host] = [swarms[family], client.host(family)]
      const skip = swarm === undefined && `no ${family} address to meet ${client.name} on`
      const rig = { client: running, tracker, folder, host, swarm } as Rig
      // Every test its own options: tap keeps what belongs to one test in them.
      const each = () => ({ skip, timeout: PATIENCE_MS })
      void t.test(`${client.name} gets ${transfer.name}`, each(), (t) => give(t, rig, transfer))
      void t.test(`${client.name} gives ${transfer.name}`, each(), (t) => take(t, rig, transfer))
    }
  })
}

async function openSwarm(
  t: Test,
  engine: SwarmConfig['engine'],
  host: string | undefined
): Promise<Swarm | undefined> {
  if (host === undefined) return undefined
  const config = { engine, wireHost: host, wirePort: 0, workers: 1 }
  const swarm = await createSwarm(config, { log: silentLog })
  t.teardown(() => swarm.close())
  return swarm
}

/** They fetch from us. */
async function give(t: Test, rig: Rig, transfer: Transfer): Promise<void> {
  const { client, tracker, swarm, host } = rig
  const sample = content.shapedContent(`${transfer.name} (given)`, transfer.shape)
  const { infoHash, info } = sample.metainfo
  const folder = join(rig.folder, infoHash)
  const ours = await content.ourCopy(sample, join(folder, 'ours'), content.ALL)
  const held = transfer.resumed ? content.EVERY_OTHER : content.NONE
  const theirs = await content.theirCopy(sample, join(folder, 'theirs'), held)
  const events = listen(swarm, infoHash)
  swarm.join({ infoHash, info, pieces: ours.pieces, want: NOTHING, peers: [] })
  tracker.offer(infoHash, host, swarm.ports[0] ?? 0)

  await client.add(sourceOf(sample, tracker.url(host), transfer.magnet), theirs.folder)
  await eventually(async () => (await theirs.read()).equals(sample.bytes) || undefined)

  const missing = transfer.resumed ? sample.bytes.length / 3 : sample.bytes.length
  const sent = () => swarm.stats(infoHash)?.uploaded.stranger ?? 0
  await events.until(() => sent() >= missing)
  t.pass('it arrived byte for byte, and we sent it')
  if (transfer.resumed) t.ok(sent() < sample.bytes.length, 'only what was missing')
}

/** We fetch from them. */
async function take(t: Test, rig: Rig, transfer: Transfer): Promise<void> {
  const { client, tracker, swarm, host } = rig
  const sample = content.shapedContent(`${transfer.name} (taken)`, transfer.shape)
  const { infoHash, info, geometry } = sample.metainfo
  const folder = join(rig.folder, infoHash)
  const theirs = await content.theirCopy(sample, join(folder, 'theirs'), content.ALL)
  await client.add(sourceOf(sample, tracker.url(host), undefined), theirs.folder)
  const port = await tracker.seeding(infoHash)
  const peers: PeerAddress[] = [{ host, port, class: 'stranger' }]

  if (transfer.magnet) {
    const learned = await swarm.discover(infoHash, peers, AbortSignal.timeout(PATIENCE_MS))
    t.ok(Buffer.from(learned).equals(info), 'the info dictionary is what was hashed')
  }
  const held = transfer.resumed ? content.EVERY_OTHER : content.NONE
  const ours = await content.ourCopy(sample, join(folder, 'ours'), held)
  const events = listen(swarm, infoHash)
  swarm.join({ infoHash, info, pieces: ours.pieces, want: EVERYTHING, peers })
  const indices = Array.from({ length: geometry.pieceCount }, (_, index) => index)
  const missing = indices.filter((index) => !held(index))
  await verified(events, missing)

  t.ok((await ours.read()).equals(sample.bytes), 'it arrived byte for byte')
  const fetched = events.seen.filter(({ type }) => type === 'verified')
  t.equal(fetched.length, missing.length, 'every missing piece came once, no other')
}

function sourceOf(sample: content.ShapedContent, url: string, magnet: true | undefined): Source {
  const { infoHash, info } = sample.metainfo
  if (magnet) return { magnet: buildMagnet({ infoHash, name: sample.name, announce: [url] }) }
  return { torrent: buildTorrentFile(info, { announce: [[url]], urlList: [] }) }
}
