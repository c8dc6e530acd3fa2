/** Hostile peers against webtorrent behind the engine contract. */
import { hostileSuite } from '../hostile-suite.ts'

await hostileSuite('webtorrent')
