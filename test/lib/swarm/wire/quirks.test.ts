/** Quirks of other clients against the wire engine. */
import { quirksSuite } from '../interop-quirks.ts'

await quirksSuite('wire')
