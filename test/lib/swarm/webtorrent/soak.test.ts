/** A soak of the webtorrent engine. */
import { soakSuite } from '../storm-soak.ts'

await soakSuite('webtorrent')
