/** Quirks of other clients against the webtorrent engine. */
import { quirksSuite } from '../interop-quirks.ts'

await quirksSuite('webtorrent')
