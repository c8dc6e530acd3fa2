import t from 'tap'
import { createDescriptors } from '../../../lib/store/descriptors.ts'
import { openLibrary } from '../../../lib/store/library.ts'
import { pieceStoreSuite } from '../../contract/piece-store-suite.ts'
import { silentLog } from '../../fakes/silent-log.ts'

pieceStoreSuite(t, async (folder) => {
  const descriptors = createDescriptors({ max: 4 })
  const library = await openLibrary({ folder }, { descriptors, log: silentLog })
  return {
    descriptors,
    open: (metainfo) => library.create(metainfo),
    async close() {
      await library.close()
      await descriptors.close()
    }
  }
})
