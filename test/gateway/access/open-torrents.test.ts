import t, { type Test } from 'tap'
import { AppError } from '../../../core/errors.ts'
import type { InfoHash } from '../../../core/info-hash.ts'
import type { Metainfo } from '../../../core/metainfo.ts'
import { FOREIGN_CREATED_AT } from '../../../gateway/access/foreign-entry.ts'
import {
  createOpenTorrents,
  type OpenTorrentsConfig
} from '../../../gateway/access/open-torrents.ts'
import type { Foreign } from '../../../lib/node/foreign.ts'
import { type SampleTorrent, sampleTorrent } from '../../fakes/sample-torrent.ts'
import { silentLog as log } from '../../fakes/silent-log.ts'

const HINTS = { trackers: [], peers: [], near: false }
const NEVER = new AbortController().signal
const MINUTE = 60_000
const sample = (files?: number[]) =>
  sampleTorrent({ size: 30_000, pieceLength: 16_384, ...(files && { files }) })
const hashOf = ({ metainfo }: SampleTorrent) => metainfo.infoHash

/** Strangers: they give what is in `swarm`, at once; for the rest nobody answers. */
function strangers() {
  const swarm = new Map<InfoHash, Metainfo>()
  const asked: InfoHash[] = []
  const left: InfoHash[] = []
  const busy = new Set<InfoHash>()
  const given = new Set<InfoHash>()
  const waiting = new Set<() => void>()
  const foreign: Foreign = {
    async learn(infoHash, _hints, accept, signal) {
      asked.push(infoHash)
      for (const wake of waiting) wake()
      const metainfo = swarm.get(infoHash)
      if (metainfo === undefined) {
        return new Promise((_resolve, reject) => {
          const giveUp = () => {
            given.add(infoHash)
            reject(signal.reason)
          }
          if (signal.aborted) giveUp()
          else signal.addEventListener('abort', giveUp, { once: true })
        })
      }
      accept(metainfo)
      return metainfo
    },
    isBusy: (infoHash) => busy.has(infoHash),
    heard: () => strangersHeard.peers,
    async leave(infoHash) {
      left.push(infoHash)
      for (const wake of waiting) wake()
    }
  }
  const strangersHeard = { peers: 0 }
  const until = async (condition: () => boolean) => {
    while (!condition()) await new Promise<void>((resolve) => waiting.add(resolve))
  }
  return { swarm, asked, left, busy, given, foreign, heard: strangersHeard, until }
}

function prepare(t: Test, over: Partial<OpenTorrentsConfig> = {}) {
  const clock = { ms: 0 }
  const world = strangers()
  const config = {
    ...{ maxTorrents: 2, maxBytes: 2 ** 20, idleMs: 10 * MINUTE, learnMs: 60_000, sweepMs: 1 },
    ...over
  }
  const torrents = createOpenTorrents(config, { ...world, log, now: () => clock.ms })
  t.teardown(() => torrents.close())
  const find = (infoHash: InfoHash, signal = NEVER) => torrents.find(infoHash, HINTS, signal)
  const add = (...samples: SampleTorrent[]) => {
    for (const { metainfo } of samples) world.swarm.set(metainfo.infoHash, metainfo)
  }
  return { ...world, torrents, find, add, clock }
}

t.test('a torrent of strangers looks like a published one without digests', async (t) => {
  const { find, add, torrents, asked } = prepare(t)
  const folder = sample([10_000, 20_000])
  add(folder)
  t.notOk(torrents.has(hashOf(folder)))
  const entry = await find(hashOf(folder))
  t.same(entry, {
    infoHash: hashOf(folder),
    name: 'sample',
    single: false,
    size: 30_000,
    files: [
      { index: 0, path: 'file-0000', size: 10_000, sha256: null, crc32: null },
      { index: 1, path: 'file-0001', size: 20_000, sha256: null, crc32: null }
    ],
    replicas: 1,
    revision: 0,
    state: 'published',
    createdAt: FOREIGN_CREATED_AT
  })
  t.ok(torrents.has(hashOf(folder)))
  t.equal(await find(hashOf(folder)), entry)
  t.equal(asked.length, 1, 'it is learned once')
})

t.test('many who ask at once are one question', async (t) => {
  const { find, add, asked } = prepare(t)
  const one = sample()
  add(one)
  const entries = await Promise.all([find(hashOf(one)), find(hashOf(one)), find(hashOf(one))])
  t.equal(new Set(entries).size, 1)
  t.equal(asked.length, 1)
})

t.test('the search ends when all who wait have gone, and not before', async (t) => {
  const { find, given } = prepare(t)
  const infoHash = hashOf(sample())
  const [first, second] = [new AbortController(), new AbortController()]
  const answers = [first, second].map(({ signal }) => find(infoHash, signal).catch((err) => err))
  const left = new Error('the client left')
  first.abort(left)
  t.equal(await answers[0], left)
  t.notOk(given.has(infoHash))
  second.abort(left)
  t.equal(await answers[1], left)
  t.ok(given.has(infoHash))
})

t.test('without metainfo in time it is 502 or 504, by whether anybody was found', async (t) => {
  const { find, heard } = prepare(t, { learnMs: 1 })
  const { infoHash } = sample().metainfo
  await t.rejects(find(infoHash), { code: 'SWARM_NO_PEERS', message: /phase: metadata/ })
  heard.peers = 3
  await t.rejects(find(infoHash), {
    code: 'SWARM_TIMEOUT',
    message: /phase: metadata; peers found: 3/,
    retryAfter: 10
  })
})

t.test('one that is too large or damaged is refused, and not fetched again soon', async (t) => {
  const { find, add, asked, clock, torrents } = prepare(t, { maxBytes: 29_999 })
  const large = sample()
  add(large)
  for (let times = 0; times < 2; times++) {
    await t.rejects(find(hashOf(large)), { code: 'TORRENT_TOO_LARGE', status: 403 })
  }
  t.equal(asked.length, 1)
  t.notOk(torrents.has(hashOf(large)))
  clock.ms += 10 * MINUTE
  await t.rejects(find(hashOf(large)), { code: 'TORRENT_TOO_LARGE' })
  t.equal(asked.length, 2)
})

t.test('a failure that may pass is not remembered', async (t) => {
  const { find, add, foreign, asked } = prepare(t)
  const one = sample()
  add(one)
  const { learn } = foreign
  foreign.learn = async () => {
    throw new AppError('STORE_FULL', 'no room')
  }
  await t.rejects(find(hashOf(one)), { code: 'STORE_FULL' })
  foreign.learn = learn
  t.match(await find(hashOf(one)), { name: 'sample' })
  t.equal(asked.length, 1)
})

t.test(
  'at the limit the one asked for longest ago gives way, once it had its minute',
  async (t) => {
    const { find, add, clock, left, torrents } = prepare(t)
    const [a, b, c] = [sample(), sample(), sample()]
    add(a, b, c)
    await find(hashOf(a))
    await find(hashOf(b))
    await t.rejects(find(hashOf(c)), { code: 'QUOTA_EXCEEDED', status: 429, retryAfter: 10 })
    clock.ms += MINUTE
    await find(hashOf(a))
    await find(hashOf(c))
    t.same(left, [hashOf(b)])
    t.ok(torrents.has(hashOf(a)))
  }
)

t.test('one that somebody reads does not give way', async (t) => {
  const { find, add, clock, left, busy } = prepare(t)
  const [a, b, c] = [sample(), sample(), sample()]
  add(a, b, c)
  await find(hashOf(a))
  await find(hashOf(b))
  busy.add(hashOf(a)).add(hashOf(b))
  clock.ms += MINUTE
  await t.rejects(find(hashOf(c)), { code: 'QUOTA_EXCEEDED' })
  busy.delete(hashOf(b))
  await find(hashOf(c))
  t.same(left, [hashOf(b)])
})

t.test('searches count: inventing infohashes is bounded', async (t) => {
  const { find, asked } = prepare(t)
  const searches = [sample(), sample()].map((one) => find(hashOf(one)).catch((err) => err))
  await t.rejects(find(hashOf(sample())), { code: 'QUOTA_EXCEEDED' })
  t.equal(asked.length, 2)
  t.equal(searches.length, 2)
})

t.test('one that nobody asked for in a while is left; one being read is not', async (t) => {
  const { find, add, clock, left, busy, until, torrents } = prepare(t)
  const [idle, read] = [sample(), sample()]
  add(idle, read)
  await find(hashOf(idle))
  await find(hashOf(read))
  busy.add(hashOf(read))
  clock.ms += 10 * MINUTE
  await until(() => left.length > 0)
  t.same(left, [hashOf(idle)])
  t.ok(torrents.has(hashOf(read)))
  t.match(await find(hashOf(idle)), { name: 'sample' }, 'and may come back')
})

t.test('closing ends the searches', async (t) => {
  const { find, torrents } = prepare(t)
  const answer = find(hashOf(sample())).catch((err) => err)
  await torrents.close()
  t.match(await answer, { code: 'SHUTTING_DOWN' })
})
