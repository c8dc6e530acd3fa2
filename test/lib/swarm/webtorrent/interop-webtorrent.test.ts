/** webtorrent behind the engine contract, and webtorrent. */

import { interopSuite } from '../interop-suite.ts'
import { webtorrent } from '../interop-webtorrent.ts'

await interopSuite('webtorrent', webtorrent)
