/** webtorrent behind the engine contract, and transmission. */

import { interopSuite } from '../interop-suite.ts'
import { transmission } from '../interop-transmission.ts'

await interopSuite('webtorrent', transmission)
