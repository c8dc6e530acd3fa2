/** Our wire engine and webtorrent. */

import { interopSuite } from '../interop-suite.ts'
import { webtorrent } from '../interop-webtorrent.ts'

await interopSuite('wire', webtorrent)
