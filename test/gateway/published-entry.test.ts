import t from 'tap'
import { publishedEntry } from '../../gateway/published-entry.ts'
import { memoryFleet } from '../fakes/memory-fleet.ts'
import { sampleTorrent } from '../fakes/sample-torrent.ts'

t.test('published, unpublished, unknown and unanswered are four answers', async (t) => {
  const fleet = memoryFleet()
  const entry = fleet.publish(sampleTorrent({ size: 5, pieceLength: 16384 }))
  const { infoHash } = sampleTorrent({ size: 5, pieceLength: 16384 }).metainfo
  const signal = new AbortController().signal
  t.equal(await publishedEntry(fleet, entry.infoHash, signal), entry)
  await t.rejects(publishedEntry(fleet, infoHash, signal), { code: 'CONTENT_UNKNOWN' })
  fleet.down = true
  await t.rejects(publishedEntry(fleet, infoHash, signal), { code: 'TRACKER_UNAVAILABLE' })
  t.equal(await publishedEntry(fleet, entry.infoHash, signal), entry, 'known needs nobody')
  fleet.unpublish(entry.infoHash)
  await t.rejects(publishedEntry(fleet, entry.infoHash, signal), { code: 'CONTENT_GONE' })
})
