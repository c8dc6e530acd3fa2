/** Our wire engine and transmission. */

import { interopSuite } from '../interop-suite.ts'
import { transmission } from '../interop-transmission.ts'

await interopSuite('wire', transmission)
