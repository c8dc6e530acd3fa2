/** Storms against webtorrent behind the engine contract. */
import { stormSuite } from '../storm-suite.ts'

await stormSuite('webtorrent')
