/** Our wire engine and libtorrent. */
import { libtorrent } from '../interop-libtorrent.ts'
import { interopSuite } from '../interop-suite.ts'

await interopSuite('wire', libtorrent)
