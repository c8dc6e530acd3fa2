/** Our wire engine and qbittorrent. */
import { qbittorrent } from '../interop-qbittorrent.ts'
import { interopSuite } from '../interop-suite.ts'

await interopSuite('wire', qbittorrent)
