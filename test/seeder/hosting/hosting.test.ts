import t, { type Test } from 'tap'
import type { InfoHash } from '../../../core/info-hash.ts'
import { createDiskJobs } from '../../../lib/store/disk-jobs.ts'
import { type HostingConfig, startHosting } from '../../../seeder/hosting/hosting.ts'
import { SCRUB_DEFAULTS } from '../../../seeder/hosting/scrub.ts'
import { createPublisher } from '../../../seeder/publisher.ts'
import { memoryCatalogue, recordingNode } from '../catalogue.ts'
import { stageable } from '../published.ts'
import { log, openTestLibrary, someBytes } from '../rig.ts'

const LONG = { everyMs: 3_600_000, gapMs: 0, retryMs: 1 }
const CONFIG: HostingConfig = { fetching: LONG, checking: LONG, scrub: SCRUB_DEFAULTS }

async function open(t: Test) {
  const library = await openTestLibrary(t)
  const catalogue = memoryCatalogue()
  const calls: string[] = []
  const waiting: { call: string; resolve: () => void }[] = []
  function note(call: string): void {
    calls.push(call)
    for (const { call: wanted, resolve } of waiting) if (wanted === call) resolve()
  }
  const until = (call: string) =>
    calls.includes(call)
      ? Promise.resolve()
      : new Promise<void>((resolve) => waiting.push({ call, resolve }))

  const node = {
    ...recordingNode(async (infoHash) => {
      await library.remove(infoHash)
      note(`drop ${infoHash}`)
    }),
    share: async (infoHash: InfoHash) => note(`share ${infoHash}`),
    host: async (infoHash: InfoHash) => {
      catalogue.assign([])
      note(`host ${infoHash}`)
    }
  }
  const disk = createDiskJobs()
  const deps = { library, node, disk, control: catalogue, replica: catalogue, log }
  const publisher = createPublisher({ ...deps, onUnanswered: () => hosting?.checkSoon() })
  t.teardown(() => publisher.close())
  let hosting: ReturnType<typeof startHosting> | undefined
  const start = () => {
    hosting = startHosting(CONFIG, { ...deps, publisher })
    const { close } = hosting
    t.teardown(close)
    return hosting
  }
  return { library, catalogue, publisher, start, until, calls }
}

t.test('a crash between storing and publishing is repaired at the next start', async (t) => {
  const { library, catalogue, start, until } = await open(t)
  const { metainfo, sidecar, store } = stageable(library, 'orphan', someBytes(1000))
  await store()
  start()
  await until(`share ${metainfo.infoHash}`)
  const entry = catalogue.entry(metainfo.infoHash)
  t.match(entry, { state: 'published', name: 'orphan', files: sidecar.files })
  t.same(catalogue.commits, [{ infoHash: metainfo.infoHash, keepTombstone: true }])
})

t.test('an upload without an answer is published once the tracker is back', async (t) => {
  const { library, catalogue, publisher, start, until } = await open(t)
  const { metainfo, sidecar, store } = stageable(library, 'late', someBytes(1000))
  start()
  catalogue.down = true
  await t.rejects(publisher.publish(metainfo, sidecar, store), { code: 'TRACKER_UNAVAILABLE' })
  catalogue.down = false
  await until(`share ${metainfo.infoHash}`)
  t.match(catalogue.entry(metainfo.infoHash), { state: 'published' })
})

t.test('what was unpublished while the node was away is deleted', async (t) => {
  const { library, catalogue, publisher, start, until } = await open(t)
  const { metainfo, sidecar, store } = stageable(library, 'gone', someBytes(1000))
  await publisher.publish(metainfo, sidecar, store)
  catalogue.unpublish(metainfo.infoHash)
  start()
  await until(`drop ${metainfo.infoHash}`)
  t.notOk(library.has(metainfo.infoHash))
})

t.test('what the tracker alone knows to be unpublished is deleted on its word', async (t) => {
  const { library, catalogue, start, until } = await open(t)
  const { metainfo, store } = stageable(library, 'gone', someBytes(1000))
  await store()
  const commit = catalogue.commit
  catalogue.commit = async (draft, info, nodeId, options) => {
    const { entry } = await commit(draft, info, nodeId, options)
    return { status: 'known', entry: { ...entry, state: 'unpublished' } }
  }
  start()
  await until(`drop ${metainfo.infoHash}`)
  t.notOk(library.has(metainfo.infoHash))
})

t.test('a tombstone in the feed deletes at once', async (t) => {
  const { library, catalogue, publisher, start, until } = await open(t)
  const { metainfo, sidecar, store } = stageable(library, 'going', someBytes(1000))
  start()
  await publisher.publish(metainfo, sidecar, store)
  catalogue.unpublish(metainfo.infoHash)
  await until(`drop ${metainfo.infoHash}`)
  t.notOk(library.has(metainfo.infoHash))
})

t.test('what the tracker refuses is kept', async (t) => {
  const { library, catalogue, start } = await open(t)
  const { metainfo, store } = stageable(library, 'refused', someBytes(1000))
  await store()
  const refused = Promise.withResolvers<void>()
  catalogue.commit = () => {
    refused.resolve()
    return Promise.reject(new Error('refused'))
  }
  const hosting = start()
  await refused.promise
  await hosting.close()
  t.ok(library.complete(metainfo.infoHash))
})

t.test('what is assigned is fetched: at the start and when the feed tells of news', async (t) => {
  const { library, catalogue, publisher, start, until } = await open(t)
  const first = stageable(library, 'first', someBytes(100)).metainfo.infoHash
  catalogue.assign([first])
  start()
  await until(`host ${first}`)
  const news = stageable(library, 'news', someBytes(200))
  const second = stageable(library, 'second', someBytes(300)).metainfo.infoHash
  catalogue.assign([second])
  // Own doings are applied to a replica as changes too.
  await publisher.publish(news.metainfo, news.sidecar, news.store)
  await until(`host ${second}`)
})
