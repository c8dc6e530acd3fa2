/** webtorrent behind the engine contract, and libtorrent. */
import { libtorrent } from '../interop-libtorrent.ts'
import { interopSuite } from '../interop-suite.ts'

await interopSuite('webtorrent', libtorrent)
