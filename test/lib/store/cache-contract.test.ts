import t from 'tap'
import { openCache } from '../../../lib/store/cache.ts'
import { createDescriptors } from '../../../lib/store/descriptors.ts'
import { pieceStoreSuite } from '../../contract/piece-store-suite.ts'
import { silentLog } from '../../fakes/silent-log.ts'

pieceStoreSuite(t, async (folder) => {
  const descriptors = createDescriptors({ max: 4 })
  const cache = await openCache(
    { folder, limitBytes: 2 ** 30 },
    { descriptors, log: silentLog, evict: async () => {} }
  )
  return {
    descriptors,
    open: (metainfo) => cache.open(metainfo),
    async close() {
      await cache.close()
      await descriptors.close()
    }
  }
})
