/** Our wire engine and aria2. */
import { aria2 } from '../interop-aria2.ts'
import { interopSuite } from '../interop-suite.ts'

await interopSuite('wire', aria2)
