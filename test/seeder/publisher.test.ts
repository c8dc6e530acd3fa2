import t, { type Test } from 'tap'
import { createPublisher } from '../../seeder/publisher.ts'
import { memoryCatalogue, recordingNode } from './catalogue.ts'
import { stageable } from './published.ts'
import { log, openTestLibrary, someBytes } from './rig.ts'

async function open(t: Test) {
  const library = await openTestLibrary(t)
  const catalogue = memoryCatalogue()
  const node = recordingNode((infoHash) => library.remove(infoHash))
  const alarms: string[] = []
  const publisher = createPublisher({
    library,
    node,
    control: catalogue,
    replica: catalogue,
    onUnanswered: () => alarms.push('unanswered'),
    log
  })
  t.teardown(() => publisher.close())
  const file = stageable(library, 'file', someBytes(1000))
  const publish = () => publisher.publish(file.metainfo, file.sidecar, file.store)
  return { library, catalogue, node, publisher, alarms, ...file, publish }
}

t.test('what is published is stored, in the catalogue and shared', async (t) => {
  const { publish, library, catalogue, node, metainfo, sidecar } = await open(t)
  const { status, entry } = await publish()
  t.equal(status, 'created')
  t.match(entry, { name: 'file', size: 1000, single: true, files: sidecar.files })
  t.ok(library.complete(metainfo.infoHash))
  t.equal(catalogue.entry(metainfo.infoHash), entry)
  t.same(node.shared, [metainfo.infoHash])
  t.equal((await publish()).status, 'known')
})

t.test('nothing is entered in the catalogue before it is stored', async (t) => {
  const { publisher, catalogue, metainfo, sidecar } = await open(t)
  const failing = () => Promise.reject(new Error('disk'))
  await t.rejects(publisher.publish(metainfo, sidecar, failing), { message: 'disk' })
  const lying = async () => {}
  await t.rejects(publisher.publish(metainfo, sidecar, lying), { code: 'STORE_FAILED' })
  t.same(catalogue.commits, [])
})

t.test('an unanswered upload is kept, and offered as what it is: a publication', async (t) => {
  const { publish, publisher, catalogue, alarms, library, metainfo } = await open(t)
  const { infoHash } = metainfo
  await publish()
  catalogue.unpublish(infoHash)
  await publisher.retire(infoHash)
  t.notOk(library.has(infoHash))

  catalogue.down = true
  await t.rejects(publish(), { code: 'TRACKER_UNAVAILABLE', retryAfter: 10 })
  t.same(alarms, ['unanswered'])
  await publisher.retire(infoHash)
  t.ok(library.has(infoHash), 'the old tombstone does not delete the new upload')

  catalogue.down = false
  t.match(await publisher.offer(infoHash), { state: 'published' })
  t.match(catalogue.commits.at(-1), { infoHash, keepTombstone: false })
  t.equal(publisher.unanswered.size, 0)
})

t.test('what was found on the disk does not lift a tombstone', async (t) => {
  const { publish, publisher, catalogue, metainfo } = await open(t)
  await publish()
  catalogue.unpublish(metainfo.infoHash)
  t.match(await publisher.offer(metainfo.infoHash), { state: 'unpublished' })
  t.match(catalogue.commits.at(-1), { keepTombstone: true })
})

t.test('only what is unpublished is deleted', async (t) => {
  const { publish, publisher, node, metainfo } = await open(t)
  await publish()
  await publisher.retire(metainfo.infoHash)
  t.same(node.dropped, [])
})

t.test('an upload that comes while the same content is deleted stays', async (t) => {
  const { publish, publisher, library, catalogue, metainfo } = await open(t)
  await publish()
  catalogue.unpublish(metainfo.infoHash)
  const [, outcome] = await Promise.all([
    publisher.retire(metainfo.infoHash),
    publish(),
    publisher.retire(metainfo.infoHash)
  ])
  t.equal(outcome.status, 'created')
  t.ok(library.complete(metainfo.infoHash))
})

t.test('an upload of unpublished content replaces what is about to be deleted', async (t) => {
  const { publish, node, library, catalogue, metainfo } = await open(t)
  await publish()
  catalogue.unpublish(metainfo.infoHash)
  t.equal((await publish()).status, 'created')
  t.same(node.dropped, [metainfo.infoHash])
  t.ok(library.complete(metainfo.infoHash))
})

t.test('what is not complete here is not offered', async (t) => {
  const { publisher, library, catalogue, metainfo } = await open(t)
  t.equal(await publisher.offer(metainfo.infoHash), undefined)
  await (await library.create(metainfo)).close()
  t.equal(await publisher.offer(metainfo.infoHash), undefined)
  t.same(catalogue.commits, [])
})

t.test('an upload completes what was half fetched', async (t) => {
  const { publish, library, metainfo } = await open(t)
  await (await library.create(metainfo)).close()
  t.notOk(library.complete(metainfo.infoHash))
  t.equal((await publish()).status, 'created')
  t.ok(library.complete(metainfo.infoHash))
})
