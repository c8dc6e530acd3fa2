/** webtorrent behind the engine contract, and qbittorrent. */
import { qbittorrent } from '../interop-qbittorrent.ts'
import { interopSuite } from '../interop-suite.ts'

await interopSuite('webtorrent', qbittorrent)
